"""Rows for attention, the Transformer's encoder, bags of embeddings, and containers under names."""

from hypothesis import strategies as st

from parity.draw import FLOATS, arrays, ids, pick, rarely
from parity.framework import Array, fill
from parity.table import layers, rows

either = (True, False)
dtypes = st.sampled_from(FLOATS)
small = st.integers(1, 3)

# ---------------------------------------------------------------------------------------------------- attention


@st.composite
def attended(draw):
    """Queries (..., L, E), keys and values (..., S, E), and a mask that leaves something to every query."""
    dtype, batch = draw(dtypes), draw(st.sampled_from(((), (2,), (2, 2))))
    L, S, E = draw(small), draw(small), draw(st.integers(1, 4))
    query, key = draw(arrays((*batch, L, E), (dtype,))), draw(arrays((*batch, S, E + rarely(draw, 15)), (dtype,)))
    options = draw(pick(scale=(0.5, 1.0, None)))
    form = draw(st.sampled_from(("none", "float", "causal")))
    if form == "causal":
        options["is_causal"] = True
    elif form == "float":
        options["attn_mask"] = draw(arrays((L, S), (dtype,), grad=False))
    return (query, key, draw(arrays((*batch, S, draw(small)), (dtype,)))), options


rows("nn.functional.scaled_dot_product_attention", attended())


@st.composite
def heads(draw):
    """The sizes of a layer of attention, and sequences to attend to."""
    dtype = draw(dtypes)
    H = draw(st.sampled_from((1, 2)))
    E = H * draw(st.sampled_from((1, 2)))
    L, S, B = draw(small), draw(small), draw(small)
    settings = draw(pick(bias=either, batch_first=either, add_bias_kv=either, add_zero_attn=either))
    sizes = {"kdim": draw(small), "vdim": draw(small)} if rarely(draw, 4) else {}
    batched = draw(st.booleans())

    def sequence(length, width):
        batch_first = settings.get("batch_first")
        shape = (length, width) if not batched else (B, length, width) if batch_first else (length, B, width)
        return draw(arrays(shape, (dtype,)))

    inputs = (sequence(L, E + rarely(draw, 20)), sequence(S, sizes.get("kdim", E)), sequence(S, sizes.get("vdim", E)))
    options = draw(pick(need_weights=either, average_attn_weights=either))
    if draw(st.booleans()):
        options["attn_mask"] = draw(arrays((L, S), (dtype,), grad=False))
    return (E, H + rarely(draw, 20)), settings | sizes, inputs, options, {"dtype": dtype}


layers("nn.MultiheadAttention", heads())


@st.composite
def encoded(draw, stacked=False):
    """The sizes of the encoder's layers, and sequences."""
    dtype = draw(dtypes)
    H = draw(st.sampled_from((1, 2)))
    E, T, B = 2 * H, draw(small), draw(small)
    settings = draw(pick(batch_first=either, norm_first=either, activation=("relu", "gelu", "relu", "gelu", "other")))
    settings["dropout"] = 0.0
    shape = draw(st.sampled_from(((B, T, E), (T, E))))
    x = draw(arrays(shape, (dtype,), grad=True))
    return (
        ((E, H, 3), settings, (x,), {}, {"dtype": dtype})
        if not stacked
        else ((x, (E, H, 3), settings, draw(st.integers(1, 2)), draw(st.booleans())), {})
    )


def encoder(library, x, sizes, settings, count, norm):
    """Send a sequence through a stack of layers."""
    nn = library.nn
    layer = nn.TransformerEncoderLayer(*sizes, **settings)
    stack = nn.TransformerEncoder(layer, count, nn.LayerNorm(sizes[0]) if norm else None, enable_nested_tensor=False)
    stack = stack.to(x.dtype)
    fill(library, stack, 1)
    return stack(x), repr(stack), dict(stack.state_dict())


layers("nn.TransformerEncoderLayer", encoded())
rows("nn.TransformerEncoder", encoded(stacked=True), function=encoder)
masks = st.tuples(st.tuples(st.integers(-1, 4)), st.just({}))
rows("nn.Transformer", masks, function=lambda t, n: t.nn.Transformer.generate_square_subsequent_mask(n))

# ---------------------------------------------------------------------------------------------------- bags


