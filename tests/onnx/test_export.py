"""Exported models calculate in onnxruntime what they calculate here, also along dynamic axes."""

import pytest
from exporting import BATCH, Function, LanguageModel, check

import fastgrok
import fastgrok.nn.functional as F
from fastgrok import nn

pytestmark = pytest.mark.onnx

# ------------------------------------------------------------------------------------------------ models


@pytest.mark.parametrize("opset", [13, 17, 18, 21])
def test_mlp(tmp_path, opset):
    model = nn.Sequential(
        nn.Linear(5, 8), nn.LayerNorm(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3, bias=False), nn.LogSoftmax(dim=1)
    )
    model.train()
    check(
        model,
        fastgrok.randn(4, 5),
        tmp_path,
        [fastgrok.randn(7, 5), fastgrok.randn(1, 5)],
        opset_version=opset,
        **BATCH,
    )


def test_double(tmp_path):
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    check(model, fastgrok.randn(4, 5).double(), tmp_path, [fastgrok.randn(2, 5).double()], tolerance=1e-10, **BATCH)


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(8, 12, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)
        self.up = nn.ConvTranspose2d(12, 6, 3, stride=2, padding=1, output_padding=1)
        self.average = nn.AvgPool2d(3, stride=2, padding=1)
        self.all = nn.AdaptiveAvgPool2d(1)
        self.out = nn.Linear(6, 10)

    def forward(self, images):
        x = self.pool(F.relu(self.norm(self.conv1(images))))
        x = self.average(self.up(F.relu(self.conv2(x))))
        return self.out(self.all(x).flatten(1))


def test_cnn(tmp_path):
    model = CNN()
    for _ in range(3):
        model(fastgrok.randn(8, 3, 16, 16) * 2 + 1)  # moves the running statistics
    axes = {"images": {0: "batch", 2: "rows"}}
    others = [fastgrok.randn(1, 3, 16, 16), fastgrok.randn(5, 3, 23, 16)]
    check(model, fastgrok.randn(2, 3, 16, 16), tmp_path, others, dynamic_axes=axes)


@pytest.mark.parametrize(
    "layer, shape",
    [
        (nn.Conv1d(4, 6, 3, padding="same"), (2, 4, 9)),
        (nn.Conv1d(4, 6, 4, padding="same", dilation=3), (2, 4, 19)),
        (nn.Conv2d(4, 6, 3), (4, 7, 8)),
        (nn.ConvTranspose1d(4, 6, 3, stride=2, groups=2), (2, 4, 9)),
        (nn.ConvTranspose2d(4, 6, (3, 2), dilation=2, bias=False), (2, 4, 5, 6)),
        (nn.MaxPool1d(3, stride=2, padding=1), (2, 4, 9)),
        (nn.MaxPool2d(3, stride=2, ceil_mode=True), (2, 4, 8, 10)),
        (nn.MaxPool2d(2, dilation=2), (4, 8, 10)),
        (nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)), (2, 4, 8, 10)),
        (nn.Sequential(nn.ReLU(), nn.MaxPool1d(9)), (2, 4, 9)),
        (nn.AvgPool1d(4), (2, 3, 9)),
        (nn.AvgPool2d(3, padding=1, count_include_pad=False), (2, 3, 9, 8)),
        (nn.AvgPool2d(3, stride=2, ceil_mode=True, count_include_pad=False), (2, 3, 8, 8)),
        (nn.AvgPool2d(2, divisor_override=3), (2, 3, 8, 8)),
        (nn.AdaptiveAvgPool2d((2, 4)), (2, 3, 8, 8)),
        (nn.AdaptiveAvgPool1d(3), (2, 3, 9)),
        (nn.AdaptiveMaxPool2d(1), (2, 3, 5, 4)),
        (nn.BatchNorm1d(5), (4, 5)),
        (nn.BatchNorm1d(5, affine=False), (4, 5, 6)),
        (nn.LayerNorm((3, 4), elementwise_affine=False), (2, 3, 4)),
        (nn.GroupNorm(2, 4), (3, 4)),
        (nn.GroupNorm(2, 4, eps=0.1), (2, 4, 5)),
        (nn.GroupNorm(1, 3, affine=False), (2, 3, 5, 4)),
    ],
    ids=lambda value: str(value).replace(" ", ""),
)
def test_layers_on_images(tmp_path, layer, shape):
    layer(fastgrok.randn(shape) + 1)
    batched = len(shape) == 4 or (len(shape) == 3 and not isinstance(layer, nn.Conv2d | nn.MaxPool2d))
    options = BATCH if batched else {}
    others = [fastgrok.randn(5, *shape[1:])] if batched else [fastgrok.randn(shape)]
    check(layer, fastgrok.randn(shape), tmp_path, others, **options)


