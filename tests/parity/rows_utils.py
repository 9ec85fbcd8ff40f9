"""Rows for borders, initialisation, gradients, sequences, and other helpers."""

import dataclasses
import io

import numpy as np
from hypothesis import strategies as st

from parity.draw import ANY, FLOATS, arrays, choice, dtypes, pick, rarely, shapes, unpacked
from parity.framework import Array, dtype_name, numpy
from parity.table import rows


def calls(*arguments, **keywords):
    """Strategies of arguments, and options."""
    return st.tuples(st.tuples(*map(choice, arguments)), pick(**keywords))


# ---------------------------------------------------------------------------------------------------- borders


@st.composite
def bordered(draw):
    """A tensor, and the widths of its borders."""
    mode = draw(st.sampled_from(("constant", "constant", "reflect", "replicate", "circular", "other")))
    pairs = draw(st.integers(1, 3))
    ndim = pairs + draw(st.integers(1, 2)) if mode != "constant" and not rarely(draw) else draw(st.integers(1, 4))
    x = draw(arrays(shape=[draw(st.sampled_from((2, 3, 4, 1))) for _ in range(ndim)], dtypes=(*FLOATS, "float32")))
    lowest = -1 if mode == "constant" else 0  # PyTorch's gradients of the other modes are noise where something is cut
    widths = draw(st.lists(st.integers(lowest, 3), min_size=2 * pairs - rarely(draw, 15), max_size=2 * pairs))
    options = {"mode": mode} if mode != "constant" else draw(pick(value=(1.5, 0, None), mode=("constant",)))
    return (x, draw(st.sampled_from((tuple, list)))(widths)), options


rows("nn.functional.pad", bordered())

# ---------------------------------------------------------------------------------------------------- initialisation

GAINS = ("linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu", "other")
matrix = arrays(low=1, high=4, grad=None)
mode = ("fan_in", "fan_out", "fan_in", "other")
rows("nn.init.calculate_gain", calls(GAINS, (None, 0.2, 1, "a")))
rows("nn.init.constant_", calls(matrix, (0.5, 2)))
rows("nn.init.ones_ nn.init.zeros_", calls(matrix))
rows("nn.init.eye_", calls(arrays(low=2, high=2) | matrix))
rows("nn.init.dirac_", calls(arrays(low=2, high=4), groups=(1, 2, 3)))
rows("nn.init.sparse_", calls(arrays(low=2, high=2, dtypes=("float32",)) | matrix, (0.1, 0.5)), values=False)
rows("nn.init.uniform_", calls(matrix, a=(0.0, -1.0), b=(1.0,)), values=False)
rows("nn.init.normal_", calls(matrix, mean=(0.0, 2.0), std=(1.0, 0.5)), values=False)
rows("nn.init.trunc_normal_", calls(matrix, mean=(0.0, 1.0), std=(1.0, 0.5)), values=False)
rows("nn.init.xavier_uniform_ nn.init.xavier_normal_", calls(matrix, gain=(1.0, 2.0)), values=False)
rows(
    "nn.init.kaiming_uniform_ nn.init.kaiming_normal_",
    calls(matrix, a=(0, 1), mode=mode, nonlinearity=GAINS),
    values=False,
)


def orthogonal(library, x, gain):
    """Return the products of the rows or columns, which do not depend on chance."""
    filled = library.nn.init.orthogonal_(x.detach().clone(), gain)
    flat = filled.reshape(len(filled), -1)
    return flat @ flat.t() if flat.shape[0] <= flat.shape[1] else flat.t() @ flat


some = st.sampled_from((1, 2, 3, 5))
at_least_2d = st.lists(some, min_size=2, max_size=3).flatmap(lambda s: arrays(s, ("float64",))) | arrays(high=1)
rows("nn.init.orthogonal_", calls(at_least_2d, (1.0, 2.0)), function=orthogonal)

# ------------------------------------------------------------------------------------------ gradients of parameters


def with_gradients(name):
    """Call a function of parameters that have gradients, some of them none."""

    def call(library, params, *arguments, **options):
        for i, p in enumerate(params):
            p.grad = None if i == 1 else library.tensor(numpy(p) * 2, dtype=p.dtype)
        function = getattr(library.nn.utils, name)
        if name == "get_total_norm":
            return function([p.grad for p in params if p.grad is not None], *arguments, **options)
        if name == "clip_grads_with_norm_":
            arguments = (*arguments, library.tensor(3.0))
        return function(params, *arguments, **options)

    return call


