"""Rows for layers with parameters, and for what holds layers."""

from hypothesis import strategies as st

from parity.draw import FLOATS, arrays, dims, ids, pick, rarely, shapes
from parity.framework import Array, fill
from parity.table import layers, rows

lead = shapes(0, 2)
some = st.integers(1, 5)
either = (True, False)


def other_dtype(draw, dtype):
    """Return the dtype of an input: that of the layer, rarely another."""
    return "float64" if dtype == "float32" and rarely(draw, 20) else dtype


# ---------------------------------------------------------------------------------------------------- linear, embedding


@st.composite
def linear(draw, function=False):
    """Sizes, and an input (..., D)."""
    dtype = draw(st.sampled_from(FLOATS))
    D, out = draw(some), draw(some)
    x = draw(arrays((*draw(lead), D + rarely(draw, 12)), (other_dtype(draw, dtype),)))
    if not function:
        return (D, out), draw(pick(bias=either)), (x,), {}, {"dtype": dtype}
    weight = draw(arrays((out, D), (dtype,)))
    return (x, weight, draw(st.none() | arrays((out,), (dtype,)))), {}


layers("nn.Linear", linear())
rows("nn.functional.linear", linear(function=True))


@st.composite
def embedding(draw, function=False):
    """The size of a table, ids of any shape, perhaps of an entry that stands for padding."""
    dtype = draw(st.sampled_from(FLOATS))
    V, D = draw(some), draw(st.integers(0 if rarely(draw) else 1, 4))
    index = draw(ids(draw(lead), V, dtypes=("int64", "int64", "int32")))
    options = draw(pick(padding_idx=st.integers(-V, V - 1) | st.none() | st.just(V + 1)))
    if function:
        return (index, draw(arrays((V, D), (dtype,)))), options
    return (V, D), options, (index,), {}, {"dtype": dtype}


layers("nn.Embedding", embedding())
rows("nn.functional.embedding", embedding(function=True))
one_hot = st.tuples(ids(lead, 4, dtypes=("int64", "int64", "int32")), st.sampled_from((-1, 4, 5, 2, -2)))
rows("nn.functional.one_hot", one_hot.map(lambda x: (x, {})))


# ---------------------------------------------------------------------------------------------------- recurrence


@st.composite
def recurrent(draw, kind):
    """Sizes and options of a layer, a window of input, and perhaps a state."""
    dtype = draw(st.sampled_from(FLOATS))
    D, H, T, B = draw(some), draw(some), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    options = draw(
        pick(num_layers=(1, 2), bias=either, batch_first=either, bidirectional=either, dropout=(0.0, 1.5, 0.0, 0.0))
    )
    if kind == "RNN":
        options |= draw(pick(nonlinearity=("tanh", "relu", "tanh", "relu", "other")))
    batched = draw(st.integers(0, 3)) > 0
    steps = (B, T) if options.get("batch_first") else (T, B)
    x = draw(arrays((*(steps if batched else (T,)), D + rarely(draw, 15)), (other_dtype(draw, dtype),)))
    inputs = [x]
    if draw(st.booleans()):
        rows_ = options.get("num_layers", 1) * (1 + options.get("bidirectional", False)) + rarely(draw, 15)
        state = arrays((rows_, B, H) if batched else (rows_, H), (dtype,))
        inputs.append((draw(state), draw(state)) if kind == "LSTM" else draw(state))
    return (D, H), options, tuple(inputs), {}, {"dtype": dtype, "training": draw(st.booleans())}


@st.composite
def cell(draw, kind):
    """Sizes and options of a cell, one step of input, and perhaps a state."""
    dtype = draw(st.sampled_from(FLOATS))
    D, H, B = draw(some), draw(some), draw(st.integers(1, 3))
    options = draw(pick(bias=either))
    if kind == "RNN":
        options |= draw(pick(nonlinearity=("tanh", "relu", "tanh", "relu", "other")))
    batch = (B,) if draw(st.integers(0, 3)) else ()
    inputs = [draw(arrays((*batch, D + rarely(draw, 15)), (dtype,)))]
    if draw(st.booleans()):
        state = arrays((*batch, H + rarely(draw, 15)), (dtype,))
        inputs.append((draw(state), draw(state)) if kind == "LSTM" else draw(state))
    return (D, H), options, tuple(inputs), {}, {"dtype": dtype}


for name in ("RNN", "LSTM", "GRU"):
    layers(f"nn.{name}", recurrent(name))
    layers(f"nn.{name}Cell", cell(name))

# ---------------------------------------------------------------------------------------------------- shapes


@st.composite
def folded(draw):
    """A tensor and the dimensions to fold into one."""
    x = draw(arrays())
    return (), draw(pick(start_dim=dims(len(x.shape)), end_dim=dims(len(x.shape)))), (x,), {}, {"dtype": x.dtype}


