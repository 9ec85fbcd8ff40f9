"""Attention: the fused op against the same formula composed of others, masks, dropout, and what layers are made of."""

import copy
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrok
from fastgrok import nn, ops
from fastgrok.autograd import apply
from fastgrok.errors import ArgumentError, DtypeError, ShapeError
from fastgrok.nn import functional as F
from gradcheck import check_function


def normal(rng, *shape, dtype="float64"):
    return fastgrok.tensor(rng.standard_normal(shape).astype(dtype), requires_grad=True)


def composed(q, k, v, mask=None, p=0.0, scale=None):
    """The formula, out of single ops."""
    scores = (q * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)) @ k.transpose(-1, -2)
    weights = (scores if mask is None else scores + mask).softmax(-1)
    return F.dropout(weights, p) @ v


def results(function, *tensors):
    """The value and all gradients of a function of tensors."""
    for t in tensors:
        t.grad = None
    fastgrok.manual_seed(3)
    y = function(*tensors)
    weights = fastgrok.tensor(np.random.default_rng(1).standard_normal(tuple(y.shape)).astype(y.dtype))
    (y * weights).sum().backward()
    return [y.detach().numpy(), *[t.grad.numpy() for t in tensors if t.requires_grad]]


def agree(ours, theirs, tolerance):
    """Relative to the largest number of a result; where all cancel out, as with one key, to a tenth of all results'."""
    largest = [np.abs(b).max(initial=0) for b in theirs]
    for a, b, size in zip(ours, theirs, largest, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        assert np.abs(a - b).max(initial=0) <= tolerance * max(size, max(largest) / 10)


@st.composite
def problems(draw):
    """Shapes of query, key, value and mask, whose leading axes broadcast."""
    batch = draw(st.lists(st.integers(1, 3), max_size=3))
    L, S, E, D = (draw(st.integers(1, 20)) for _ in range(4))

    def leading(most):
        some = batch[draw(st.integers(0, len(batch))) :]
        return (*[size if draw(st.booleans()) else 1 for size in some], *most)

    mask = leading((draw(st.sampled_from([1, L])), draw(st.sampled_from([1, S]))))
    return (*batch, L, E), leading((S, E)), leading((S, D)), mask


@given(
    problems(),
    st.sampled_from(["float32", "float64"]),
    st.sampled_from([None, 0.3]),
    *[st.booleans() for _ in range(3)],
)
def test_fused_equals_composed(shapes, dtype, scale, masked, learnt, dropped):
    rng = np.random.default_rng(0)
    tensors = [normal(rng, *shape, dtype=dtype) for shape in shapes[: 4 if masked else 3]]
    p = 0.3 * dropped
    if masked and not learnt:
        tensors[3].requires_grad_(False)

    def fused(q, k, v, mask=None):
        return F.scaled_dot_product_attention(q, k, v, mask, p, scale=scale)

    tolerance = 1e-5 if dtype == "float32" else 1e-10
    agree(results(fused, *tensors), results(lambda *t: composed(*t, p=p, scale=scale), *tensors), tolerance)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_long_sequences(rng, causal, masked):
    """More queries than a strip has, more keys than are seen at a time, and gradients against the composed formula."""
    tensors = [normal(rng, 4, 150, 5), normal(rng, 4, 600, 5), normal(rng, 4, 600, 4)]
    hidden = rng.random((150, 600)) < 0.5
    hidden[:, 0] = False  # the formula knows no query without keys
    mask = fastgrok.tensor(np.where(hidden, -np.inf, 0.5)) if masked else None
    both = fastgrok.tensor(np.where(np.tri(150, 600), 0, -np.inf)) if causal else fastgrok.zeros(150, 600).double()
    agree(
        results(lambda *t: F.scaled_dot_product_attention(*t, mask, is_causal=causal), *tensors),
        results(lambda *t: composed(*t, both if mask is None else both + mask), *tensors),
        1e-10,
    )


def test_a_causal_mask_is_known_as_one(rng):
    """It does what `is_causal` does, in half the time; one that hides something else as well is added to the scores."""
    tensors = [normal(rng, 5, 40, 3) for _ in range(3)]
    mask = nn.Transformer.generate_square_subsequent_mask(40, dtype=fastgrok.float64)
    by_mask, by_flag = (
        results(lambda *t: F.scaled_dot_product_attention(*t, *settings), *tensors)  # noqa: B023
        for settings in ((mask,), (None, 0.0, True))
    )
    for a, b in zip(by_mask, by_flag, strict=True):
        np.testing.assert_array_equal(a, b)
    mask[20, 7] = -math.inf
    agree(
        results(lambda *t: F.scaled_dot_product_attention(*t, mask), *tensors),
        results(lambda *t: composed(*t, mask), *tensors),
        1e-10,
    )


@pytest.mark.parametrize("hidden", [-1e9, float(np.finfo(np.float32).min)])
def test_masks_of_large_numbers(rng, hidden):
    """Where all keys of a query are hidden by a number, they are equal, and so they are in the backward pass."""
    mask = fastgrok.tensor(np.where(np.tri(6, 6, -1), 0, hidden).astype(np.float32))
    tensors = [normal(rng, 4, 6, 3, dtype="float32") for _ in range(3)]
    agree(
        results(lambda *t: F.scaled_dot_product_attention(*t, mask), *tensors),
        results(lambda *t: composed(*t, mask), *tensors),
        1e-5,
    )


def test_result_may_be_changed_in_place(rng):
    q, k, v = (normal(rng, 4, 5, 3) for _ in range(3))
    layer = nn.MultiheadAttention(6, 2, batch_first=True).double()
    x = normal(rng, 2, 5, 6)
    for function, tensors in (
        (lambda *t: F.scaled_dot_product_attention(*t, is_causal=True), (q, k, v)),
        (lambda x: apply(ops.SelfAttention, F.linear(x, layer.in_proj_weight), heads=2), (x,)),
    ):
        plain = results(lambda *t: function(*t) * 3 + 1, *tensors)  # noqa: B023
        changed = results(lambda *t: function(*t).mul_(3).add_(1), *tensors)  # noqa: B023
        for a, b in zip(changed, plain, strict=True):
            np.testing.assert_array_equal(a, b)


def test_gradients_of_everything(rng):
    arrays = [rng.standard_normal(shape) for shape in ((2, 4, 3), (2, 5, 3), (2, 5, 6), (4, 5))]
    check_function(lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, is_causal=True), arrays, rng)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("parts", [1, 3])