RECURRENT = [
    ("LSTM", {}),
    ("LSTM", {"num_layers": 2, "bidirectional": True}),
    ("LSTM", {"bias": False, "batch_first": True}),
    ("GRU", {}),
    ("GRU", {"num_layers": 2, "bidirectional": True, "batch_first": True, "dropout": 0.5}),
    ("GRU", {"bias": False}),
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "num_layers": 2}),
    ("RNN", {"bidirectional": True, "bias": False}),
]


@pytest.mark.parametrize("kind, options", RECURRENT)
@pytest.mark.parametrize("with_state", [False, True])
def test_language_model(tmp_path, kind, options, with_state):
    model = LanguageModel(kind, **options)
    batch_first, count = options.get("batch_first", False), options.get("num_layers", 1)
    count *= 1 + options.get("bidirectional", False)

    def inputs(T, B):
        ids = fastgrok.randint(0, 13, (B, T) if batch_first else (T, B))
        states = tuple(fastgrok.randn(count, B, 9) for _ in range(1 + (kind == "LSTM")))
        return (ids, states if kind == "LSTM" else states[0]) if with_state else (ids,)

    names = ["ids", *(("h", "c") if kind == "LSTM" else ("h",))] if with_state else ["ids"]
    time, batch = (1, 0) if batch_first else (0, 1)
    axes = {"ids": {time: "time", batch: "batch"}} | {name: {1: "batch"} for name in names[1:]}
    others = [inputs(7, 4), inputs(5, 1), inputs(1, 2)]
    check(model, inputs(5, 3), tmp_path, others, input_names=names, dynamic_axes=axes)


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "RNNCell"])
def test_cells_step_by_step(tmp_path, kind):
    cell = getattr(nn, kind)(3, 4)

    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = cell

        def forward(self, x):
            state = None
            for step in x.unbind(0):
                state = self.cell(step, state)
            return state

    check(Steps(), fastgrok.randn(3, 2, 3), tmp_path, [fastgrok.randn(3, 5, 3)], dynamic_axes={"x": {1: "batch"}})


class Attention(nn.Module):
    """Two heads, positions, a residual in place."""

    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(11, 8), nn.Embedding(20, 8)
        self.project, self.norm, self.out = nn.Linear(8, 24), nn.LayerNorm(8), nn.Linear(8, 8)

    def forward(self, ids):
        B, T = ids.shape
        x = self.tokens(ids) + self.positions(fastgrok.arange(T))
        q, k, v = (part.reshape(B, T, 2, 4).transpose(1, 2) for part in self.project(self.norm(x)).chunk(3, -1))
        weights = F.softmax(q @ k.transpose(-1, -2) / 2.0, dim=-1)
        y = self.out((weights @ v).transpose(1, 2).reshape(B, T, 8))
        y += x
        return F.gelu(y)


def test_attention(tmp_path):
    axes = {"ids": {0: "batch", 1: "time"}}
    others = [fastgrok.randint(0, 11, (2, 9)), fastgrok.randint(0, 11, (1, 1))]
    check(Attention(), fastgrok.randint(0, 11, (3, 5)), tmp_path, others, dynamic_axes=axes)


@pytest.mark.parametrize("batch_first", [True, False])
def test_transformer(tmp_path, batch_first):
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first)
    time, batch = (1, 0) if batch_first else (0, 1)
    axes = {"src": {batch: "batch", time: "time"}}
    others = [fastgrok.randn(2, 7, 8), fastgrok.randn(1, 2, 8)]
    check(model, fastgrok.randn(4, 3, 8), tmp_path, others, dynamic_axes=axes)