params = st.lists(arrays(low=1, high=2, dtypes=("float32",), grad=True, kinds=("normal", "wide")), max_size=3)
norms = {"norm_type": (2.0, 1.0, 3, float("inf"))}
largest = (1.0, 0.1, 100.0)
rows("nn.utils.clip_grad_norm_", calls(params, largest, **norms), function=with_gradients("clip_grad_norm_"))
rows("nn.utils.clip_grad_value_", calls(params, largest), function=with_gradients("clip_grad_value_"))
rows("nn.utils.clip_grads_with_norm_", calls(params, largest), function=with_gradients("clip_grads_with_norm_"))
rows("nn.utils.get_total_norm", calls(params, **norms), function=with_gradients("get_total_norm"))
rows("nn.utils.parameters_to_vector", calls(params))


def to_parameters(library, params, vector):
    """Put a vector into parameters."""
    params = [p.detach().clone() for p in params]
    library.nn.utils.vector_to_parameters(vector.detach(), params)
    return params


@st.composite
def vector_and_parameters(draw):
    """Parameters, and a vector as long as all of them."""
    chosen = draw(params)
    size = sum(int(np.prod(p.shape)) for p in chosen) - rarely(draw, 15)
    return (chosen, draw(arrays((max(size, 0),), ("float32",)))), {}


rows("nn.utils.vector_to_parameters", vector_and_parameters(), function=to_parameters)

# ---------------------------------------------------------------------------------------------------- sequences


@st.composite
def sequences(draw, ordered=False):
    """Sequences (length, ...) of different lengths."""
    rest = draw(st.sampled_from(((), (2,), (3,))))
    dtype = draw(st.sampled_from((*FLOATS, "int64")))
    lengths = draw(st.lists(st.integers(1, 4), min_size=0 if rarely(draw, 20) else 1, max_size=4))
    lengths = sorted(lengths, reverse=True) if ordered else lengths
    return [draw(arrays((n, *rest, *((2,) if rarely(draw, 40) else ())), (dtype,))) for n in lengths]


def fields(packed):
    """Return what a packed sequence consists of."""
    return packed.data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices


def packing(library, several, batch_first, sort, value, total):
    """Pack sequences, and unpack them in every way."""
    rnn = library.nn.utils.rnn
    packed = rnn.pack_sequence(several, enforce_sorted=sort)
    padded, lengths = rnn.pad_packed_sequence(packed, batch_first, value, total)
    again = rnn.pack_padded_sequence(padded, lengths, batch_first, enforce_sorted=sort)
    apart = rnn.unpack_sequence(packed)
    return fields(packed), padded, lengths, fields(again), apart, packed.is_cuda, type(packed).__name__


both = st.booleans()
rows(
    "nn.utils.rnn.pack_sequence nn.utils.rnn.pad_packed_sequence nn.utils.rnn.pack_padded_sequence "
    "nn.utils.rnn.unpack_sequence nn.utils.rnn.PackedSequence",
    calls(sequences(True) | sequences(), both, both, (0.0, 1.5, -1), (None, 5, 1)),
    function=packing,
)
rows(
    "nn.utils.rnn.pad_sequence",
    calls(sequences(), batch_first=both, padding_value=(0.0, 2.5), padding_side=("right", "left", "other")),
)
order = st.permutations(range(4)).map(np.array)
rows(
    "nn.utils.rnn.invert_permutation",
    calls(order),
    function=lambda t, p: t.nn.utils.rnn.invert_permutation(t.tensor(p)),
)


def unpadded(library, x, lengths, batch_first):
    """Cut sequences out of a padded batch, of which PyTorch swaps dimensions."""
    return library.nn.utils.rnn.unpad_sequence(x * 1, library.tensor(lengths), batch_first)


rows(
    "nn.utils.rnn.unpad_sequence",
    calls(arrays((3, 3)), st.lists(st.integers(1, 3), min_size=3, max_size=3), both),
    function=unpadded,
)


