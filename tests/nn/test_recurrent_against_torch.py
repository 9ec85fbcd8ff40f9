"""Recurrent layers and packed sequences give PyTorch's answers, for every option, and its errors."""

import contextlib
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrok
from fastgrok import nn

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:dropout:UserWarning")]

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
KINDS = ("RNN", "LSTM", "GRU")


def assert_close(found, expected, dtype):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max(initial=0) <= TOLERANCE[dtype] * max(1e-2, np.abs(b).max(initial=0))


def pair(make, dtype="float32"):
    """The same module of both libraries, with the same weights."""
    theirs = make(torch.nn).to(getattr(torch, dtype))
    ours = make(nn).to(getattr(fastgrok, dtype))
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({name: fastgrok.from_numpy(value.numpy().copy()) for name, value in state.items()})
    return ours, theirs


def flat(results):
    """The tensors in a nest of tuples and packed sequences, in order."""
    if isinstance(results, tuple):
        return [tensor for item in results for tensor in flat(item)]
    return [] if results is None else [results]


def compare(ours, theirs, call, arrays, dtype):
    """Run `call(library, module, *tensors)` in both libraries; compare results and all gradients."""
    outcomes = []
    for library, module in ((fastgrok, ours), (torch, theirs)):
        inputs = [library.from_numpy(array.copy()).requires_grad_() for array in arrays]
        results = flat(call(library, module, *inputs))
        losses = [(r * r).sum() * (k + 1) + r.sum() for k, r in enumerate(results) if r.requires_grad]
        sum(losses).backward()
        grads = [t.grad if t.grad is not None else t.detach() * 0 for t in (*inputs, *module.parameters())]
        outcomes.append([t.detach().numpy() for t in (*results, *grads)])
    assert_close(*outcomes, dtype)


