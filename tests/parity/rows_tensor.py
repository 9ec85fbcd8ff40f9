"""Rows for the functions and methods of tensors."""

import copy
import dataclasses
import pickle

import numpy as np
from hypothesis import strategies as st

from parity.draw import (
    ANY, FLOATS, NUMBERS, NOT_OPERANDS, arrays, binary, dims, dtypes, fitting, ids, pick, rarely, reduction, reflected,
    seeds, shapes, unary, unpacked, with_arguments, with_dim,
)  # fmt: skip
from parity.framework import Array, Call, Name, operators
from parity.table import ROWS, Row, exempt, other_first_argument, rows

# ---------------------------------------------------------------------------------------------------- element by element

rows("abs neg sign square relu clone detach isnan isinf isfinite logical_not", unary())
rows("exp sqrt sin cos tanh sigmoid expm1 rsqrt reciprocal log log2 log10 log1p", unary())
rows("abs_ neg_ exp_ log_ sqrt_ tanh_ sigmoid_ relu_", unary())
rows("floor ceil", unary())
rows("round", unary(dtypes=FLOATS, kinds=("wide", "ties"), decimals=(0, 1, 2, -1)))
rows("numel is_floating_point Tensor.dim Tensor.ndim Tensor.shape Tensor.dtype Tensor.device Tensor.is_leaf", unary())
rows("Tensor.requires_grad Tensor.element_size Tensor.tolist Tensor.data Tensor.cpu Tensor.ravel", unary())
rows("Tensor.float Tensor.double Tensor.long Tensor.int Tensor.bool Tensor.contiguous Tensor.grad", unary())
rows("Tensor.is_contiguous Tensor.stride", unary(kinds=("normal",)))
rows("Tensor.numpy", unary(force=(True, False)))
rows("Tensor.zero_", unary())
rows("Tensor.item", unary(high=1))

rows("add sub", binary(alpha=(1, 2, -3)))
rows("mul div maximum minimum", binary())
rows("Tensor.add_ Tensor.sub_", binary(alpha=(1, 2)))
rows("Tensor.mul_ Tensor.div_", binary())
rows("eq ne lt le gt ge", binary(kinds=("ties", "special")))
rows("logical_and logical_or", binary(kinds=("ties",), numbers=()))
NOT_BOOL = (*FLOATS, "float32", "int64", "int32", "uint8")
rows("pow", binary(dtypes=NOT_BOOL, kinds=("positive",), numbers=(2, 0.5, -1, 0, 3, 1.5)))
rows("Tensor.pow_", binary(dtypes=NOT_BOOL, kinds=("positive",), numbers=(2, 0.5, -1, 3)))
rows("remainder", binary(kinds=("ties",), other_kinds=("positive",), numbers=(2, 3, -2)))
rows("isclose allclose", binary(dtypes=FLOATS, kinds=("ties",), numbers=(), same_dtype=True, rtol=(0.5, 1e-5), equal_nan=(True, False)))  # noqa: E501
rows("equal", binary(kinds=("ties",), numbers=()))
for name, function in operators("add", "sub", "mul", "truediv", "pow", "floordiv", "mod").items():
    kinds = ("positive",) if name in ("pow", "floordiv", "mod") else ("normal", "ties")
    dtypes_, numbers = (NOT_BOOL, (2, 3, 0.5, 1.5)) if name == "pow" else (ANY, (2, 3, 0.5, True, 1.5))
    rows(f"operator.{name}", reflected(dtypes=dtypes_, kinds=kinds, numbers=numbers), function=function)
for name, function in operators("lt", "le", "gt", "ge", "eq", "ne").items():
    rows(f"operator.{name}", reflected(kinds=("ties",), wrong=()), function=function)
for name, function in operators("and_", "or_", "xor").items():
    rows(f"operator.{name}", reflected(dtypes=("bool", "int64", "int32", "float32"), numbers=(True, 3), wrong=()), function=function)  # noqa: E501
for name in ("neg", "pos", "invert", "abs"):
    rows(f"operator.{name}", unary(), function=lambda t, x, f=f"__{name}__": getattr(x, f)())
