"""A glance beyond the rows of the comparison: many kinds of calls, timed in both libraries, the slowest first.

    python -m asv_bench.compare.survey [--small] [--threads 2] [--rounds 3] [NAMES...]

The rows are what fastgrok is tuned for; this is for finding what it is slow at. Each round is a fresh process of one
library, by turns; a call's time is the 20th percentile of a third of a second, and its ratio the median of the rounds'.
There is no yardstick: trust factors, not percents. NAMES restrict it to the calls that begin with one of them;
the calls are those below and of more_calls.py, with `--small` those of small_calls.py.
"""

import argparse
import importlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from .more_calls import make_more_calls
from .small_calls import make_small_calls

SECONDS = 0.35  # for each call in each round


def make_calls(lib: Any) -> dict[str, Callable[[], Callable[[], Any]]]:
    """Return by name what makes a call ready: a function without arguments to be timed."""
    nn, F, optim = (importlib.import_module(f"{lib.__name__}.{part}") for part in ("nn", "nn.functional", "optim"))

    def rand(*shape: int, grad: bool = False) -> Any:
        return lib.randn(*shape, requires_grad=grad)

    def layer(layer: Any, *shape: int) -> Callable[[], Any]:
        x = rand(*shape, grad=True)

        def call() -> None:
            y = layer(x)
            y = y[0] if isinstance(y, tuple) else y
            (y * y).mean().backward()

        return call

    def loss(function: Any, x: Any, *others: Any) -> Callable[[], Any]:
        return lambda: function(x, *others).backward()

    def training(model: Any, x: Any, y: Any, loss: Any, optimizer: Any) -> Callable[[], Any]:
        def call() -> None:
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()

        return call

    def inference(layer: Any, x: Any) -> Callable[[], Any]:
        def call() -> None:
            with lib.no_grad():
                layer.eval()(x)

        return call

    def update(kind: Any, count: int) -> Callable[[], Any]:
        parameters = [nn.Parameter(rand(256, 256)) for _ in range(count)]
        for parameter in parameters:
            parameter.grad = rand(256, 256)
        return kind(parameters).step

    def dense(*sizes: int) -> Any:
        pairs = list(itertools.pairwise(sizes))
        layers = [part for pair in pairs for part in (nn.Linear(*pair), nn.ReLU())]
        return nn.Sequential(*layers[:-1])

    def residual() -> Any:
        class Block(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.first = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU())
                self.second = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32))

            def forward(self, x: Any) -> Any:
                return F.relu(x + self.second(self.first(x)))

        return Block()

    def mlp(batch: int, *sizes: int) -> Callable[[], Any]:
        model, y = dense(*sizes), lib.randint(0, sizes[-1], (batch,))
        return training(model, rand(batch, sizes[0]), y, F.cross_entropy, optim.Adam(model.parameters()))

    def by_hand(w: Any, gradient: Any) -> Callable[[], Any]:
        def call() -> None:
            with lib.no_grad():
                w.sub_(gradient, alpha=1e-3)

        return call

    a, b, positive = rand(1000, 1000), rand(1000, 1000), rand(1000, 1000).abs() + 1
    x, wide, images = rand(1000, 1000, grad=True), rand(4096, 256), (32, 32, 32, 32)
    classes, c = lib.randint(0, 1000, (1000,)), rand(1000, 1000)
    return {
        # Layers, forward and backward.
        "residual block": lambda: layer(residual(), *images),
        "linear, one row": lambda: inference(nn.Linear(1024, 1024), rand(1, 1024)),
        "linear, one output": lambda: layer(nn.Linear(256, 1), 4096, 256),
        "convolution, 1 x 1": lambda: layer(nn.Conv2d(64, 64, 1), 32, 64, 16, 16),
        "convolution, stride 2": lambda: layer(nn.Conv2d(32, 64, 3, stride=2, padding=1), *images),
        "convolution, depthwise": lambda: layer(nn.Conv2d(64, 64, 3, padding=1, groups=64), 16, 64, 32, 32),
        "convolution, one dimension": lambda: layer(nn.Conv1d(64, 64, 5, padding=2), 16, 64, 512),
        "convolution, transposed": lambda: layer(nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), 16, 64, 16, 16),
        "pooling, average": lambda: layer(nn.AvgPool2d(2), *images),
        "pooling, maximum": lambda: layer(nn.MaxPool2d(3, 2, 1), *images),
        "norm, batch of images": lambda: layer(nn.BatchNorm2d(32), *images),
        "norm, batch of rows": lambda: layer(nn.BatchNorm1d(512), 512, 512),
        "norm, layer": lambda: layer(nn.LayerNorm(512), 4096, 512),
        "norm, group": lambda: layer(nn.GroupNorm(8, 32), *images),
        "LSTM, both directions": lambda: layer(nn.LSTM(128, 128, bidirectional=True), 32, 16, 128),
        "GRU, two layers": lambda: layer(nn.GRU(128, 256, num_layers=2), 32, 16, 128),
        "LSTM, inference": lambda: inference(nn.LSTM(128, 256, batch_first=True), rand(8, 64, 128)),
        "encoder layer": lambda: layer(nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True), 16, 64, 256),
        "encoder layer, inference": lambda: inference(
            nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True), rand(1, 64, 256)
        ),
        "training, 20-32-1": lambda: mlp(32, 20, 32, 2),
        "training, 784-512-512-10": lambda: mlp(256, 784, 512, 512, 10),
        # Nonlinearities of a million numbers, forward and backward.
        **{
            name: lambda kind=kind: layer(kind(), 1000, 1000)
            for name, kind in {
                "GELU": nn.GELU, "SiLU": nn.SiLU, "ELU": nn.ELU, "leaky ReLU": nn.LeakyReLU, "softplus": nn.Softplus,
            }.items()
        },
        "dropout": lambda: layer(nn.Dropout(0.3), 1000, 1000),
        "arithmetic": lambda: lambda: ((x * b + x).sigmoid() * b.tanh()).sum().backward(),
        # Losses, forward and backward.
        "loss, squared": lambda: loss(F.mse_loss, x, b),
        "loss, smooth L1": lambda: loss(F.smooth_l1_loss, x, b),
        "loss, binary, of logits": lambda: loss(F.binary_cross_entropy_with_logits, x, b.sigmoid()),
        "loss, of log-softmax": lambda: loss(lambda x, y: F.nll_loss(F.log_softmax(x, -1), y), x, classes),
        "loss, cosine": lambda: loss(lambda x, y: F.cosine_similarity(x, y).sum(), x, b),
        # Updates.
        "AdamW, 20 matrices": lambda: update(optim.AdamW, 20),
        "RMSprop, 20 matrices": lambda: update(optim.RMSprop, 20),
        "step by hand": lambda: by_hand(x, b),
        "moving average": lambda: lambda: c.mul_(0.9).add_(b, alpha=0.1),
        # Single operations, forward.
        "add": lambda: lambda: a + b,
        "add a row": lambda: lambda: wide + wide[0],
        "divide a root": lambda: lambda: positive.sqrt() / positive,
        "exp": lambda: lambda: a.exp(),
        "where and clamp": lambda: lambda: lib.where(a > 0, a, a * 0.1).clamp(-1, 1),
        "fill by a mask": lambda: lambda: a.masked_fill(b > 0, 0.0),
        "sum over rows": lambda: lambda: wide.sum(0),
        "sum along rows": lambda: lambda: wide.sum(1),
        "mean and deviation": lambda: lambda: (a.mean(1), a.std(1)),
        "maximum along rows": lambda: lambda: wide.max(1),
        "argmax along rows": lambda: lambda: wide.argmax(1),
        "cumulative sum": lambda: lambda: a.cumsum(1),
        "sort": lambda: lambda: wide.sort(1),
        "largest five": lambda: lambda: wide.topk(5, 1),
        "copy of a transposed matrix": lambda: lambda: a.t().contiguous(),
        "concatenate": lambda: lambda: lib.cat([a, b], 1),
        "pad": lambda: lambda: F.pad(a, (1, 1)),
        "rows by index": lambda: lambda: wide[classes],
        "matrix times vector": lambda: lambda: a @ b[0],
        "product of transposed": lambda: lambda: a @ b.t(),
        "random, normal": lambda: lambda: lib.randn(512, 512),
        "random, order": lambda: lambda: lib.randperm(60_000),
        "nine numbers": lambda: loss(lambda x: ((x * 2 + 1) ** 2).sum(), rand(3, 3, grad=True)),
    }  # fmt: skip