@st.composite
def layers(draw):
    """The options of a layer, the shape of its input, and how it is called."""
    kind = draw(st.sampled_from(KINDS))
    options = {
        "num_layers": draw(st.integers(1, 3)),
        "bias": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "bidirectional": draw(st.booleans()),
    }
    if kind == "RNN":
        options["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    sizes = draw(st.integers(1, 20)), draw(st.integers(1, 37))
    form = draw(st.sampled_from(["batch", "alone", "packed", "sorted"]))
    lengths = draw(st.lists(st.integers(1, 7), min_size=1, max_size=6))
    return kind, sizes, options, form, lengths, draw(st.booleans()), draw(st.sampled_from(list(TOLERANCE)))


@given(layers())
def test_layers(drawn):
    kind, (D, H), options, form, lengths, with_state, dtype = drawn
    ours, theirs = pair(lambda nn: getattr(nn, kind)(D, H, **options), dtype)
    if form == "sorted":
        lengths = sorted(lengths, reverse=True)
    rng, T, B = np.random.default_rng(0), max(lengths), len(lengths)
    first = (B, T) if options["batch_first"] else (T, B)
    shape = (T, D) if form == "alone" else (*first, D)
    count = options["num_layers"] * (1 + options["bidirectional"])
    state = (count, H) if form == "alone" else (count, B, H)
    arrays = [rng.standard_normal(shape)]
    arrays += [rng.standard_normal(state) for _ in range(with_state * (2 if kind == "LSTM" else 1))]

    def call(library, module, x, *states):
        utils = library.nn.utils.rnn
        if form in ("packed", "sorted"):
            settings = {"batch_first": options["batch_first"], "enforce_sorted": form == "sorted"}
            x = utils.pack_padded_sequence(x, library.tensor(lengths), **settings)
        output, last = module(x, (states if kind == "LSTM" else states[0]) if states else None)
        if form in ("packed", "sorted"):
            assert output.batch_sizes.tolist() == x.batch_sizes.tolist()
            output, again = utils.pad_packed_sequence(output, options["batch_first"])
            assert again.tolist() == lengths
        return output, last

    compare(ours, theirs, call, [a.astype(dtype) for a in arrays], dtype)


@given(
    kind=st.sampled_from(KINDS),
    sizes=st.tuples(st.integers(1, 20), st.integers(1, 37)),
    bias=st.booleans(),
    relu=st.booleans(),
    batch=st.one_of(st.none(), st.integers(1, 9)),
    with_state=st.booleans(),
    dtype=st.sampled_from(list(TOLERANCE)),
)
def test_cells(kind, sizes, bias, relu, batch, with_state, dtype):
    options = {"nonlinearity": "relu"} if relu and kind == "RNN" else {}
    ours, theirs = pair(lambda nn: getattr(nn, f"{kind}Cell")(*sizes, bias=bias, **options), dtype)
    rng, lead = np.random.default_rng(0), () if batch is None else (batch,)
    arrays = [rng.standard_normal((*lead, sizes[0]))]
    arrays += [rng.standard_normal((*lead, sizes[1])) for _ in range(with_state * (2 if kind == "LSTM" else 1))]

    def call(library, cell, x, *states):
        state = (states if kind == "LSTM" else states[0]) if states else None
        for _ in range(2):
            state = cell(x, state)
        return state

    compare(ours, theirs, call, [a.astype(dtype) for a in arrays], dtype)


@given(
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=5),
    inner=st.lists(st.integers(1, 3), max_size=2),
    batch_first=st.booleans(),
    value=st.sampled_from([0.0, -1.5]),
    side=st.sampled_from(["left", "right"]),
)
def test_padding(lengths, inner, batch_first, value, side):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((length, *inner)) for length in lengths]

    def run(library):
        utils = library.nn.utils.rnn
        inputs = [library.from_numpy(array.copy()).requires_grad_() for array in arrays]
        padded = utils.pad_sequence(inputs, batch_first, value, side)
        (padded * padded).sum().backward()
        results = [padded, *(x.grad for x in inputs)]
        if side == "right":
            # A copy and the batch first, since PyTorch's version otherwise turns its argument round in place.
            copy = padded.detach().clone() if batch_first else padded.detach().transpose(0, 1)
            results += utils.unpad_sequence(copy, library.tensor(lengths), batch_first=True)
        return [t.detach().numpy() for t in results]

    assert_close(run(fastgrok), run(torch), "float64")


@given(
    lengths=st.lists(
        st.integers(1, 5), min_size=1, max_size=5, unique=True
    ),  # equal ones: PyTorch's order is not fixed
    inner=st.lists(st.integers(1, 3), max_size=2),
    batch_first=st.booleans(),
    extra=st.one_of(st.none(), st.integers(0, 2)),
)
def test_packing(lengths, inner, batch_first, extra):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((length, *inner)) for length in lengths]

    def run(library):
        utils = library.nn.utils.rnn
        inputs = [library.from_numpy(array.copy()).requires_grad_() for array in arrays]
        packed = utils.pack_sequence(inputs, enforce_sorted=False)
        total = None if extra is None else max(lengths) + extra
        padded, found = utils.pad_packed_sequence(packed, batch_first, -2.0, total)
        ((packed.data * 3).sum() + (padded * padded).sum()).backward()
        results = [*packed, padded, found, *utils.unpack_sequence(packed), *(x.grad for x in inputs)]
        return [t.detach().numpy() for t in results]

    assert_close(run(fastgrok), run(torch), "float64")


# What is wrong with a call, as a function of a library `L`, a layer or cell `m` of sizes (5, 4), and h, which makes
# a state of a given shape.
def _pack(L, lengths, *shape, **options):
    return L.nn.utils.rnn.pack_padded_sequence(L.zeros(*shape), lengths, **options)