def test_heads(rng, batch_first, parts):
    """Heads are columns side by side; gradients go back to their columns, and zeros where none arrived."""
    x = rng.standard_normal((4, 5, parts * 2 * 3))
    heads = ops.Heads().forward(x, parts, 2, batch_first)
    for i, part in enumerate(heads):
        B, T = (4, 5) if batch_first else (5, 4)
        assert part.shape == (B, 2, T, 3) and part.flags.c_contiguous
        row = x[3, 2] if batch_first else x[2, 3]
        np.testing.assert_array_equal(part[3, 1, 2], row[i * 6 + 3 : i * 6 + 6])

    def weighed(x):
        outputs = apply(ops.Heads, x, parts=parts, heads=2, batch_first=batch_first)
        return sum((i + 2) * y * y for i, y in enumerate(outputs))

    check_function(weighed, [x], rng)
    check_function(lambda x: apply(ops.Heads, x, parts=parts, heads=2, batch_first=batch_first)[-1], [x], rng)


# ------------------------------------------------------------------------------------------------------- masks


def test_causal_positions_do_not_see_what_follows(rng):
    layer = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True), 2)
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    x = rng.standard_normal((2, 6, 8)).astype(np.float32)
    y = layer(fastgrok.tensor(x), mask, is_causal=True)
    x[:, 4:] = 7.0
    z = layer(fastgrok.tensor(x), mask, is_causal=True)
    np.testing.assert_array_equal(y.detach().numpy()[:, :4], z.detach().numpy()[:, :4])
    assert (y[:, 4:] != z[:, 4:]).any()


