"""`generate`: the same ids as calling the layers one by one, and what it refuses before its compiled loop runs."""

import numpy as np
import pytest

import fastgrok
from fastgrok import nn
from fastgrok.errors import DtypeError, ShapeError

V, D, H = 5, 3, 8


def layers(num_layers=2, bias=True, dtype=None):
    fastgrok.manual_seed(1)
    rnn = nn.LSTM(D, H, num_layers, bias=bias, dtype=dtype)
    return nn.Embedding(V, D, dtype=dtype), rnn, nn.Linear(H, V, bias=bias, dtype=dtype)


def likeliest(embedding, rnn, out, start, length):
    """The likeliest ids, by the layers themselves."""
    ids, state, drawn = fastgrok.tensor(start).unsqueeze(1), None, []
    for _ in range(length):
        h, state = rnn(embedding(ids), state)
        drawn.append(out(h[-1, 0]).argmax().item())
        ids = fastgrok.tensor([[drawn[-1]]])
    return drawn


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [fastgrok.float32, fastgrok.float64])
def test_likeliest_ids_are_those_of_the_layers(bias, dtype):
    model = layers(bias=bias, dtype=dtype)
    for weight in model[1].parameters():
        weight.data.mul_(3)
    assert fastgrok.generate(*model, [0, 3], 20, temperature=0) == likeliest(*model, [0, 3], 20)


def test_weights_may_lie_in_memory_in_any_way():
    model = layers()
    expected = fastgrok.generate(*model, [0], 30, seed=2)
    for layer in model:
        for parameter in layer.parameters():
            spread = np.zeros([2 * size for size in parameter.shape], np.float32, order="F")
            view = spread[(slice(None, None, 2),) * spread.ndim]
            view[...] = parameter.array
            view.flags.writeable = False
            parameter.data = fastgrok.from_numpy(view)
    assert fastgrok.generate(*model, [0], 30, seed=2) == expected


def test_draws_repeat_with_a_seed_and_follow_the_default_generator():
    model = layers()
    assert fastgrok.generate(*model, [0], 30, seed=2) == fastgrok.generate(*model, [0], 30, seed=2, top_k=10**30)
    fastgrok.manual_seed(4)
    first = fastgrok.generate(*model, [0], 30)
    assert first != fastgrok.generate(*model, [0], 30)
    fastgrok.manual_seed(4)
    assert first == fastgrok.generate(*model, fastgrok.tensor([0]), np.int64(30), temperature=np.float32(1), top_p=1)


PARAMETERS = {
    "embedding.weight": [(V,), (V, D + 1)],
    "rnn.weight_ih_l0": [(4 * H, D + 1), (2, 2), (4 * H * D,)],
    "rnn.weight_ih_l1": [(4 * H, D), (2, 2)],
    "rnn.weight_hh_l0": [(2, 2), (4 * H + 1, H)],
    "rnn.weight_hh_l1": [(4 * H, H + 1), ()],
    "rnn.bias_ih_l0": [(1,), (4 * H + 1,)],
    "rnn.bias_hh_l1": [(4 * H, 1), ()],
    "out.weight": [(V, H + 1), (V + 1, H), (H, V)],
    "out.bias": [(1,), (V, 1)],
}


@pytest.mark.parametrize("name, shape", [(name, shape) for name, shapes in PARAMETERS.items() for shape in shapes])
def test_every_shape_is_checked(name, shape):
    model = dict(zip(("embedding", "rnn", "out"), layers(), strict=True))
    layer, parameter = name.split(".")
    getattr(model[layer], parameter).data = fastgrok.zeros(*shape) if shape else fastgrok.tensor(0.0)
    blamed = "rnn.weight_ih_l0" if shape == (V, D + 1) else name  # a wider table is one that the LSTM does not fit
    with pytest.raises(ShapeError, match=rf"generate: {blamed} has shape"):
        fastgrok.generate(*model.values(), [0], 5)


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_dtype_is_checked(name):
    model = dict(zip(("embedding", "rnn", "out"), layers(), strict=True))
    layer, parameter = name.split(".")
    weight = getattr(model[layer], parameter).requires_grad_(False)  # only so it may hold whole numbers
    for dtype in (fastgrok.float64, fastgrok.int64):
        weight.data = fastgrok.zeros(weight.shape, dtype=dtype)
        with pytest.raises(DtypeError, match=f"{name}.* dtype"):
            fastgrok.generate(*model.values(), [0], 5)


def test_layers_must_be_what_they_are_called():
    embedding, rnn, out = layers()
    with pytest.raises(TypeError, match=r"rnn is Linear, expected nn\.LSTM"):
        fastgrok.generate(embedding, out, out, [0], 5)
    rnn.weight_hh_l0 = None
    with pytest.raises(TypeError, match=r"rnn\.weight_hh_l0.*NoneType"):
        fastgrok.generate(embedding, rnn, out, [0], 5)


@pytest.mark.parametrize(
    "option, error",
    [
        ({"length": 1.5}, TypeError), ({"length": "5"}, TypeError), ({"length": None}, TypeError),
        ({"length": True}, TypeError), ({"length": -1}, ValueError),
        ({"temperature": "a"}, TypeError), ({"temperature": None}, TypeError), ({"temperature": -1}, ValueError),
        ({"temperature": float("nan")}, ValueError), ({"temperature": float("inf")}, ValueError),
        ({"top_k": "x"}, TypeError), ({"top_k": 2.0}, TypeError), ({"top_k": 0}, ValueError),
        ({"top_p": "x"}, TypeError), ({"top_p": 0}, ValueError), ({"top_p": 1.5}, ValueError),
        ({"seed": -1}, ValueError), ({"seed": "x"}, TypeError), ({"seed": 1.5}, TypeError),
    ],
)  # fmt: skip
def test_options_that_make_no_sense(option, error):
    model, ((name, value),) = layers(), option.items()
    state = fastgrok.get_rng_state()
    with pytest.raises(error, match=rf"generate: {name}={value!r}, expected"):
        fastgrok.generate(*model, **{"start": [0], "length": 5} | option)
    assert fastgrok.get_rng_state() == state


@pytest.mark.parametrize(
    "start, error", [([], ShapeError), (0, ShapeError), ([[0]], ShapeError), ([V], IndexError), ([0.5], DtypeError)]
)
def test_prompts_that_make_no_sense(start, error):
    with pytest.raises(error, match="generate: start"):
        fastgrok.generate(*layers(), start, 5)