WRONG_CALLS = {
    "no steps": lambda L, m, h: m(L.zeros(0, 3, 5)),
    "no steps, unbatched": lambda L, m, h: m(L.zeros(0, 5)),
    "one dimension": lambda L, m, h: m(L.zeros(5)),
    "four dimensions": lambda L, m, h: m(L.zeros(2, 2, 2, 5)),
    "input size": lambda L, m, h: m(L.zeros(2, 3, 6)),
    "input dtype": lambda L, m, h: m(L.zeros(2, 3, 5).double()),
    "input integers": lambda L, m, h: m(L.zeros(2, 3, 5).long()),
    "state batch": lambda L, m, h: m(L.zeros(2, 3, 5), h(L.zeros(1, 2, 4))),
    "state layers": lambda L, m, h: m(L.zeros(2, 3, 5), h(L.zeros(2, 3, 4))),
    "state size": lambda L, m, h: m(L.zeros(2, 3, 5), h(L.zeros(1, 3, 5))),
    "state dtype": lambda L, m, h: m(L.zeros(2, 3, 5), h(L.zeros(1, 3, 4).double())),
    "state of a batch": lambda L, m, h: m(L.zeros(2, 5), h(L.zeros(1, 1, 4))),
    "packed size": lambda L, m, h: m(_pack(L, [3, 2], 3, 2, 6)),
    "packed dimensions": lambda L, m, h: m(_pack(L, [3, 2], 3, 2, 1, 5)),
    "packed state": lambda L, m, h: m(_pack(L, [3, 2], 3, 2, 5), h(L.zeros(1, 3, 4))),
}
WRONG_STEPS = {
    "input size": lambda L, m, h: m(L.zeros(2, 6)),
    "three dimensions": lambda L, m, h: m(L.zeros(2, 3, 5)),
    "state batch": lambda L, m, h: m(L.zeros(2, 5), h(L.zeros(3, 4))),
    "state size": lambda L, m, h: m(L.zeros(2, 5), h(L.zeros(2, 5))),
    "state without batch": lambda L, m, h: m(L.zeros(2, 5), h(L.zeros(4))),
    "input without batch": lambda L, m, h: m(L.zeros(5), h(L.zeros(2, 4))),
    "input dtype": lambda L, m, h: m(L.zeros(2, 5).double()),
    "state dtype": lambda L, m, h: m(L.zeros(2, 5), h(L.zeros(2, 4).double())),
}
WRONG_SEQUENCES = {
    "not sorted": lambda L, U: _pack(L, [2, 3], 3, 2, 5),
    "length 0": lambda L, U: _pack(L, [3, 0], 3, 2, 5),
    "negative": lambda L, U: _pack(L, [3, -2], 3, 2, 5, enforce_sorted=False),
    "too few": lambda L, U: _pack(L, [3], 3, 2, 5),
    "one dimension": lambda L, U: _pack(L, [2, 1], 3),
    "no sequences": lambda L, U: _pack(L, [], 3, 0, 5),
    "no steps": lambda L, U: _pack(L, [0, 0], 0, 2, 5),
    "a matrix of lengths": lambda L, U: _pack(L, L.tensor([[3, 2]]), 3, 2, 5),
    "total length": lambda L, U: U.pad_packed_sequence(_pack(L, [3, 2], 3, 2, 5), total_length=2),
    "pack unsorted": lambda L, U: U.pack_sequence([L.zeros(2, 3), L.zeros(3, 3)]),
    "pack nothing": lambda L, U: U.pack_sequence([]),
    "pad nothing": lambda L, U: U.pad_sequence([]),
    "pad other sizes": lambda L, U: U.pad_sequence([L.zeros(2, 3), L.zeros(3, 4)]),
    "pad 0-d": lambda L, U: U.pad_sequence([L.zeros(()), L.zeros(())]),
    "pad side": lambda L, U: U.pad_sequence([L.zeros(2), L.zeros(3)], padding_side="x"),
    "pad a number": lambda L, U: U.pad_sequence(3),
}
WRONG_OPTIONS = {
    "input_size=2.0": lambda make: make(2.0, 3),
    "input_size=0": lambda make: make(0, 3),
    "hidden_size=0": lambda make: make(2, 0),
    "num_layers=0": lambda make: make(2, 3, 0),
    "num_layers=2.5": lambda make: make(2, 3, 2.5),
    "dropout=2": lambda make: make(2, 3, dropout=2),
    "dropout=True": lambda make: make(2, 3, dropout=True),
    "dropout='a'": lambda make: make(2, 3, dropout="a"),
    "bias=1": lambda make: make(2, 3, bias=1),
    "batch_first=1": lambda make: make(2, 3, batch_first=1),
}