@st.composite
def unfolded(draw):
    """A tensor and the sizes to unfold one of its dimensions into."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    before, after = draw(shapes(0, 1)), draw(shapes(0, 1))
    size = 1
    for n in sizes:
        size *= n
    x = draw(arrays((*before, size + rarely(draw, 12), *after)))
    return (len(before), draw(st.sampled_from((tuple, list)))(sizes)), {}, (x,), {}, {"dtype": x.dtype}


layers("nn.Flatten", folded())
layers("nn.Unflatten", unfolded())
layers("nn.Identity", arrays().map(lambda x: ((1, "any"), {"more": 2}, (x,), {}, {"dtype": x.dtype})))

# ---------------------------------------------------------------------------------------------------- containers

PARTS = {
    "linear": lambda nn: nn.Linear(3, 3),
    "tanh": lambda nn: nn.Tanh(),
    "relu": lambda nn: nn.ReLU(),
    "two": lambda nn: nn.Sequential(nn.Linear(3, 3, bias=False), nn.Sigmoid()),
    "dropout": lambda nn: nn.Dropout(0.5),
    "nothing": lambda nn: nn.Identity(),
}


def described(library, module, result):
    """Return a result with everything that shows how modules are nested."""
    names = [
        [name for name, _ in found]
        for found in (
            module.named_modules(),
            module.named_parameters(),
            module.named_buffers(),
            module.named_children(),
        )
    ]
    return (
        result,
        repr(module),
        names,
        dict(module.state_dict()),
        [p.requires_grad for p in module.parameters()],
        module.training,
    )


def sequence(library, x, parts, changes, training):
    """Build a `Sequential`, change it like a list, and call it."""
    nn = library.nn
    module = nn.Sequential(*[PARTS[name](nn) for name in parts])
    change(module, nn, changes)
    fill(library, module.eval(), 0)
    return described(
        library,
        module.train(training and not any(isinstance(m, nn.Dropout) for m in module.modules())),
        (module(x), len(module)),
    )


def change(module, nn, changes):
    """Make changes as to a list."""
    for what, where, name in changes:
        part = PARTS[name](nn)
        if isinstance(module, nn.ModuleList) and what == "insert":
            where %= len(module) + 1  # PyTorch leaves gaps in the numbers elsewhere
        if what == "append":
            module.append(part)
        elif what == "insert":
            module.insert(where, part)
        elif what == "set":
            module[where] = part
        elif what == "delete":
            del module[where]
        elif what == "pop":
            module.pop(where)
        else:
            module.extend([part, PARTS["tanh"](nn)])


names = st.sampled_from(tuple(PARTS))
what = st.sampled_from(("append", "insert", "set", "delete", "pop", "extend"))
changes = st.lists(st.tuples(what, st.integers(-3, 3), names), max_size=3)
x = arrays(dtypes=("float32",), low=1, high=1).map(lambda a: Array((2, 3), seed=a.seed, grad=a.grad))
rows(
    "nn.Sequential",
    st.tuples(x, st.lists(names, max_size=3), changes, st.booleans()).map(lambda a: (a, {})),
    function=sequence,
)


def module_list(library, x, parts, changes, training):
    """Build a `ModuleList`, change it like a list, and call its parts one after the other."""
    nn = library.nn
    module = nn.ModuleList([PARTS[name](nn) for name in parts])
    change(module, nn, changes)
    fill(library, module.eval(), 0)
    for part in module:
        x = part(x)
    return described(library, module, (x, len(module)))


rows(
    "nn.ModuleList",
    st.tuples(x, st.lists(names, max_size=3), changes, st.booleans()).map(lambda a: (a, {})),
    function=module_list,
)


def own_module(library, x, persistent, shared, frozen, missing):
    """Use a module with parameters, buffers and parts of its own."""
    nn = library.nn

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(library.ones(3) * 2, requires_grad=not frozen)
            self.register_buffer("offset", library.ones(3), persistent=persistent)
            self.register_parameter("nothing", None)
            self.first = nn.Linear(3, 3)
            self.second = self.first if shared else nn.Sequential(nn.Linear(3, 3), nn.Tanh())

        def forward(self, x):
            return self.second(self.first(x)) * self.scale + self.offset

        def extra_repr(self):
            return "of our own"

    module = Own()
    fill(library, module, 3)
    state = {name: value for name, value in module.state_dict().items() if name != missing}
    if missing == "more":
        state["more"] = library.ones(1)
    report = module.load_state_dict(state, strict=not missing)
    found = [list(report.missing_keys), list(report.unexpected_keys)]
    if missing == "first.weight":
        module.load_state_dict(state)  # raises
    return described(library, module, (module(x), found, module.scale, type(module.scale).__name__))


missing = st.sampled_from(("", "", "scale", "more", "first.weight"))
rows(
    "nn.Module nn.Parameter",
    st.tuples(x, st.booleans(), st.booleans(), st.booleans(), missing).map(lambda a: (a, {})),
    function=own_module,
)