rows("operator.bool", unary(high=1), function=lambda t, x: bool(x))
rows("operator.float", unary(high=1, kinds=("normal",)), function=lambda t, x: float(x))
rows("operator.int", unary(high=1, kinds=("normal",)), function=lambda t, x: int(x))
rows("operator.len", unary(), function=lambda t, x: len(x))
rows("operator.iter", unary(), function=lambda t, x: list(x))


@st.composite
def limits(draw):
    """A tensor with a lower and an upper limit: numbers, tensors, or one left out."""
    x = draw(arrays(dtypes=ANY, kinds=("normal", "ties", "special")))
    options = {}
    tensors = draw(st.booleans())
    for name in ("min", "max"):
        if draw(st.integers(0, 5)):
            tensor = arrays(draw(fitting(x.shape)), (x.dtype, x.dtype, "float32"), ("normal", "ties"))
            options[name] = draw(tensor if tensors else st.sampled_from((-0.5, 0, 1, 1.5, 2)))
    return (x,), options


rows("clamp clip Tensor.clamp_", limits())


@st.composite
def where(draw):
    """A condition and two operands, tensors or numbers."""
    condition = draw(arrays(dtypes=("bool",) * 9 + ("uint8", "float32")[1:]))
    operand = st.one_of(
        arrays(draw(fitting(condition.shape)), ANY), arrays(condition.shape, ANY), st.sampled_from((2, 0.5, True))
    )
    return (condition, draw(operand), draw(operand)), {}


rows("fastgrok.where", where())
rows("Tensor.where", binary().flatmap(lambda a: arrays(a[0][0].shape, ("bool",)).map(lambda c: ((a[0][0], c, a[0][1]), {}))))  # noqa: E501
rows("fastgrok.result_type", reflected(wrong=()))

# ---------------------------------------------------------------------------------------------------- reductions

rows("sum", reduction(dtype=dtypes("float64", "int64", "float32")))
rows("mean", reduction(dtype=dtypes("float64", "float32")))
rows("var std", reduction(none_of=False, dtypes=(*FLOATS, "float32", "int64"), correction=(0, 1, 2, 5)))
rows("amax amin", reduction())
rows("max min", reduction(kinds=("distinct",), many=False))
rows("argmax argmin", reduction(kinds=("distinct",), many=False, dtypes=(*FLOATS, "int64", "uint8")))
rows("prod", reduction(many=False, kinds=("normal", "ties", "positive"), dtype=dtypes("float64", "int64")))
rows("all any", reduction(kinds=("ties",)))
rows("count_nonzero", reduction(kinds=("ties",), keepdim=False))
rows("logsumexp", reduction(none_of=False, kinds=("normal", "wide"), needed=True, dtypes=(*FLOATS, "int64")))
rows("norm", reduction(dtypes=(*FLOATS, "float32", "int64"), before=(1, 2, 3, 1.5, 0, float("inf"), -float("inf"), "fro", -1), kinds=("normal",)))  # noqa: E501
rows("cumsum cumprod", reduction(needed=True, many=False, keepdim=False, dtype=dtypes("float64", "int64")))
rows("softmax log_softmax", reduction(dtypes=FLOATS, kinds=("normal", "wide", "special"), needed=True, many=False, keepdim=False, dtype=dtypes(*FLOATS)))  # noqa: E501
rows("argsort", reduction(kinds=("distinct",), dtypes=(*FLOATS, "float32"), many=False, keepdim=False, descending=(True, False)))  # noqa: E501
rows("sort", arrays(dtypes=(*FLOATS, "int64"), kinds=("ties",)).flatmap(lambda x: st.tuples(st.just((x,)), st.fixed_dictionaries({"stable": st.just(True)}, optional={"dim": dims(len(x.shape)), "descending": st.booleans()}))))  # noqa: E501


@st.composite
def topk(draw):
    """A tensor, how many, and of which dimension."""
    x = draw(arrays(dtypes=(*FLOATS, "float32"), kinds=("distinct",)))
    dim = draw(dims(len(x.shape)))
    size = x.shape[dim] if -len(x.shape) <= dim < len(x.shape) else 1
    return (x, draw(st.integers(0, size + rarely(draw))), dim), draw(pick(largest=(True, False)))