def assert_same_error(call):
    """`call(library)` must fail in both libraries, and ours as an instance of what theirs raises."""
    with pytest.raises(Exception) as theirs:
        call(torch)
    with pytest.raises(theirs.type) as ours:
        call(fastgrok)
    assert len(str(ours.value)) > 10


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", WRONG_CALLS)
def test_errors_of_layers(kind, wrong):
    assert_same_error(lambda L: WRONG_CALLS[wrong](L, getattr(L.nn, kind)(5, 4), _state(kind)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", WRONG_STEPS)
def test_errors_of_cells(kind, wrong):
    assert_same_error(lambda L: WRONG_STEPS[wrong](L, getattr(L.nn, f"{kind}Cell")(5, 4), _state(kind)))


def _state(kind):
    return (lambda state: (state, state)) if kind == "LSTM" else lambda state: state


@pytest.mark.parametrize("wrong", WRONG_SEQUENCES)
def test_errors_of_sequences(wrong):
    assert_same_error(lambda L: WRONG_SEQUENCES[wrong](L, L.nn.utils.rnn))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", WRONG_OPTIONS)
def test_errors_of_options(kind, wrong):
    assert_same_error(lambda L: WRONG_OPTIONS[wrong](getattr(L.nn, kind)))


def test_lengths_beyond_the_input_are_refused():
    """PyTorch reads memory beyond the sequence there."""
    with contextlib.suppress(RuntimeError):
        _pack(torch, [4, 3], 3, 2, 5)
    with pytest.raises(ValueError, match="lengths holds 4, expected from 1 to 3"):
        _pack(fastgrok, [4, 3], 3, 2, 5)


@pytest.mark.parametrize("kind", KINDS)
def test_names_and_texts(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for options in ({}, {"dropout": 0.5}, {"bidirectional": True, "bias": False}, {"batch_first": True}):
            pair(lambda nn, options=options: getattr(nn, kind)(3, 4, 2, **options))
    pair(lambda nn: getattr(nn, f"{kind}Cell")(3, 4))
    pair(lambda nn: getattr(nn, f"{kind}Cell")(3, 4, bias=False))
    ours, theirs = pair(lambda nn: getattr(nn, kind)(3, 4, 2, bidirectional=True))
    shapes = [[[tuple(w.shape) for w in group] for group in module.all_weights] for module in (ours, theirs)]
    assert shapes[0] == shapes[1]
    assert ours.mode == theirs.mode
    ours.flatten_parameters()


def test_packed_sequences_convert():
    for library in (fastgrok, torch):
        packed = library.nn.utils.rnn.pack_sequence([library.zeros(2), library.zeros(3)], enforce_sorted=False)
        assert packed.to(library.float32) is packed
        assert packed.double().data.dtype == library.float64
        assert packed.double().sorted_indices.tolist() == packed.unsorted_indices.tolist() == [1, 0]
        assert packed.float().long().int().data.dtype == library.int32
        assert packed.cpu() is packed and not packed.is_cuda
        pair_form = library.nn.utils.rnn.PackedSequence((packed.data, packed.batch_sizes))
        assert pair_form.batch_sizes is packed.batch_sizes and pair_form.unsorted_indices is None
