"""Every row of the benchmarks, once: for asv, which times fastgrok alone, and for the comparison with PyTorch.

`package` is the module itself, `fastgrok` or `torch`; the names below are those that both have. A workload is an object
whose call does one unit of work, a training step in most rows, and returns a number that everything it calculated has a
share in. Weights and data come from NumPy, seeded, so that both libraries must return the same number the first time.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Workload:
    """What the rows have in common: drawn values as tensors of a library."""

    def __init__(self, package: Any):
        self.package, self.nn, self.F = package, package.nn, package.nn.functional
        self.generator = np.random.default_rng(2019)

    def indices(self, limit: int, *shape: int) -> Any:
        """Return whole numbers below `limit`."""
        return self.package.from_numpy(self.generator.integers(0, limit, shape))

    def numbers(self, *shape: int) -> Any:
        """Return normally distributed numbers that want a gradient."""
        drawn = self.package.from_numpy(self.generator.standard_normal(shape, dtype=np.float32))
        return drawn.requires_grad_()

    def build(self, *modules: Any) -> list:
        """Draw all weights, uniform within 1 / sqrt(last size); return them."""
        parameters = [parameter for module in modules for parameter in module.parameters()]
        with self.package.no_grad():
            for parameter in parameters:
                shape = tuple(parameter.shape)
                drawn = self.generator.uniform(-1, 1, shape) / math.sqrt(shape[-1])
                parameter.copy_(self.package.from_numpy(drawn.astype(np.float32)))
        return parameters

    def adam(self, parameters: list) -> Any:
        """Return the fastest Adam there is: in PyTorch one has to ask for it."""
        fused = {"fused": True} if self.package.__name__ == "torch" else {}
        return self.package.optim.Adam(parameters, lr=1e-3, **fused)

    @staticmethod
    def descend(optimizer: Any, loss: Any) -> float:
        """Make one step downhill."""
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    @staticmethod
    def differentiate(loss: Any, leaves: list) -> float:
        """Calculate the gradients of all leaves; one element of each is part of the answer."""
        for leaf in leaves:
            leaf.grad = None
        loss.backward()
        return loss.item() + sum(leaf.grad.reshape(-1)[0].item() for leaf in leaves)

    def flops(self) -> float | None:
        """Return the operations in the products of one call; None where products are not the work."""
        return None


GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


class LanguageModel(Workload):
    """Embedding, recurrent layers, Linear, cross-entropy, Adam; the hidden state is carried over and detached."""

    def __init__(self, package, cell="LSTM", B=32, T=16, V=65, E=512, H=512, L=1):
        super().__init__(package)
        self.sizes = cell, B, T, V, E, H, L
        self.embedding, self.out = self.nn.Embedding(V, E), self.nn.Linear(H, V)
        self.recurrent = getattr(self.nn, cell)(E, H, L)
        self.optimizer = self.adam(self.build(self.embedding, self.recurrent, self.out))
        self.x, self.y = self.indices(V, T, B), self.indices(V, T * B)
        self.state = None

    def __call__(self):
        h, state = self.recurrent(self.embedding(self.x), self.state)
        self.state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        scores = self.out(h).reshape(len(self.y), -1)
        return self.descend(self.optimizer, self.F.cross_entropy(scores, self.y))

    def flops(self):
        """Count the first layer's product once per character of the vocabulary where there are fewer of them."""
        cell, B, T, V, E, H, L = self.sizes
        inputs = min(V, B * T) * E + (L - 1) * B * T * H
        return 3 * 2 * (GATES[cell] * H * (inputs + L * B * T * H) + B * T * H * V)


class Recurrent(Workload):
    """A recurrent layer on real numbers, forward and backward, to the input as well."""

    def __init__(self, package, cell="LSTM", B=32, T=32, D=256, H=256):
        super().__init__(package)
        self.sizes = cell, B, T, D, H
        self.layer = getattr(self.nn, cell)(D, H)
        parameters = self.build(self.layer)
        self.x = self.numbers(T, B, D)
        self.leaves = [self.x, *parameters]

    def __call__(self):
        h, _ = self.layer(self.x)
        return self.differentiate((h * h).mean(), self.leaves)

    def flops(self):
        cell, B, T, D, H = self.sizes
        return 3 * 2 * B * T * GATES[cell] * H * (D + H)