rows("topk", topk())
rows("unique", unary(kinds=("ties",), dtypes=(*FLOATS, "int64", "bool"), return_inverse=(True, False), return_counts=(True, False)))  # noqa: E501
rows("bincount", arrays(dtypes=("int64", "int32", "int64", "float32"), kinds=("positive",), low=1, high=1).map(lambda x: ((x,), {})))  # noqa: E501

# ---------------------------------------------------------------------------------------------------- products


@st.composite
def products(draw, left=(1, 4), right=(1, 4), batch=True):
    """Two operands of a matrix product, of so many dimensions; rarely of sizes or dtypes that do not fit."""
    M, K, N = draw(st.tuples(*[st.sampled_from((2, 3, 5, 1, 0))] * 3))
    common = draw(shapes(0, 2)) if batch is True else batch or ()
    a, b = draw(st.integers(*left)), draw(st.integers(*right))
    lead = {"a": common, "b": common}
    if batch is True:
        lead = {name: tuple(1 if draw(st.integers(0, 4)) == 0 else n for n in common) for name in "ab"}
        lead = {name: lead[name][max(len(common) - (n - 2), 0) :] for name, n in (("a", a), ("b", b))}
    K2 = K + 1 if rarely(draw) else K
    first = (K,) if a == 1 else (*lead["a"], M, K)
    second = (K2,) if b == 1 else (*lead["b"], K2, N)
    dtype = draw(st.sampled_from((*FLOATS, "float32", "int64")))
    other = "float64" if rarely(draw) else dtype
    return (draw(arrays(first, (dtype,))), draw(arrays(second, (other,)))), {}


rows("matmul", products())
rows("mm", products((1, 3), (2, 2), None))
rows("operator.matmul", products(), function=lambda t, a, b: a @ b)
rows("bmm", st.sampled_from(((3,), (1,), (0,))).flatmap(lambda b: products((2, 3), (3, 3), b)))
rows("dot", products((1, 1), (1, 2), None))
rows("outer", products((1, 1), (1, 2), None))

# ---------------------------------------------------------------------------------------------------- shapes


@st.composite
def new_shape(draw, shape, minus=True):
    """Another shape of as many elements, perhaps with a -1; rarely one that does not fit."""
    rest, result = int(np.prod(shape)), []
    for factor in (2, 3, 5):
        while rest and rest % factor == 0 and draw(st.booleans()):
            result.append(factor)
            rest //= factor
    result = draw(st.permutations([*result, rest]))
    if minus and draw(st.booleans()):
        result[draw(st.integers(0, len(result) - 1))] = -1
    if rarely(draw):
        result[0] += 1
    return tuple(result)


rows("fastgrok.reshape", with_arguments(lambda s: new_shape(s).map(lambda x: (x,))))
rows("Tensor.reshape Tensor.view", with_arguments(lambda s: unpacked(new_shape(s))))
rows("Tensor.reshape_as Tensor.view_as", with_arguments(lambda s: new_shape(s, minus=False).filter(lambda x: all(n >= 0 for n in x)).flatmap(lambda x: st.tuples(arrays(x)))))  # noqa: E501
rows("flatten", with_arguments(lambda s: st.tuples(dims(len(s)), dims(len(s))) | st.just(())))
rows("unsqueeze", with_dim(extra=1))
rows("squeeze", reduction(keepdim=False))
rows("fastgrok.permute", with_arguments(lambda s: st.permutations(range(len(s))).map(lambda p: (tuple(p),))))
rows("Tensor.permute", with_arguments(lambda s: unpacked(st.permutations(range(len(s)))), low=1))
rows("transpose swapaxes", with_arguments(lambda s: st.tuples(dims(len(s)), dims(len(s)))))
rows("movedim", with_arguments(lambda s: st.tuples(dims(len(s)), dims(len(s)))))
rows("t", unary())
rows("Tensor.T", unary(kinds=("normal",)), function=lambda t, x: x.T if x.ndim == 2 else x)
rows("Tensor.mT", unary())
rows("flip", with_arguments(lambda s: unpacked(st.lists(dims(len(s)), max_size=3, unique=True))))
ROWS["fastgrok.flip"] = Row("fastgrok.flip", with_arguments(lambda s: st.tuples(st.lists(dims(len(s)), max_size=3, unique=True).map(tuple))))  # noqa: E501
rows("roll", with_arguments(lambda s: st.tuples(st.integers(-4, 4), dims(len(s))), low=1))
rows("tril triu", with_arguments(lambda s: st.tuples(st.integers(-3, 3)), low=1))