def test_padding_is_not_seen(rng):
    """A sequence with padding is calculated as the sequence without."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0)
    x = fastgrok.tensor(rng.standard_normal((5, 2, 8)).astype(np.float32))
    padding = fastgrok.tensor([[False] * 5, [False] * 3 + [True] * 2])
    y = layer(x, src_key_padding_mask=padding).detach().numpy()
    np.testing.assert_allclose(y[:3, 1], layer(x[:3, 1]).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_queries_without_keys_get_zeros(rng):
    q, k, v = (normal(rng, 2, 3, 4) for _ in range(3))
    mask = fastgrok.tensor([[True, False, True], [False] * 3, [True] * 3])
    y, *gradients = results(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, mask), q, k, v)
    assert (y[:, 1] == 0).all() and (y[:, [0, 2]] != 0).all()
    assert all(np.isfinite(g).all() for g in gradients) and (gradients[0][:, 1] == 0).all()
    # A nan is none of "no keys", and shows.
    bad = normal(rng, 2, 3, 4)
    with fastgrok.no_grad():
        bad[0, 1, 0] = math.nan
    y = F.scaled_dot_product_attention(bad, k, v, mask)
    assert y[0, 1].isnan().all() and (y[1, 1] == 0).all()


def test_mask_and_causal_both_hold(rng):
    q, k, v = normal(rng, 2, 2, 4, 3), normal(rng, 2, 2, 6, 3), normal(rng, 2, 2, 6, 3)
    mask = fastgrok.tensor(rng.random((4, 6)) > 0.4)
    y = F.scaled_dot_product_attention(q, k, v, mask, is_causal=True)
    z = F.scaled_dot_product_attention(q, k, v, mask & fastgrok.ones(4, 6).tril().bool())
    np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy())


def test_mask_is_not_changed(rng):
    """What a caller passes stays as it is, bool or float."""
    q = normal(rng, 4, 3)
    for mask in (fastgrok.ones(4, 4).tril().bool(), fastgrok.ones(4, 4).double()):
        before = mask.numpy().copy()
        F.scaled_dot_product_attention(q, q, q, mask, is_causal=True).sum().backward()
        np.testing.assert_array_equal(mask.numpy(), before)


# ------------------------------------------------------------------------------------------------------- layers


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batch_first", [False, True])
def test_output_does_not_depend_on_whether_weights_are_wanted(rng, training, batch_first):
    layer = nn.MultiheadAttention(12, 3, dropout=0.4, batch_first=batch_first).double().train(training)
    tensors = [normal(rng, 5, 5, 12), *layer.parameters()]
    both = [
        results(lambda x, *_: layer(x, x, x, need_weights=wanted)[0], *tensors)  # noqa: B023
        for wanted in (True, False)
    ]
    agree(*both, 1e-10)
    x = tensors[0]
    assert (layer(x, x, x)[1] == layer(x, x, x)[1]).all() is not training


def test_weights_are_a_mean_over_heads_and_have_gradients(rng):
    layer = nn.MultiheadAttention(6, 2).double()
    x = normal(rng, 4, 3, 6)
    _, mean = layer(x, x, x)
    _, each = layer(x, x, x, average_attn_weights=False)
    assert mean.shape == (3, 4, 4) and each.shape == (3, 2, 4, 4)
    np.testing.assert_allclose(mean.detach().numpy(), each.mean(1).detach().numpy())
    np.testing.assert_allclose(mean.sum(-1).detach().numpy(), 1)
    (each * each).sum().backward()
    assert (x.grad != 0).any()


def test_same_query_key_and_value_equal_three_copies(rng):
    """The one product for all three, and the products one by one."""
    layer = nn.MultiheadAttention(6, 2, batch_first=True).double()
    tensors = [normal(rng, 4, 3, 6), *layer.parameters()]
    for wanted in (True, False):
        agree(
            results(lambda x, *_: layer(x, x, x, need_weights=wanted)[0], *tensors),  # noqa: B023
            results(lambda x, *_: layer(x, x * 1, x * 1, need_weights=wanted)[0], *tensors),  # noqa: B023
            1e-10,
        )


def test_initialisation():
    fastgrok.manual_seed(0)
    layer = nn.MultiheadAttention(64, 4, add_bias_kv=True)
    bound = math.sqrt(6 / (64 + 3 * 64))
    weight = layer.in_proj_weight.detach().numpy()
    assert 0.99 * bound < np.abs(weight).max() <= bound and abs(weight.std() - bound / math.sqrt(3)) < 0.01 * bound
    assert np.abs(layer.out_proj.weight.detach().numpy()).max() <= 1 / 8
    assert (layer.in_proj_bias == 0).all() and (layer.out_proj.bias == 0).all()
    assert (layer.bias_k != 0).all() and (layer.bias_k != layer.bias_v).any()
    apart = nn.MultiheadAttention(64, 4, kdim=32)
    assert np.abs(apart.k_proj_weight.detach().numpy()).max() == pytest.approx(math.sqrt(6 / 96), rel=0.01)


def test_layers_of_an_encoder_are_copies():
    layer = nn.TransformerEncoderLayer(8, 2, 16)
    encoder = nn.TransformerEncoder(layer, 2)
    parameters = [list(m.parameters()) for m in (layer, *encoder.layers)]
    for p, q, r in zip(*parameters, strict=True):
        assert (p == q).all() and (p == r).all()
        assert not any(np.shares_memory(a.array, b.array) for a, b in ((p, q), (p, r), (q, r)))
    assert copy.deepcopy(encoder).state_dict().keys() == encoder.state_dict().keys()


def test_encoder_learns_to_look_back():
    """Each position must name the token two places before: attention and its gradients have to work for that."""
    fastgrok.manual_seed(0)
    rng = np.random.default_rng(0)
    V, T, E = 5, 8, 16

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.places = nn.Embedding(V, E), nn.Embedding(T, E)
            layer = nn.TransformerEncoderLayer(E, 2, 32, dropout=0.0, batch_first=True, norm_first=True)
            self.encoder = nn.TransformerEncoder(layer, 1, nn.LayerNorm(E))
            self.head = nn.Linear(E, V)

        def forward(self, ids):
            x = self.tokens(ids) + self.places(fastgrok.arange(T))
            return self.head(self.encoder(x, nn.Transformer.generate_square_subsequent_mask(T), is_causal=True))

    model = Model()
    optimizer = fastgrok.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        ids = rng.integers(0, V, (16, T))
        logits = model(fastgrok.tensor(ids))[:, 2:]
        loss = F.cross_entropy(logits.reshape(-1, V), fastgrok.tensor(ids[:, :-2].reshape(-1)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1 < math.log(V)


# ------------------------------------------------------------------------------------------------------- refused


def test_what_is_not_covered_says_so():
    x = fastgrok.ones(2, 4, 4)
    with pytest.raises(NotImplementedError, match="enable_gqa=True"):
        F.scaled_dot_product_attention(x, x, x, enable_gqa=True)
    with pytest.raises(NotImplementedError, match="Transformer is not covered"):
        nn.Transformer(8, 2)


def test_errors_name_what_is_wrong():
    x = fastgrok.ones(2, 4, 4)
    with pytest.raises(ShapeError, match=r"query has shape \(2, 4, 4\), key \(2, 4, 4\) and value \(2, 3, 4\)"):
        F.scaled_dot_product_attention(x, x, x[:, :3])
    with pytest.raises(ShapeError, match=r"attn_mask.*\(2, 4, 4\) and \(3, 4, 4\)"):
        F.scaled_dot_product_attention(x, x, x, fastgrok.ones(3, 4, 4))
    with pytest.raises(DtypeError, match="attn_mask has dtype float64, expected bool or float32"):
        F.scaled_dot_product_attention(x, x, x, fastgrok.ones(4, 4).double())
    with pytest.raises(ArgumentError, match=r"dropout_p=1.5"):
        F.scaled_dot_product_attention(x, x, x, dropout_p=1.5)
    layer = nn.MultiheadAttention(4, 2, batch_first=True)
    with pytest.raises(AssertionError, match=r"key_padding_mask has shape \(4, 2\), expected \(2, 4\)"):
        layer(x, x, x, fastgrok.ones(4, 2).bool())
    with pytest.raises(RuntimeError, match=r"attn_mask has shape \(2, 4, 4\), expected \(4, 4, 4\)"):
        layer(x, x, x, attn_mask=fastgrok.ones(2, 4, 4))


def test_masks_of_two_dtypes_warn():
    x = fastgrok.ones(4, 2, 4)
    layer = nn.MultiheadAttention(4, 2)
    with pytest.warns(UserWarning, match="mismatched key_padding_mask and attn_mask"):
        layer(x, x, x, fastgrok.zeros(2, 4).bool(), attn_mask=fastgrok.zeros(4, 4))
