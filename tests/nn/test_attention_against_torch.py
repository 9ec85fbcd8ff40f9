"""Attention and encoders over drawn shapes and settings: what PyTorch computes, keeps, prints and refuses."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrok
from fastgrok import nn

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

dtypes = st.sampled_from(["float32", "float64"])
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
sizes = st.integers(1, 6)


def compare(function, arrays, make=None):
    """Compare values and the gradients of inputs and parameters; `make(library)` returns the layer, if there is one."""
    dtype, outcomes = arrays[0].dtype, []
    layers = [None if make is None else make(library).to(getattr(library, str(dtype))) for library in (fastgrok, torch)]
    if make is not None:
        rng = np.random.default_rng(2)
        for p in layers[1].parameters():  # biases too, which are zero at first
            p.data += torch.tensor(0.3 * rng.standard_normal(tuple(p.shape)).astype(dtype))
        layers[0].load_state_dict(layers[1].state_dict())
    for library, layer in zip((fastgrok, torch), layers, strict=True):
        tensors = [library.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
        result = function(library.nn.functional if layer is None else layer, *tensors)
        outputs = [y for y in (result if isinstance(result, tuple) else (result,)) if y is not None]
        weights = [np.random.default_rng(1).standard_normal(tuple(y.shape)).astype(dtype) for y in outputs]
        sum((y * library.tensor(w)).sum() for y, w in zip(outputs, weights, strict=True)).backward()
        leaves = [t for t in tensors if t.requires_grad] + ([] if layer is None else list(layer.parameters()))
        gradients = [np.zeros(tuple(t.shape), dtype) if t.grad is None else t.grad.numpy() for t in leaves]
        outcomes.append([y.detach().numpy() for y in outputs] + gradients)
    ours, theirs = outcomes
    largest = max(np.abs(np.nan_to_num(b)).max(initial=0) for b in theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        # A gradient that is zero but for rounding, such as that of the keys' bias, is measured by the others.
        scale = np.abs(np.nan_to_num(b)).max(initial=0) + 1e-2 * largest
        error = np.abs(np.nan_to_num(a) - np.nan_to_num(b)).max(initial=0)
        assert error <= TOLERANCE[str(dtype)] * scale, f"differs by {error:.1e}, the largest is {scale:.1e}"


def masks(rng, kind, shape, dtype, allowed):
    """A mask; bool ones say where attention is `allowed`, and some rows may be masked altogether."""
    if kind == "float":
        mask = rng.standard_normal(shape).astype(dtype)
        mask[rng.random(shape) < 0.2] = -np.inf
        return mask
    return (rng.random(shape) < 0.6) == allowed


@given(st.data(), dtypes, st.sampled_from([None, "bool", "float", "causal"]))
def test_scaled_dot_product_attention(data, dtype, kind):
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    batch = data.draw(st.sampled_from([(), (3,), (2, 3), (2, 1, 3), (0, 2)]))
    L, S, E, D = data.draw(st.tuples(st.integers(0, 6), sizes, sizes, sizes))
    shared = batch if len(batch) == 2 else batch[data.draw(st.integers(0, len(batch))) :]
    shapes = ((*batch, L, E), (*shared, S, E), (*shared, S, D))
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    chosen = {"scale": data.draw(st.sampled_from([None, 0.0, 0.3, -1.0])), "is_causal": kind == "causal"}
    if kind in ("bool", "float"):
        shape = data.draw(st.sampled_from([(L, S), (L, 1), (1, S), (*batch, L, S), (*[1] * len(batch), L, S)]))
        arrays.append(masks(rng, kind, shape, dtype, True))
    compare(lambda F, *operands: F.scaled_dot_product_attention(*operands, **chosen), arrays)


def test_mask_and_causal(rng):
    """PyTorch takes both for four dimensions."""
    arrays = [rng.standard_normal((2, 3, 5, 4)) for _ in range(3)] + [rng.random((5, 5)) < 0.7]
    compare(lambda F, *operands: F.scaled_dot_product_attention(*operands, is_causal=True), arrays)


def test_mask_of_single_precision(rng):
    arrays = [rng.standard_normal((2, 3, 5, 4)) for _ in range(3)]
    mask = rng.standard_normal((5, 5)).astype(np.float32)

    def attend(F, q, k, v):
        library = fastgrok if F is nn.functional else torch
        return F.scaled_dot_product_attention(q, k, v, library.tensor(mask))

    compare(attend, arrays)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_keys_at_all(rng, dtype):
    arrays = [rng.standard_normal((2, 3, size, 4)).astype(dtype) for size in (5, 0, 0)]
    compare(lambda F, *operands: F.scaled_dot_product_attention(*operands), arrays)


@given(st.data(), dtypes)
def test_multihead_attention(data, dtype):
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    draw = data.draw
    heads, batch_first, bias, weights = draw(st.integers(1, 3)), *(draw(st.booleans()) for _ in range(3))
    E, L, S, B = heads * draw(st.integers(1, 4)), draw(sizes), draw(sizes), draw(st.sampled_from([None, 1, 3]))
    own = draw(st.booleans())  # self-attention
    S = L if own else S
    more = {"add_bias_kv": True} if draw(st.integers(0, 3)) == 0 else {}
    more |= {"add_zero_attn": True} if draw(st.integers(0, 3)) == 0 else {}
    more |= {} if own else {"kdim": draw(st.sampled_from([None, 5])), "vdim": draw(st.sampled_from([None, 7]))}

    def sequence(length, size):
        shape = (length, size) if B is None else (B, length, size) if batch_first else (length, B, size)
        return rng.standard_normal(shape).astype(dtype)

    arrays = [sequence(L, E)]
    if not own:
        arrays += [sequence(S, more["kdim"] or E), sequence(S, more["vdim"] or E)]
    count = len(arrays)
    kind, names = draw(st.sampled_from(["bool", "float"])), []
    if not more.get("add_bias_kv") and not more.get("add_zero_attn"):  # else PyTorch's own check of padding is amiss
        if draw(st.booleans()):
            names.append("key_padding_mask")
            arrays.append(masks(rng, kind, (S,) if B is None else (B, S), dtype, False))
    if draw(st.booleans()):
        names.append("attn_mask")
        shape = draw(st.sampled_from([(L, S), ((B or 1) * heads, L, S)]))
        arrays.append(masks(rng, kind, shape, dtype, False))

    def attend(layer, *tensors):
        inputs = tensors[:1] * 3 if own else tensors[:3]
        chosen = dict(zip(names, tensors[count:], strict=True))
        return layer(*inputs, **chosen, need_weights=weights, average_attn_weights=draw_average)

    draw_average = draw(st.booleans())
    compare(attend, arrays, lambda lib: lib.nn.MultiheadAttention(E, heads, 0.0, bias, batch_first=batch_first, **more))


@pytest.mark.parametrize("weights", [True, False])
def test_hint_of_a_causal_mask(rng, weights):
    """Without weights, and without padding, the hint is followed and the mask is not read."""

    def attend(layer, x, mask):
        return layer(x, x, x, attn_mask=mask, is_causal=True, need_weights=weights)

    arrays = [rng.standard_normal((5, 2, 6)), rng.random((5, 5)) < 0.4]
    compare(attend, arrays, lambda library: library.nn.MultiheadAttention(6, 2))


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh"])
@pytest.mark.parametrize(("norm_first", "batch_first", "bias"), [(0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 1, 1)])
def test_encoder(rng, norm_first, batch_first, bias, activation, causal, padded):
    def make(library):
        function = library.nn.Tanh() if activation == "tanh" else activation
        settings = {"batch_first": bool(batch_first), "norm_first": bool(norm_first), "bias": bool(bias)}
        layer = library.nn.TransformerEncoderLayer(6, 2, 10, 0.0, function, 1e-3, **settings)
        return library.nn.TransformerEncoder(layer, 2, library.nn.LayerNorm(6) if norm_first else None)

    def encode(model, x, *padding):
        library = fastgrok if isinstance(model, nn.Module) else torch
        mask = library.nn.Transformer.generate_square_subsequent_mask(5, dtype=library.float64) if causal else None
        return model(x, mask, *[p > 0.5 for p in padding], is_causal=True if causal and not padded else None)

    B, T = 3, 5
    arrays = [rng.standard_normal((B, T, 6) if batch_first else (T, B, 6))]
    if padded:
        arrays.append((np.arange(T) >= np.array([[2], [5], [4]])).astype(int))
    compare(encode, arrays, make)


def test_training_steps(rng):
    def make(library):
        layer = library.nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True)
        return library.nn.TransformerEncoder(layer, 2).double()

    ours, theirs = make(fastgrok), make(torch)
    ours.load_state_dict(theirs.state_dict())
    optimizers = fastgrok.optim.SGD(ours.parameters(), lr=0.1), torch.optim.SGD(theirs.parameters(), lr=0.1)
    for _ in range(3):
        x, target = rng.standard_normal((2, 3, 4, 8))
        losses = []
        for library, model, optimizer in ((fastgrok, ours, optimizers[0]), (torch, theirs, optimizers[1])):
            mask = library.nn.Transformer.generate_square_subsequent_mask(4, dtype=library.float64)
            loss = library.nn.functional.mse_loss(model(library.tensor(x), mask), library.tensor(target))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[0] == pytest.approx(losses[1], rel=1e-9)
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name].numpy(), value.numpy(), rtol=1e-8, atol=1e-10, err_msg=name)


LAYERS = """
nn.MultiheadAttention(6, 2)
nn.MultiheadAttention(6, 3, bias=False)
nn.MultiheadAttention(6, 2, kdim=5, vdim=4)
nn.MultiheadAttention(6, 2, kdim=5, add_bias_kv=True)
nn.MultiheadAttention(6, 2, dropout=0.2, add_bias_kv=True, add_zero_attn=True, batch_first=True)
nn.TransformerEncoderLayer(6, 2)
nn.TransformerEncoderLayer(6, 2, 8, 0.3, "gelu", 1e-3, True, True, False)
nn.TransformerEncoderLayer(6, 2, 8, activation=nn.GELU())
nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8), 3)
nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, batch_first=True), 2, nn.LayerNorm(6))
""".split("\n")[1:-1]


@pytest.mark.parametrize("layer", LAYERS)
def test_text_and_names_are_theirs(layer):
    ours, theirs = eval(layer, {"nn": nn}), eval(layer, {"nn": torch.nn})
    assert repr(ours) == repr(theirs)
    state, other = ours.state_dict(), theirs.state_dict()
    assert [(name, tuple(t.shape)) for name, t in state.items()] == [
        (name, tuple(t.shape)) for name, t in other.items()
    ]
    names = [name for name, _ in ours.named_parameters()]
    assert names == [name for name, _ in theirs.named_parameters()]
    theirs.load_state_dict({name: torch.tensor(t.numpy()) for name, t in state.items()})


def test_initial_values_are_drawn_alike():
    """The same spread for each parameter, and the same constants."""
    fastgrok.manual_seed(0), torch.manual_seed(0)
    make = [lambda n: n.TransformerEncoderLayer(96, 4, 128), lambda n: n.MultiheadAttention(96, 4, kdim=64, vdim=80)]
    for layer in make:
        theirs = dict(layer(torch.nn).named_parameters())
        for name, p in layer(nn).named_parameters():
            a, b = p.detach().numpy(), theirs[name].detach().numpy()
            assert np.abs(a).max() == pytest.approx(np.abs(b).max(), rel=0.05), name
            assert a.std() == pytest.approx(b.std(), rel=0.2), name


@pytest.mark.parametrize("size", [0, 1, 4])
@pytest.mark.parametrize("dtype", [None, "float64"])
def test_square_subsequent_mask(size, dtype):
    ours, theirs = (
        library.nn.Transformer.generate_square_subsequent_mask(size, dtype=dtype and getattr(library, dtype)).numpy()
        for library in (fastgrok, torch)
    )
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


WRONG = """
F.scaled_dot_product_attention(x[0, 0, 0], x[0, 0], x[0, 0])
F.scaled_dot_product_attention(z(()), x, x)
F.scaled_dot_product_attention(x[..., :3], x, x)
F.scaled_dot_product_attention(x[0], x[0], x[0, :, :3])
F.scaled_dot_product_attention(x[0], z(2, 5, 4), z(2, 5, 4))
F.scaled_dot_product_attention(x, x.double(), x)
F.scaled_dot_product_attention(x.int(), x.int(), x.int())
F.scaled_dot_product_attention(x, x, x, z(5, 5).double())
F.scaled_dot_product_attention(x, x, x, z(5, 5).long())
F.scaled_dot_product_attention(x, x, x, z(5, 4))
F.scaled_dot_product_attention(x, x, x, z(7, 2, 3, 5, 5))
F.scaled_dot_product_attention(x[0], x[0], x[0], z(2, 3, 5, 5))
F.scaled_dot_product_attention(x, x, x, dropout_p=1.5)
F.scaled_dot_product_attention(x, x, x, dropout_p=-0.5)
F.scaled_dot_product_attention(x, x, x, scale="a")
F.scaled_dot_product_attention([1.0], x, x)
F.scaled_dot_product_attention(x, x, x, [1.0])
nn.MultiheadAttention(4, 3)
nn.MultiheadAttention(0, 3)
nn.MultiheadAttention(4, -2)
nn.MultiheadAttention(4.0, 2)
m(s, s, s[:2])
m(s, s[0], s)
m(x, s, s)
m(s[0, 0], s, s)
m(s, s, s, z(2, 4).bool())
m(s, s, s, z(3).bool())
m(s, s, s, z(3, 3).bool())
m(s, s, s, z(2, 3).int())
m(s, s, s, attn_mask=z(3, 2).bool())
m(s, s, s, attn_mask=z(3).bool())
m(s, s, s, attn_mask=z(2, 3, 3).bool())
m(s, s, s, attn_mask=z(1, 3, 3).bool())
m(s, s, s, attn_mask=z(3, 3).long())
m(s, s, s, attn_mask=z(3, 3).double())
m(s, s, s, attn_mask=z(3, 3).double(), need_weights=False)
m(s, s, s, attn_mask=[1])
m(s, s, s, is_causal=True)
m(z(3, 2, 5), s, s)
m(s, z(3, 2, 5), z(3, 2, 5))
m(s, z(3, 1, 4), z(3, 1, 4))
m(s.double(), s, s)
m(s, s, s.double())
m(s.int(), s.int(), s.int())
m(s[0], s[0], s[0], z(4).bool())
m(s[0], s[0], s[0], attn_mask=z(3, 2, 2).bool())
nn.TransformerEncoderLayer(4, 3)
nn.TransformerEncoderLayer(4, 2, activation="tanh")
nn.TransformerEncoderLayer(4, 2, dropout=2.0)
nn.TransformerEncoderLayer(4, 2, 8)(s, is_causal=True)
nn.TransformerEncoderLayer(4, 2, 8)(z(3, 2, 5))
nn.TransformerEncoder(3, 1)
nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 0)(s)
nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 1)(s, z(3, 4))
nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 1)(s, src_key_padding_mask=z(2, 3).int())
nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 1)(s[0, 0])
nn.Transformer.generate_square_subsequent_mask(-1)
nn.Transformer.generate_square_subsequent_mask(2.5)
""".split("\n")[1:-1]


@pytest.mark.parametrize("call", WRONG)
def test_errors_are_instances_of_theirs(call):
    def run(library):
        z, n = library.zeros, library.nn
        names = {
            "F": n.functional,
            "nn": n,
            "z": z,
            "x": z(2, 3, 5, 4),
            "s": z(3, 2, 4),
            "m": n.MultiheadAttention(4, 2),
        }
        eval(call, names)

    with pytest.raises(Exception) as theirs:
        run(torch)
    with pytest.raises(theirs.type) as ours:
        run(fastgrok)
    assert str(ours.value)


def test_settings_warn_no_more_than_theirs():
    """PyTorch warns about its fast path; there is none here."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer = nn.TransformerEncoderLayer(4, 2, 8)
        nn.TransformerEncoder(layer, 1)(fastgrok.ones(3, 2, 4), src_key_padding_mask=fastgrok.zeros(2, 3).bool())