def stretched(s):
    """Sizes that s can be expanded to: new dimensions in front, other sizes instead of 1, and -1."""
    sizes = st.tuples(*[st.sampled_from((n, -1, n)) if n != 1 else st.sampled_from((1, 3, -1, 0)) for n in s])
    return unpacked(st.tuples(st.lists(st.sampled_from((2, 1, 3)), max_size=2), sizes).map(lambda x: (*x[0], *x[1])) | shapes())  # noqa: E501


rows("Tensor.expand", with_arguments(stretched, low=1))
rows("Tensor.expand_as", with_arguments(lambda s: (shapes() | st.just((2, *s))).flatmap(lambda t: st.tuples(arrays(t)))))
rows("Tensor.repeat", with_arguments(lambda s: unpacked(st.lists(st.integers(0, 3), min_size=len(s), max_size=4)), low=1))  # noqa: E501
rows("fastgrok.tile", with_arguments(lambda s: st.tuples(st.lists(st.integers(0, 3), max_size=4).map(tuple))))
rows("Tensor.tile", with_arguments(lambda s: unpacked(st.lists(st.integers(0, 3), max_size=4))))
rows("repeat_interleave", with_arguments(lambda s: st.tuples(st.integers(-1, 3), dims(len(s))) | st.tuples(st.integers(0, 3))))  # noqa: E501
rows("narrow", with_arguments(lambda s: st.tuples(dims(len(s)), st.integers(-3, 4), st.integers(-1, 4))))
rows("select", with_arguments(lambda s: st.tuples(dims(len(s)), st.integers(-4, 4))))
rows("split", with_arguments(lambda s: st.tuples(st.integers(-1, 4) | st.lists(st.integers(0, 3), max_size=3), dims(len(s)))))  # noqa: E501
rows("chunk", with_arguments(lambda s: st.tuples(st.integers(0, 4), dims(len(s)))))
rows("unbind", with_dim())
rows("unflatten", with_arguments(lambda s: st.tuples(dims(len(s)), new_shape(s[:1])), low=1))
rows("Tensor.size", with_dim())


@st.composite
def several(draw, join):
    """Tensors to join, most of the time of shapes that fit, and the dimension."""
    first = draw(arrays(dtypes=ANY, low=join == "cat"))
    dim = draw(dims(len(first.shape) + (join == "stack")))
    parts = [first]
    for _ in range(draw(st.integers(0, 2))):
        shape = list(first.shape)
        if rarely(draw, 12):
            shape = [*shape, 2]
        elif join == "cat" and -len(shape) <= dim < len(shape):
            shape[dim] = draw(st.integers(0, 3))
        parts.append(draw(arrays(tuple(shape), ANY)))
    return ([], dim) if rarely(draw, 30) else (draw(st.sampled_from((list, tuple)))(parts), dim)


rows("cat concat concatenate", several("cat").map(lambda a: (a, {})))
rows("stack", several("stack").map(lambda a: (a, {})))
rows("fastgrok.meshgrid", st.lists(arrays(low=1, high=1, dtypes=("float32",)), min_size=1, max_size=3).map(lambda a: (tuple(a), {"indexing": "ij"})))  # noqa: E501

# ---------------------------------------------------------------------------------------------------- indices


@st.composite
def gathering(draw, source=False, number=False, op=False):
    """A tensor, a dimension, ids along it, and (`source`) what to put there."""
    x = draw(arrays(dtypes=ANY if not source else NUMBERS, kinds=("normal",)))
    ndim = len(x.shape)
    dim = draw(dims(ndim))
    size = (x.shape or (1,))[dim] if -max(ndim, 1) <= dim < max(ndim, 1) else 1
    shape = [draw(st.integers(0, n)) for n in x.shape]
    if ndim and -ndim <= dim < ndim:
        shape[dim] = draw(st.integers(0, 4))
    if rarely(draw, 15):
        shape = [*shape, 1]
    index = draw(ids(tuple(shape), size)) if size else draw(arrays(tuple(shape), ("int64",), kinds=((0, 1),)))
    arguments = [x, dim, index]
    if source:
        larger = tuple(n + draw(st.integers(0, 1)) for n in shape)
        src = arrays(larger, (x.dtype,) * 6 + ("float64",))
        arguments.append(draw(st.sampled_from((1.5, 2)) if number and draw(st.booleans()) else src))
    return tuple(arguments), {}


