"""Calls of the survey on images, sequences and indices, and formulas written by hand as they stand in people's code."""

import importlib
from collections.abc import Callable
from typing import Any


def make_more_calls(lib: Any) -> dict[str, Callable[[], Callable[[], Any]]]:
    """Return by name what makes a call ready: a function without arguments to be timed."""
    nn, F = (importlib.import_module(f"{lib.__name__}.{part}") for part in ("nn", "nn.functional"))

    def leaf(*shape: int) -> Any:
        return lib.randn(*shape, requires_grad=True)

    def both_ways(function: Callable[..., Any], *leaves: Any) -> Callable[[], Callable[[], None]]:
        def call() -> None:
            for x in leaves:
                x.grad = None
            y = function(*leaves)
            ((y * y).mean() if y.ndim else y).backward()

        return lambda: call

    images, steps, matrix = leaf(16, 32, 28, 28), leaf(32, 64, 128), leaf(1000, 1000)
    heads, points, rows, other = leaf(16, 4, 128, 32), leaf(300), leaf(1000, 100), lib.randn(1000, 100)
    a, truths = lib.randn(1000, 1000), lib.randn(1000, 1000) > 0
    ids, places, labels = (lib.randint(0, 1000, shape) for shape in ((32, 64), (1000, 1000), (1000,)))
    image_labels, shares = lib.randint(0, 32, (16, 28, 28)), lib.rand(64, 1000)
    table, weight, numbers = leaf(1000, 64), leaf(128), [[float(i * j) for i in range(100)] for j in range(100)]
    mask = lib.tril(lib.ones(128, 128)) == 0
    query, keys, pairs = leaf(64, 1, 64), leaf(64, 64, 512), (leaf(256, 5, 100), leaf(256, 100, 1))
    parts = leaf(64, 50), leaf(20, 50, 50), leaf(64, 50)
    many = [nn.Parameter(lib.randn(300, 300)) for _ in range(10)]
    for parameter in many:
        parameter.grad = lib.randn(300, 300)
    modules = {
        "convolution, dilated": (nn.Conv2d(32, 32, 3, padding=2, dilation=2), images),
        "convolution, four groups": (nn.Conv2d(32, 32, 3, padding=1, groups=4), images),
        "convolution, 7 x 7, stride 2": (nn.Conv2d(3, 64, 7, stride=2, padding=3), leaf(8, 3, 64, 64)),
        "convolution, whole image": (nn.Conv2d(128, 64, 4), leaf(32, 128, 4, 4)),
        "PReLU": (nn.PReLU(32), images),
        "LSTM, 5 steps of 3 x 10": (nn.LSTM(10, 20), leaf(5, 3, 10)),
    }

    def output(module: Any) -> Callable[[Any], Any]:
        return lambda x: module(x)[0] if isinstance(module, nn.LSTM) else module(x)

    attention = nn.MultiheadAttention(128, 4, batch_first=True)
    return {
        **{name: both_ways(output(module), x) for name, (module, x) in modules.items()},
        # Images (B, C, R, S), forward and backward.
        "softmax over channels": both_ways(lambda x: F.softmax(x, 1), images),
        "log-softmax over channels": both_ways(lambda x: F.log_softmax(x, 1), images),
        "cross-entropy of pixels": both_ways(lambda x: F.cross_entropy(x, image_labels), images),
        "mean of each channel": both_ways(lambda x: x.mean((2, 3)), images),
        "pooling to one pixel": both_ways(lambda x: F.adaptive_avg_pool2d(x, 1), images),
        "pad, reflected": both_ways(lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect"), images),
        "unfold": both_ways(lambda x: F.unfold(x, 3), images),
        "join channels": both_ways(lambda x: lib.cat([x, x], 1), images),
        "channels last, copied": both_ways(lambda x: x.permute(0, 2, 3, 1).contiguous(), images),
        # Sequences (B, T, D), forward and backward.
        "mean over steps": both_ways(lambda x: x.mean(1), steps),
        "maximum over steps": both_ways(lambda x: x.max(1).values, steps),
        "amax over steps": both_ways(lambda x: x.amax(1), steps),
        "deviation over steps": both_ways(lambda x: x.std(1), steps),
        "chunks": both_ways(lambda x: sum(x.chunk(4, -1)), steps),
        "stack": both_ways(lambda x: lib.stack([x, x, x]), steps),
        "normalize": both_ways(lambda x: F.normalize(x, dim=-1), steps),
        "log-sum-exp": both_ways(lambda x: x.logsumexp(-1), steps),
        "attention, three projections": both_ways(lambda x: attention(x, x, x, need_weights=False)[0], steps),
        "attention": both_ways(lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True), heads),
        "one query, 512 keys": both_ways(lambda q, k: q @ k, query, keys),
        "dot products of pairs": both_ways(lambda w, u: lib.bmm(w, u), *pairs),
        "einsum, heads": both_ways(lambda x: lib.einsum("bhqd,bhkd->bhqk", x, x), leaf(16, 4, 64, 32)),
        "einsum, bilinear": both_ways(lambda x, w, y: lib.einsum("bi,kij,bj->bk", x, w, y), *parts),
        # Indices.
        "gather": both_ways(lambda x: x.gather(1, places), matrix),
        "rows by index, both ways": both_ways(lambda x: x[labels], matrix),
        "columns by index": both_ways(lambda x: x.index_select(1, labels), matrix),
        "elements by two indices": both_ways(lambda x: x[labels, labels], matrix),
        "every second column": both_ways(lambda x: x[:, ::2], matrix),
        "embedding, both ways": both_ways(lambda w: F.embedding(ids, w), table),
        "scatter-add along rows": lambda: lambda: lib.zeros(1000, 1000).scatter_add(1, places, a),
        "scatter-add over rows": lambda: lambda: lib.zeros(1000, 1000).scatter_add(0, places, a),
        "add rows at indices": lambda: lambda: lib.zeros(1000, 1000).index_add_(0, labels, a),
        "select by a mask": lambda: lambda: a[truths],
        "fill by a mask, both ways": both_ways(lambda x: x.masked_fill(truths, 0.0), matrix),
        "places of truths": lambda: lambda: truths.nonzero(),
        "any along rows": lambda: lambda: truths.any(1),
        "unique": lambda: lambda: lib.unique(places),
        "counts": lambda: lambda: lib.bincount(places.reshape(-1)),
        "random choices": lambda: lambda: lib.multinomial(shares, 1),
        "median": lambda: lambda: a.median(1),
        "running product": lambda: lambda: a.cumprod(1),
        "accuracy": lambda: lambda: (a.argmax(1) == labels).float().mean().item(),
        "tensor of lists": lambda: lambda: lib.tensor(numbers),
        "clip gradients": lambda: lambda: nn.utils.clip_grad_norm_(many, 1.0),
        # Functions, losses and formulas, forward and backward.
        "erf": both_ways(lambda x: lib.erf(x), matrix),
        "sine and cosine": both_ways(lambda x: x.sin() + x.cos(), matrix),
        "power 1.5": both_ways(lambda x: x.abs() ** 1.5, matrix),
        "GELU, by tanh": both_ways(lambda x: F.gelu(x, approximate="tanh"), matrix),
        "x sigmoid(x)": both_ways(lambda x: x * lib.sigmoid(x), matrix),
        "x + transposed x": both_ways(lambda x: x + x.T, matrix),
        "lengths of rows": both_ways(lambda x: x.norm(dim=1), matrix),
        "differences of all pairs": both_ways(lambda x: (x[:, None] - x[None, :]).pow(2), points),
        "cosine similarity": both_ways(lambda x: F.cosine_similarity(x, other), rows),
        "KL divergence": both_ways(
            lambda x: F.kl_div(F.log_softmax(x, -1), shares, reduction="batchmean"), leaf(64, 1000)
        ),
        "binary cross-entropy": both_ways(lambda x: F.binary_cross_entropy(x.sigmoid(), other.sigmoid()), rows),
        "Huber": both_ways(lambda x: F.huber_loss(x, other), rows),
        "L1": both_ways(lambda x: F.l1_loss(x, other), rows),
        "triplets": both_ways(lambda x: F.triplet_margin_loss(x, other, other + 1), rows),
        "RMS norm by hand": both_ways(
            lambda x, w: x * (x.pow(2).mean(-1, keepdim=True) + 1e-5).rsqrt() * w, steps, weight
        ),
        "layer norm by hand": both_ways(
            lambda x: (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5), steps
        ),
        "masked softmax": both_ways(lambda x: F.softmax(x.masked_fill(mask, float("-inf")), -1), leaf(16, 4, 128, 128)),
    }