@st.composite
def bags(draw, function=False):
    """A table, and ids in bags of equal size or one after the other with the places where bags begin."""
    dtype = draw(dtypes)
    V, D, N = draw(small), draw(small), draw(st.integers(1, 5))
    options = draw(pick(mode=("sum", "mean", "max", "sum", "mean", "max", "other"), padding_idx=st.integers(-V, V - 1)))
    weighted = options.get("mode") == "sum" and draw(st.booleans())
    if draw(st.booleans()):
        shape, offsets = (draw(small), N), None
    else:
        shape = (N,)
        starts = sorted(draw(st.lists(st.integers(0, N - 1), max_size=2)))
        offsets = [0, *starts]
    index = draw(ids(shape, V))
    extra = {}
    if weighted:
        extra["per_sample_weights"] = draw(arrays(shape, (dtype,)))
    if function:
        return (index, draw(arrays((V, D), (dtype,))), offsets, options | extra), {}
    return (V, D, index, offsets, options, extra, dtype, draw(st.integers(0, 99))), {}


def bag_function(library, index, weight, offsets, options):
    """Call the function."""
    offsets = None if offsets is None else library.tensor(offsets)
    return library.nn.functional.embedding_bag(index, weight, offsets, **options)


def bag_layer(library, V, D, index, offsets, options, extra, dtype, seed):
    """Make the layer and call it."""
    layer = library.nn.EmbeddingBag(V, D, **options).to(getattr(library, dtype))
    fill(library, layer, seed)
    y = layer(index, None if offsets is None else library.tensor(offsets), **extra)
    (y * y).sum().backward(retain_graph=True)
    return y, layer.weight.grad.clone(), repr(layer), dict(layer.state_dict())


rows("nn.functional.embedding_bag", bags(True), function=bag_function)
rows("nn.EmbeddingBag", bags(), function=bag_layer)

# ---------------------------------------------------------------------------------------------------- under names

names = st.sampled_from(("a", "b", "c", "type", "", "a.b", 1))
steps = st.lists(st.tuples(st.sampled_from(("set", "pop", "delete", "update", "clear")), names), max_size=4)


def change(container, steps, make):
    """Make changes as to a dict."""
    for what, name in steps:
        if what == "set":
            container[name] = make(2)
        elif what == "pop":
            container.pop(name)
        elif what == "delete":
            del container[name]
        elif what == "update":
            container.update({name: make(3)})
        else:
            container.clear()


def module_dict(library, x, first, steps):
    """Build a `ModuleDict`, change it, and call its parts."""
    nn = library.nn
    module = nn.ModuleDict({name: nn.Linear(2, 2) for name in first})
    change(module, steps, lambda n: nn.Linear(2, 2, bias=n == 2))
    fill(library, module, 2)
    for part in module.values():
        x = part(x)
    return x, list(module), len(module), "a" in module, repr(module), dict(module.state_dict())


def parameter_dict(library, x, first, steps):
    """Build a `ParameterDict`, change it, and use what it holds."""
    nn = library.nn
    made = nn.ParameterDict({name: nn.Parameter(library.ones(2)) for name in first})
    change(made, steps, lambda n: nn.Parameter(library.ones(2) * n))
    return [x * p for p in made.values()], list(made), len(made), "a" in made, dict(made.state_dict())


def parameter_list(library, x, count, more, where):
    """Build a `ParameterList`, change it like a list, and use what it holds."""
    nn = library.nn
    made = nn.ParameterList([nn.Parameter(library.ones(2) * i) for i in range(count)])
    made.append(nn.Parameter(library.ones(2) * 7))
    made.extend([nn.Parameter(library.zeros(2)) for _ in range(more)])
    made[where] = nn.Parameter(library.ones(2) * 5)
    return [x * p for p in made], len(made), list(made[where:]), dict(made.state_dict())


x = st.builds(Array, st.just((3, 2)), seed=st.integers(0, 99), grad=st.booleans())
first = st.lists(st.sampled_from(("a", "b", "d")), max_size=2, unique=True)
rows("nn.ModuleDict", st.tuples(x, first, steps).map(lambda a: (a, {})), function=module_dict)
rows("nn.ParameterDict", st.tuples(x, first, steps).map(lambda a: (a, {})), function=parameter_dict)
lists = st.tuples(x, st.integers(0, 2), st.integers(0, 2), st.integers(-4, 4))
rows("nn.ParameterList", lists.map(lambda a: (a, {})), function=parameter_list)