@pytest.mark.parametrize("causal", [True, False])
def test_scaled_dot_product_attention(tmp_path, causal):
    model = Function(lambda x: F.scaled_dot_product_attention(x, x * 2, x + 1, is_causal=causal))
    options = {"input_names": ["x"], "dynamic_axes": {"x": {0: "B", 2: "T"}}}
    check(
        model, fastgrok.randn(2, 3, 4, 5), tmp_path, [fastgrok.randn(3, 3, 9, 5), fastgrok.randn(3, 3, 1, 5)], **options
    )


def test_attention_with_a_query_without_keys(tmp_path):
    mask = fastgrok.tensor([[True, False, False], [False, False, False], [True, True, True]])
    model = Function(lambda x: F.scaled_dot_product_attention(x, x, x, attn_mask=mask))
    check(model, fastgrok.randn(2, 3, 4), tmp_path, [fastgrok.randn(2, 3, 4)])


def test_multihead_attention(tmp_path):
    attention = nn.MultiheadAttention(8, 2, kdim=6, vdim=4, batch_first=True)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = attention

        def forward(self, q, k, v):
            return self.attention(q, k, v)

    axes = {"q": {0: "B", 1: "L"}, "k": {0: "B", 1: "S"}, "v": {0: "B", 1: "S"}}

    def inputs(B, L, S):
        return fastgrok.randn(B, L, 8), fastgrok.randn(B, S, 6), fastgrok.randn(B, S, 4)

    check(Model(), inputs(2, 3, 4), tmp_path, [inputs(3, 5, 2)], dynamic_axes=axes)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Sigmoid, nn.Tanh])
def test_dense_layers(tmp_path, activation):
    model = nn.Sequential(nn.Linear(3, 4), activation(), nn.Dropout(0.5), nn.Linear(4, 2, bias=False), activation())
    for shape in ((2, 3), (2, 5, 3)):
        check(model.eval(), fastgrok.randn(*shape), tmp_path, [fastgrok.randn(*shape)])


def test_hooks(tmp_path):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
    model[0].register_full_backward_hook(lambda *arguments: None)
    check(model, fastgrok.randn(2, 3), tmp_path, [fastgrok.randn(2, 3)])


def test_sizes_from_several_axes(tmp_path):
    def function(x):
        B, T, D = x.shape
        return (x.reshape(B * T, D) + fastgrok.ones(3 * B * T, 1)[: B * T]).sum(0), x[:, :, None].expand(B, T, T, D)

    model, axes = Function(lambda x: x.reshape(-1, 4) + fastgrok.ones(x.shape[0] * x.shape[1], 1)), {0: "B", 1: "T"}
    options = {"input_names": ["x"], "dynamic_axes": {"x": axes}}
    check(model, fastgrok.randn(2, 3, 4), tmp_path, [fastgrok.randn(5, 2, 4)], **options)
    check(Function(lambda x: function(x)[1]), fastgrok.randn(2, 3, 4), tmp_path, [fastgrok.randn(5, 2, 4)], **options)
    with pytest.raises(NotImplementedError, match="index depends on"):
        check(Function(function), fastgrok.randn(2, 3, 4), tmp_path, **options)


# ------------------------------------------------------------------------------------------------ functions