class Transformer(Workload):
    """Characters and their places, layers of attention that see the past only, Linear, cross-entropy, Adam."""

    def __init__(self, package, B=32, T=64, V=65, E=128, H=4, L=2):
        super().__init__(package)
        self.sizes, nn = (B, T, V, E, H, L), self.nn
        self.embedding, self.places, self.out = nn.Embedding(V, E), nn.Embedding(T, E), nn.Linear(E, V)
        layer = nn.TransformerEncoderLayer(E, H, 4 * E, 0.0, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, L, norm=nn.LayerNorm(E), enable_nested_tensor=False)
        self.optimizer = self.adam(self.build(self.embedding, self.places, self.encoder, self.out))
        self.x, self.y = self.indices(V, B, T), self.indices(V, B * T)
        self.time, self.future = (package.from_numpy(a) for a in (np.arange(T), ~np.tri(T, dtype=bool)))

    def __call__(self):
        x = self.embedding(self.x) + self.places(self.time)
        scores = self.out(self.encoder(x, mask=self.future)).flatten(0, 1)
        return self.descend(self.optimizer, self.F.cross_entropy(scores, self.y))

    def flops(self):
        B, T, V, E, _, L = self.sizes
        return 3 * 2 * B * T * (L * (12 * E**2 + (T + 1) * E) + V * E)


class Attention(Workload):
    """Causal attention of several heads, forward and backward."""

    def __init__(self, package, B=2, H=8, T=512, D=64):
        super().__init__(package)
        self.sizes = B, H, T, D
        self.leaves = [self.numbers(B, H, T, D) for _ in range(3)]

    def __call__(self):
        y = self.F.scaled_dot_product_attention(*self.leaves, is_causal=True)
        return self.differentiate((y * y).mean(), self.leaves)

    def flops(self):
        """Count each query's keys up to its own, and not that the backward pass makes one product anew."""
        B, H, T, D = self.sizes
        return 3 * 2 * B * H * T * (T + 1) * D


class Digits(Workload):
    """The book's network for digits: 784 pixels, 100 units, tanh, dropout, ten scores; one step of SGD."""

    def __init__(self, package, B=100, D=784, H=100, V=10):
        super().__init__(package)
        self.sizes = B, D, H, V
        layers = self.nn.Linear(D, H), self.nn.Tanh(), self.nn.Dropout(0.5), self.nn.Linear(H, V)
        self.model = self.nn.Sequential(*layers)
        self.optimizer = package.optim.SGD(self.build(self.model), lr=0.1)
        self.x, self.y = self.numbers(B, D).detach(), self.indices(V, B)

    def __call__(self):
        return self.descend(self.optimizer, self.F.cross_entropy(self.model(self.x), self.y))

    def flops(self):
        B, D, H, V = self.sizes
        return 2 * B * (2 * D * H + 3 * H * V)  # the pixels want no gradient