rows("gather", gathering())
rows("take_along_dim", gathering().filter(lambda a: a[0][2].dtype == "int64" and len(a[0][2].shape) == len(a[0][0].shape)).map(lambda a: ((a[0][0], a[0][2], a[0][1]), {})))  # noqa: E501


def unique_places(case):
    """Whether no place is written twice: PyTorch leaves open which value stays."""
    x, dim, index = case[0][:3]
    values = index.make()
    axis = dim if values.ndim and -values.ndim <= dim < values.ndim else 0
    ordered = np.sort(np.atleast_1d(values), axis=axis)
    return values.size < 2 or not (np.diff(ordered, axis=axis) == 0).any()


rows("scatter Tensor.scatter_", gathering(source=True, number=True).filter(unique_places))
rows("scatter_add Tensor.scatter_add_", gathering(source=True))


@st.composite
def slices_of(draw, source=False):
    """A tensor, a dimension, ids of its slices (N,), and (`source`) what to add to them."""
    x = draw(arrays(dtypes=NUMBERS if source else ANY))
    dim = draw(dims(len(x.shape)))
    valid = x.shape and -len(x.shape) <= dim < len(x.shape)
    count = draw(st.sampled_from((2, 1, 3, 0)))
    shape = draw(st.sampled_from(((count,),) * 9 + ((), (2, 2))))
    index = draw(ids(shape, x.shape[dim] if valid else 1, dtypes=("int64", "int64", "int32")))
    if not source:
        return (x, dim, index), {}
    wanted = list(x.shape)
    if valid:
        wanted[dim] = count + rarely(draw, 12)
    return (x, dim, index, draw(arrays(tuple(wanted), (x.dtype,)))), draw(pick(alpha=(2, -1)))


rows("index_select", slices_of())
rows("index_add Tensor.index_add_", slices_of(source=True).filter(lambda a: 0 not in a[0][0].shape))


@st.composite
def masked(draw, value=True):
    """A tensor, a mask that broadcasts to it, and a number or a 0-d tensor."""
    x = draw(arrays(dtypes=(*FLOATS, "float32", "int64", "bool")))
    mask = draw(arrays(draw(fitting(x.shape)), ("bool",) * 9 + ("float32",), grad=False))
    if not value:
        return (x, mask), {}
    filling = st.sampled_from((2, 0, -1.5)) | arrays((), (x.dtype, "float32")) | arrays((2,), (x.dtype,))
    return (x, mask, draw(filling)), {}


rows("masked_fill Tensor.masked_fill_", masked())
rows("masked_select", masked(value=False))
rows("nonzero", unary(kinds=("ties",), as_tuple=(True, False)))


@st.composite
def indices(draw):
    """A tensor and an index: numbers, slices, None, Ellipsis, arrays of whole numbers and masks, alone or together."""
    x = draw(arrays(dtypes=("float32", "float64", "int64"), low=1))
    parts, axis = [], 0
    while axis < len(x.shape) + rarely(draw, 25) and draw(st.integers(0, 5)):
        size = x.shape[axis] if axis < len(x.shape) else 1
        kind = draw(st.sampled_from(("number", "slice", "slice", "ids", "list", "mask", "none", "dots", "odd")))
        axis += 1
        if kind == "number":
            parts.append(draw(st.integers(-size, max(size - 1, 0))) if not rarely(draw) else size + 2)
        elif kind == "slice":
            limit = st.none() | st.integers(-size - 1, size + 1)
            parts.append(slice(draw(limit), draw(limit), draw(st.sampled_from((None, 1, 2, 3) + (-1, 0) * rarely(draw, 4)))))
        elif kind == "ids":
            shape = draw(st.sampled_from(((2,), (1,), (3,), (), (2, 1), (0,))))
            parts.append(draw(ids(shape, size, negative=True, dtypes=("int64", "int32"))) if size else slice(None))
        elif kind == "list":
            parts.append(draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=2)) if size else slice(None))
        elif kind == "mask":
            many = draw(st.integers(1, 2))
            shape = tuple(n + rarely(draw, 20) for n in x.shape[axis - 1 : axis - 1 + many]) or (1,)
            parts.append(draw(arrays(shape, ("bool",))))
            axis += len(shape) - 1
        elif kind == "none":
            parts.append(None)
            axis -= 1
        elif kind == "dots" and Ellipsis not in parts:
            parts.append(Ellipsis)
        elif kind == "odd" and rarely(draw, 4):
            parts.append(draw(st.sampled_from((0.5, "a", True, False))))
    return x, parts[0] if len(parts) == 1 and draw(st.booleans()) else tuple(parts)