def packed_layer(library, several, kind, options, state):
    """Send packed sequences through a recurrent layer, and unpack what comes out."""
    from parity.framework import fill

    nn = library.nn
    layer = getattr(nn, kind)(2, 3, **options).to(several[0].dtype)
    fill(library, layer, 5)
    output, last = layer(nn.utils.rnn.pack_sequence(several, enforce_sorted=False))
    return *nn.utils.rnn.pad_packed_sequence(output), last, [p.detach() for p in layer.parameters()]


vectors = st.sampled_from(FLOATS).flatmap(
    lambda d: st.lists(st.integers(1, 4).flatmap(lambda n: arrays((n, 2), (d,))), min_size=1, max_size=4)
)
recurrent = calls(vectors, ("RNN", "LSTM", "GRU"), pick(num_layers=(1, 2), bidirectional=both, bias=both), (None,))
rows("operator.packed_layer", recurrent, function=packed_layer)

# ---------------------------------------------------------------------------------------------------- gradients


def derivatives(library, x, y, weight, unused, materialize, retain):
    """Return derivatives without touching `.grad`, twice if the graph is kept."""
    grad = library.autograd.grad
    z = (x * x.sin()).sum() if weight is None else x * x.sin()
    options = {"grad_outputs": weight, "retain_graph": retain, "allow_unused": unused, "materialize_grads": materialize}
    found = [grad(z, [x, y] if unused is not None else [x], **options)]
    if retain is not None:
        found.append(grad(z, x, grad_outputs=weight))
    return [[None if g is None else g for g in gradients] for gradients in found]


one = arrays((3,), ("float64",), grad=True)
weights = st.none() | arrays((3,), ("float64",), grad=False) | arrays((2,), ("float64",), grad=False)
rows(
    "autograd.grad",
    calls(one, arrays((2,), grad=True), weights, (None, True, False), both, (None, True, False)),
    function=derivatives,
)


def backwards(library, x, twice, keep, scale, factor, hooked):
    """Go backward through a graph with hooks and with gradients that are kept."""
    y = x * 2
    z = y.exp() * y
    y.retain_grad()
    seen = []
    if hooked:
        y.register_hook(lambda g: seen.append(g.detach()))
        handle = x.register_hook(lambda g: g * factor)
        if hooked == "removed":
            handle.remove()
    arguments = () if scale is None else (scale,)
    library.autograd.backward(z, *arguments, retain_graph=keep) if hooked == "many" else z.backward(
        *arguments, retain_graph=keep
    )
    if twice:
        z.backward(*arguments)
    return y.grad, x.grad.clone(), seen, x.is_leaf, y.is_leaf


scales = st.none() | arrays((3,), ("float64",), grad=False) | arrays((2,), ("float64",), grad=False)
rows(
    "Tensor.backward Tensor.retain_grad Tensor.register_hook autograd.backward",
    calls(
        arrays((3,), ("float64",), grad=True) | arrays((), ("float64",), grad=True),
        both,
        both,
        scales,
        (2.0, 0.5),
        ("", "yes", "many", "removed"),
    ),
    function=backwards,
)


def recording(library, x, modes):
    """Report what is recorded inside of nested modes, as blocks and as decorators."""
    seen = []

    def enter(rest):
        seen.append((library.is_grad_enabled(), (x * 2).requires_grad, x.detach().requires_grad))
        if rest:
            name, *arguments = rest[0]
            with getattr(library, name)(*arguments):
                enter(rest[1:])
            seen.append(
                (library.is_grad_enabled(), getattr(library, name)(*arguments)(lambda: (x * 2).requires_grad)())
            )

    before = library.is_grad_enabled()
    try:
        enter(modes)
    finally:
        library.set_grad_enabled(before)
    return seen


modes = (
    ("no_grad",),
    ("enable_grad",),
    ("set_grad_enabled", True),
    ("set_grad_enabled", False),
    ("inference_mode",),
    ("inference_mode", False),
)


def inference_is_inside(modes):
    """Whether no other mode is inside of `inference_mode`, of which nothing can be recorded in PyTorch."""
    return ("inference_mode",) not in modes[:-1]


homes = "no_grad enable_grad set_grad_enabled inference_mode is_grad_enabled"
rows(
    " ".join(f"fastgrok.{name} autograd.{name}" for name in homes.split()),
    calls(arrays(grad=True), st.lists(st.sampled_from(modes), max_size=3).filter(inference_is_inside)),
    function=recording,
)

# ---------------------------------------------------------------------------------------------------- files