FUNCTIONS = {
    "arithmetic": lambda x: (2 - x) * x / (x * x + 1) - x**2 + abs(x).sqrt() - (-x).exp() + (abs(x) + 1).log(),
    "trigonometry": lambda x: x.sin() * x.cos(),
    "extremes": lambda x: x.maximum(-x).minimum(x + 1).clamp(min=-0.5),
    "relu6": F.relu6,
    "hardtanh": lambda x: F.hardtanh(x, -0.3, 0.4),
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "elu": lambda x: F.elu(x, 0.7),
    "gelu": F.gelu,
    "tanh_gelu": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "softplus": lambda x: F.softplus(x * 20, beta=2, threshold=3),
    "logsigmoid": F.logsigmoid,
    "softmax": lambda x: F.softmax(x, 1) + F.log_softmax(x, -1),
    "sigmoid and tanh": lambda x: x.sigmoid() + x.tanh(),
    "steps": lambda x: x.floor() + x.ceil() + x.sign(),
    "sums": lambda x: (x.sum(), x.sum(1), x.sum((1, 2), keepdim=True)),
    "means": lambda x: (x.mean(), x.mean(-1), x.mean((0, 2), keepdim=True)),
    "variances": lambda x: (x.var(-1), x.var((1, 2), correction=2), x.var(0, correction=0), x.std(1, keepdim=True)),
    "amax": lambda x: (x.amax(1), x.amin((0, 2), keepdim=True)),
    "logsumexp": lambda x: (x.logsumexp(1), x.logsumexp((1, 2), keepdim=True)),
    "cumsum": lambda x: x.cumsum(0) + x.cumsum(2),
    "normalize": lambda x: F.normalize(x, dim=-1),
    "products": lambda x: (x @ fastgrok.ones(4, 2), x @ fastgrok.ones(4), x @ x.transpose(1, 2)),
    "reshapes": lambda x: x.reshape(-1, 2).flatten().reshape(x.shape[0], 12).unsqueeze(1).squeeze(),
    "permute": lambda x: x.permute(2, 0, 1),
    "cat and stack": lambda x: (fastgrok.cat([x, x * 2], 1), fastgrok.stack([x, x + 1], -1)),
    "expand": lambda x: (x.unsqueeze(1).expand(-1, 2, 3, 4), x[:1].expand(x.shape[0], 3, 4) * 2),
    "repeat": lambda x: x.repeat(1, 2, 3),
    "flip": lambda x: x.flip(0, 2),
    "roll": lambda x: (x.roll(1, 2), x.roll((-2, 7, 3), (0, 2, 1))),
    "roll, far": lambda x: (x.roll(3, 0), x.roll(-4, 0), x.roll(7, 0)),  # as far as the size, and farther
    "outer": lambda x: fastgrok.outer(x[:, 0, 1], x[1, 2]),
    "indices": lambda x: (x[0], x[:, -1], x[:, 1:, ::2], x[..., None, 2], x[:, None, 1, None, :2], x[-1, :, 0]),
    "arrays": lambda x: (x[:, [2, 0]], x[:, fastgrok.tensor([[0, 1], [2, -1]])], x.index_select(2, fastgrok.arange(3))),
    "new axes and arrays": lambda x: x[:, None, [2, 0], None],
    "chunk": lambda x: x.chunk(2, 2)[1] + x.split([1, 3], 2)[1][..., :2],
    "triangle": lambda x: x.tril(),
    "a size from two axes": lambda x: x.expand(2, *x.shape) + fastgrok.ones(x.shape[0] * 3, 1, 4).reshape(-1, 3, 4),
    "constants": lambda x: x + fastgrok.ones_like(x) * 2 + fastgrok.arange(x.shape[0]).float().reshape(-1, 1, 1),
    "in place": lambda x: (x * 1).relu_().mul_(2) + 1,
    "clone": lambda x: x.clone().detach() * 1,
    "the input itself": lambda x: (x, x),
    "where": lambda x: fastgrok.where(fastgrok.tensor([True, False, True, False]), x, x * 2),
    "to double": lambda x: x.double() * 2,
    "unused": lambda x: (F.dropout(x, 0.5), x * 2)[1],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(tmp_path, name):
    x = fastgrok.randn(3, 3, 4)
    axes = {"input": {0: "batch"}}
    check(Function(FUNCTIONS[name]), x, tmp_path, [fastgrok.randn(5, 3, 4)], input_names=["input"], dynamic_axes=axes)


def test_index_by_an_input(tmp_path):
    model = Function(lambda x, ids: (x[ids], x.gather(1, ids.reshape(-1, 1)), x[:, ids]))
    check(
        model,
        (fastgrok.randn(4, 4), fastgrok.tensor([0, 3])),
        tmp_path,
        [(fastgrok.randn(4, 4), fastgrok.tensor([2, 1]))],
    )