def assign(library, x, index, value):
    """Assign to a part of a copy, in the graph where there is one."""
    x = x.clone()
    x[index] = value
    return x


def add_to(library, x, index, value):
    """Add to a part of a copy in place."""
    x = x * 1
    x[index] += value
    return x


rows("operator.getitem", indices().map(lambda a: (a, {})), function=lambda t, x, index: x[index])
values = st.sampled_from((2, 0.5)) | arrays((), ("float32",)) | arrays((2,), ("float32",)) | arrays((1, 1), ("float64",))
rows("operator.setitem", st.tuples(indices(), values).map(lambda a: ((*a[0], a[1]), {})).filter(lambda a: "int" not in str(a[0][1])), function=assign)  # noqa: E501
rows("operator.setitem_add", st.tuples(indices(), st.sampled_from((2, 1.5))).map(lambda a: ((*a[0], a[1]), {})), function=add_to)  # noqa: E501
rows("operator.contains", st.tuples(arrays(kinds=("ties",)), st.integers(-3, 3)).map(lambda a: (a, {})), function=lambda t, x, y: y in x)

# ---------------------------------------------------------------------------------------------------- conversion


@st.composite
def conversions(draw):
    """A tensor, and a dtype, a device, both, or another tensor."""
    x = draw(arrays(dtypes=ANY))
    dtype = draw(dtypes(*ANY, "int8", "int16", "bool"))
    form = draw(st.sampled_from(((dtype,), ("cpu",), ("cpu", dtype), (draw(arrays(dtypes=ANY)),), (None,), ("nowhere",))))
    return (x, *form), draw(pick(copy=(True, False)))


rows("Tensor.to", conversions())
rows("Tensor.type", st.tuples(arrays(dtypes=ANY), dtypes(*ANY)).map(lambda a: (a, {})))
rows("Tensor.type_as", st.tuples(arrays(dtypes=ANY), arrays(dtypes=ANY)).map(lambda a: (a, {})))
rows("Tensor.fill_", st.tuples(arrays(dtypes=ANY), st.sampled_from((2, 1.5, True)) | arrays(high=1, dtypes=ANY)).map(lambda a: (a, {})))  # noqa: E501
rows("Tensor.copy_", with_arguments(lambda s: st.tuples(fitting(s).flatmap(lambda f: arrays(f, ANY))), dtypes=ANY))


def one_dtype(drawn):
    """The same call with all tensors as float64."""
    return tuple(dataclasses.replace(x, dtype="float64") for x in drawn[0]), drawn[1]


rows("Tensor.addcmul_ Tensor.addcdiv_", with_arguments(lambda s: st.tuples(fitting(s).flatmap(arrays), arrays(s, kinds=("positive",))), dtypes=FLOATS).map(one_dtype))  # noqa: E501
rows("Tensor.lerp_", with_arguments(lambda s: st.tuples(arrays(s), st.sampled_from((0.0, 0.3, 1.0))), dtypes=FLOATS))
rows("Tensor.requires_grad_", unary(requires_grad=(True, False)))
rows("Tensor.detach_", unary())
rows("operator.array", unary(), function=lambda t, x: np.asarray(x.detach()))
rows("operator.deepcopy", unary(), function=lambda t, x: copy.deepcopy(x))
rows("operator.pickle", unary(), function=lambda t, x: pickle.loads(pickle.dumps(x)))
rows("operator.format", unary(kinds=("ties",), dtypes=("float32", "int64", "bool"), high=2), function=lambda t, x: str(x.detach()).replace("torch.", ""))  # noqa: E501