def through_a_file(library, value):
    """Return what comes out of a file that a value was saved to."""
    file = io.BytesIO()
    library.save(value, file)
    file.seek(0)
    return library.load(file)


tensors = arrays(dtypes=ANY, grad=False)
saved = tensors | st.dictionaries(st.sampled_from(("a", "b.weight", "c")), tensors, min_size=1, max_size=3)
rows("fastgrok.save fastgrok.load", calls(saved), function=through_a_file)

# ---------------------------------------------------------------------------------------------------- tensors

made = {"dtype": dtypes("float32", "float64", "int64"), "requires_grad": (False,)}
sized = arrays(dtypes=ANY, grad=False).flatmap(lambda x: unpacked(shapes()).map(lambda s: (x, *s)))
rows("Tensor.new_zeros Tensor.new_ones", st.tuples(sized, pick(**made)))
rows("Tensor.new_empty", st.tuples(sized, pick(**made)), values=False)
rows("Tensor.new_full", calls(tensors, shapes(), (2, 1.5, True), **made))
rows("Tensor.new_tensor", calls(tensors, ([1.5, 2.0], 3, [[True], [False]], [[1], [1, 2]]), **made))
rows("fastgrok.ravel", calls(arrays(dtypes=ANY)))


def same_memory(library, x):
    """Report which tensors share their first element."""
    x = x.detach()
    return [y.data_ptr() == x.data_ptr() for y in (x, x.clone(), x.view(-1), x[:1], x + 0)]


in_order = arrays((2, 3)).map(lambda x: dataclasses.replace(x, layout="C"))
rows("Tensor.data_ptr", calls(in_order), function=same_memory)


def by_protocol(library, x):
    """Exchange memory with NumPy by DLPack, both ways, without a copy."""
    array = np.from_dlpack(x)
    back = library.from_dlpack(array)
    same = back.data_ptr() == x.data_ptr()
    return back, same, array


exchanged = st.builds(
    Array,
    shapes(),
    st.sampled_from(("float32", "float64", "int64", "int32", "uint8")),
    st.just("normal"),
    st.integers(0, 99),
    both,
)
rows("fastgrok.from_dlpack", calls(exchanged), function=by_protocol)

# ------------------------------------------------------------------------------------------ dtypes, chance, threads

DTYPES = "float32 float64 int64 int32 int16 int8 uint8 bool float double long int short".split()


for name in DTYPES:
    rows(
        f"fastgrok.{name}",
        calls(arrays(dtypes=("float32", "int64"))),
        function=lambda t, x, n=name: (x.to(getattr(t, n)), dtype_name(getattr(t, n))),
    )
rows(
    "fastgrok.device",
    calls(("cpu", "nowhere", 1.5)),
    function=lambda t, name: (str(t.device(name)), t.device(name).type),
)


def repeated(library, shape, seed):
    """Report whether seeds and states repeat what is drawn."""
    before = library.get_rng_state()
    library.manual_seed(seed)
    state, x = library.get_rng_state(), library.rand(shape)
    y = library.rand(shape)
    library.set_rng_state(state)
    again = library.rand(shape)
    generator = library.Generator()
    generator.manual_seed(seed)
    other = library.rand(shape, generator=generator)
    first = library.initial_seed()
    fresh = isinstance(library.seed(), int)
    library.set_rng_state(before)
    return (
        bool((x == again).all()),
        bool((x == y).all()),
        bool((x == other).all()),
        first,
        fresh,
        generator.initial_seed(),
    )


rows(
    "fastgrok.manual_seed fastgrok.initial_seed fastgrok.seed fastgrok.get_rng_state fastgrok.set_rng_state "
    "fastgrok.Generator fastgrok.default_generator",
    calls(st.tuples(st.integers(2, 5)), st.integers(0, 2**40)),
    function=repeated,
)


def threads(library, count):
    """Set the number of threads, and set it back."""
    before = library.get_num_threads()
    try:
        library.set_num_threads(count)
    finally:
        library.set_num_threads(before)
    return library.get_num_threads() == before


rows("fastgrok.set_num_threads fastgrok.get_num_threads", calls((1, 0, -1, 1.5)), function=threads)
rows("fastgrok.cuda", st.just(((), {})), function=lambda t: (t.cuda.is_available(), t.cuda.device_count()))