class Images(Workload):
    """Two convolutions with pooling and a Linear layer on images of 28 x 28 pixels; one step of Adam."""

    def __init__(self, package, B=128, C=16, O=32, K=3, V=10):
        super().__init__(package)
        self.sizes = B, C, O, K, V
        nn = self.nn
        self.model = nn.Sequential(
            *(nn.Conv2d(1, C, K, padding=K // 2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(C, O, K, padding=K // 2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(O * 7 * 7, V)),
        )
        self.optimizer = self.adam(self.build(self.model))
        self.x, self.y = self.numbers(B, 1, 28, 28).detach(), self.indices(V, B)

    def __call__(self):
        return self.descend(self.optimizer, self.F.cross_entropy(self.model(self.x), self.y))

    def flops(self):
        B, C, O, K, V = self.sizes
        return 2 * B * (2 * 28**2 * K**2 * C + 3 * 14**2 * K**2 * C * O + 3 * O * 7**2 * V)


class Convolution(Workload):
    """One convolution, forward and backward to input, weight and bias."""

    def __init__(self, package, B=32, C=16, O=32, S=28, K=3):
        super().__init__(package)
        self.sizes = B, C, O, S, K
        self.layer = self.nn.Conv2d(C, O, K, padding=K // 2)
        parameters = self.build(self.layer)
        self.x = self.numbers(B, C, S, S)
        self.leaves = [self.x, *parameters]

    def __call__(self):
        y = self.layer(self.x)
        return self.differentiate((y * y).mean(), self.leaves)

    def flops(self):
        B, C, O, S, K = self.sizes
        return 3 * 2 * B * S**2 * K**2 * C * O


class Embedding(Workload):
    """Rows of a table, their gradient added up, one step of SGD on the table."""

    def __init__(self, package, V=20000, E=64, N=16384):
        super().__init__(package)
        self.table = self.nn.Embedding(V, E)
        self.optimizer = package.optim.SGD(self.build(self.table), lr=0.1)
        self.ids = self.indices(V, N)

    def __call__(self):
        y = self.table(self.ids)
        return self.descend(self.optimizer, (y * y).mean())


class BagOfWords(Workload):
    """The book's network for film reviews: the mean of word vectors, one score, one step of SGD."""

    def __init__(self, package, V=20000, E=100, B=64, N=150):
        super().__init__(package)
        self.bag, self.out = self.nn.EmbeddingBag(V, E, mode="mean"), self.nn.Linear(E, 1)
        self.optimizer = package.optim.SGD(self.build(self.bag, self.out), lr=0.1)
        self.words = self.indices(V, B, N)
        self.praise = package.from_numpy(self.generator.integers(0, 2, (B, 1)).astype(np.float32))

    def __call__(self):
        scores = self.out(self.bag(self.words))
        return self.descend(self.optimizer, self.F.binary_cross_entropy_with_logits(scores, self.praise))


class CrossEntropy(Workload):
    """Softmax and cross-entropy, forward and backward."""

    def __init__(self, package, N=4096, V=65):
        super().__init__(package)
        self.x, self.y = self.numbers(N, V), self.indices(V, N)

    def __call__(self):
        return self.differentiate(self.F.cross_entropy(self.x, self.y), [self.x])


class Product(Workload):
    """A product of two matrices, without gradients."""

    def __init__(self, package, M=512, K=512, N=512):
        super().__init__(package)
        self.sizes = M, K, N
        self.a, self.b = self.numbers(M, K).detach(), self.numbers(K, N).detach()

    def __call__(self):
        return (self.a @ self.b)[0, 0].item()

    def flops(self):
        M, K, N = self.sizes
        return 2 * M * K * N


class Sampling(Workload):
    """Characters drawn one by one at temperature 0.8. PyTorch has no function for this, so there it is a loop."""

    def __init__(self, package, V=65, E=512, H=512, n=200):
        super().__init__(package)
        self.V, self.n = V, n
        self.model = self.nn.Embedding(V, E), self.nn.LSTM(E, H), self.nn.Linear(H, V)
        self.build(*self.model)

    def __call__(self):
        if hasattr(self.package, "generate"):
            return len(self.package.generate(*self.model, start=[0], length=self.n, temperature=0.8, seed=0))
        embedding, lstm, out = self.model
        drawn, state, token = [], None, self.package.tensor([[0]])
        with self.package.no_grad():
            for _ in range(self.n):
                h, state = lstm(embedding(token), state)
                scores = out(h).reshape(self.V)
                token = self.package.multinomial(self.package.softmax(scores / 0.8, 0), 1).reshape(1, 1)
                drawn.append(token)
        return len(drawn)


class Row(NamedTuple):
    """A workload with its sizes, and its name in the README's table."""

    title: str
    make: Callable[..., Workload]
    sizes: dict[str, Any]
    random: bool = False  # the libraries' own random numbers have a share in the result

    def build(self, package: Any, **other_sizes: Any) -> Workload:
        """Make the workload, at other sizes where some are given."""
        return self.make(package, **{**self.sizes, **other_sizes})


def _sizes(**sizes):
    return sizes


# fmt: off
ROWS = {
    "lm-lstm-B32-T16-H512": Row("language model, LSTM, batch 32, 16 steps, H = 512", LanguageModel, _sizes()),
    "lm-lstm-B16-T25-H512": Row("language model, LSTM, batch 16, 25 steps, H = 512", LanguageModel, _sizes(B=16, T=25)),
    "lm-lstm-B64-T64-H256":
        Row("language model, LSTM, batch 64, 64 steps, H = 256", LanguageModel, _sizes(B=64, T=64, E=256, H=256)),
    "lm-lstm-B16-T16-H128":
        Row("language model, LSTM, batch 16, 16 steps, H = 128", LanguageModel, _sizes(B=16, T=16, E=128, H=128)),
    "lm-lstm-B50-T50-H128-L2":
        Row("language model, LSTM, batch 50, 50 steps, H = 128, two layers",
            LanguageModel, _sizes(B=50, T=50, E=128, H=128, L=2)),
    "lm-gru-B32-T32-H256":
        Row("language model, GRU, batch 32, 32 steps, H = 256", LanguageModel, _sizes(cell="GRU", T=32, E=256, H=256)),
    "lm-rnn-B32-T16-H512":
        Row("language model, RNN, batch 32, 16 steps, H = 512", LanguageModel, _sizes(cell="RNN")),
    "lstm-B32-T32-D256-H256": Row("LSTM on real numbers, batch 32, 32 steps, H = 256", Recurrent, _sizes()),
    "lstm-B32-T16-D512-H512":
        Row("LSTM on real numbers, batch 32, 16 steps, H = 512", Recurrent, _sizes(T=16, D=512, H=512)),
    "rnn-B32-T32-D256-H256": Row("RNN on real numbers, batch 32, 32 steps, H = 256", Recurrent, _sizes(cell="RNN")),
    "lm-transformer-B32-T64-E128":
        Row("language model, transformer, batch 32, 64 steps, two layers of 128", Transformer, _sizes()),
    "attention-T512": Row("causal attention, 16 heads of 64, 512 steps", Attention, _sizes()),
    "mlp-B100": Row("digits: 784-100-10 with dropout, batch 100", Digits, _sizes(), random=True),
    "cnn-B128": Row("digits: two convolutions with pooling, batch 128", Images, _sizes()),
    "conv-B64-C1-O16-K5":
        Row("convolution, 64 images, 1 to 16 channels, 5 x 5", Convolution, _sizes(B=64, C=1, O=16, K=5)),
    "conv-B32-C16-O32": Row("convolution, 32 images, 16 to 32 channels, 3 x 3", Convolution, _sizes()),
    "embedding-V20000": Row("embedding, 16,384 of 20,000 rows of 64", Embedding, _sizes()),
    "embedding-V65": Row("embedding, 512 of 65 rows of 512", Embedding, _sizes(V=65, E=512, N=512)),
    "bag-of-words": Row("film reviews: mean of word vectors, batch 64", BagOfWords, _sizes()),
    "cross-entropy-V65": Row("cross-entropy, 4096 x 65", CrossEntropy, _sizes()),
    "cross-entropy-V10000": Row("cross-entropy, 512 x 10,000", CrossEntropy, _sizes(N=512, V=10000)),
    "matmul-512": Row("matrix product, 512 x 512 x 512", Product, _sizes()),
    "matmul-32x512x2048": Row("matrix product, 32 x 512 x 2048", Product, _sizes(M=32, K=512, N=2048)),
    "sampling-H512": Row("200 characters sampled, H = 512", Sampling, _sizes(), random=True),
}
# fmt: on