# ---------------------------------------------------------------------------------------------------- creation

made = {"dtype": dtypes("float32", "float64", "int64", "bool")}
float_made = {"dtype": dtypes("float32", "float64")}
any_shape = unpacked(shapes(0, 3) | shapes(0, 3) | st.just((2, -1)))


def creation(arguments, **options):
    """Arguments that are no tensors, and options."""
    return st.tuples(arguments, pick(**options))


rows("fastgrok.zeros fastgrok.ones", creation(any_shape, requires_grad=(True, False), **float_made))
rows("fastgrok.empty", creation(any_shape, **made), values=False)
rows("fastgrok.full", creation(st.tuples(shapes(), st.sampled_from((2, 2.5, True))), **made))
rows("fastgrok.eye", creation(st.lists(st.integers(-1, 4), min_size=1, max_size=2).map(tuple), **made))
rows("fastgrok.arange", creation(st.lists(st.sampled_from((0, 1, 2, 5, -1, 0.5, 7.25)), min_size=1, max_size=3).map(tuple), **float_made))  # noqa: E501
rows("fastgrok.linspace", creation(st.tuples(st.sampled_from((0, 1.5, -2)), st.sampled_from((3, -1.25)), st.integers(-1, 6)), **float_made))  # noqa: E501
rows("fastgrok.zeros_like fastgrok.ones_like", unary(**made))
rows("fastgrok.empty_like", unary(**made), values=False)
rows("fastgrok.full_like", st.tuples(st.tuples(arrays(dtypes=ANY), st.sampled_from((2, 2.5, True))), pick(**made)))
numbers = st.integers(-4, 4) | st.booleans() | st.sampled_from((0.5, 2.25))
nested = numbers | arrays(dtypes=ANY).map(lambda x: x.make().tolist()) | st.just([[1], [1, 2]]) | st.lists(numbers)
rows("fastgrok.tensor fastgrok.as_tensor", creation(st.tuples(nested | st.just("a") | arrays(dtypes=ANY)), **made))
rows("fastgrok.from_numpy", st.builds(lambda x: ((x.make(),), {}), arrays(dtypes=(*ANY, "float16", "uint16")[:-2])))
rows("fastgrok.Tensor", st.tuples(shapes(1, 3).filter(lambda s: 0 in s) | st.tuples(st.lists(st.sampled_from((0.5, 2)), max_size=3)), st.just({})))  # noqa: E501
rows("fastgrok.is_tensor", unary())
other_first_argument("is_tensor from_numpy tensor as_tensor meshgrid cat stack concat concatenate where result_type result_type full eye")  # noqa: E501
other_first_argument("zeros ones empty arange linspace Tensor rand randn")

rows("fastgrok.rand fastgrok.randn", creation(any_shape, **float_made), values=False)
rows("fastgrok.rand_like fastgrok.randn_like", unary(dtypes=FLOATS), values=False)
rows("fastgrok.randint", creation(st.tuples(st.integers(-2, 2), st.integers(0, 5), shapes()), **float_made), values=False)
rows("fastgrok.randint_like", st.tuples(st.tuples(arrays(dtypes=ANY), st.integers(1, 3)), st.just({})), values=False)
rows("fastgrok.randperm", creation(st.tuples(st.integers(0, 9))), values=False)
rows("fastgrok.normal", creation(st.tuples(st.just(0.0), st.just(2.0), shapes())), values=False)
rows("bernoulli", st.tuples(st.tuples(arrays(dtypes=FLOATS, kinds=("probability", "wide"), grad=False)), st.just({})), values=False)
rows("Tensor.bernoulli_ Tensor.normal_", unary(dtypes=FLOATS), values=False)
rows("Tensor.uniform_", unary(dtypes=FLOATS), values=False)
rows("multinomial", with_arguments(lambda s: st.tuples(st.integers(-1, 4), st.booleans()), dtypes=FLOATS, kinds=("positive", "normal"), low=1), values=False)  # noqa: E501