def measure(library: str, threads: int, names: list[str], small: bool = False) -> dict[str, float]:
    """Return seconds by name, in this process."""
    lib = importlib.import_module(library)
    lib.set_num_threads(threads)
    lib.manual_seed(0)
    found = {}
    for name, make in (make_small_calls(lib) if small else make_calls(lib) | make_more_calls(lib)).items():
        if names and not name.startswith(tuple(names)):
            continue
        call, times = make(), []
        for _ in range(3):
            call()
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end or len(times) < 5:
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        found[name] = sorted(times)[len(times) // 5]
    return found


def main() -> None:
    """Measure both libraries by turns and print a line for each call."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="calls on arrays of 8 x 8")
    parser.add_argument("--only", metavar="LIBRARY", help="measure one library in this process and print JSON")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(options.only, options.threads, options.names, options.small)))
        return
    rounds = []
    for _ in range(options.rounds):
        pair = []
        for library in ("fastgrok", "torch"):
            command = [sys.executable, "-m", __spec__.name, "--threads", str(options.threads), "--only", library]
            command += ["--small"] * options.small
            environment = {**os.environ, "FASTGROK_QUIET": "1"}
            done = subprocess.run([*command, *options.names], env=environment, stdout=subprocess.PIPE, check=True)
            pair.append(json.loads(done.stdout))
        rounds.append(pair)
    ratios = {name: [theirs[name] / ours[name] for ours, theirs in rounds] for name in rounds[0][0]}
    unit, scale = ("us", 1e6) if options.small else ("ms", 1e3)
    print(f"{'':29} {'fastgrok':>9} {'PyTorch':>9}  ratio")
    for name, found in sorted(ratios.items(), key=lambda item: statistics.median(item[1])):
        ours, theirs = (statistics.median(pair[i][name] for pair in rounds) * scale for i in (0, 1))
        print(f"{name:29} {ours:6.2f} {unit} {theirs:6.2f} {unit}  {statistics.median(found):5.2f}")


if __name__ == "__main__":
    main()
