"""Rows for what rearranges and picks: shapes and indices."""

import dataclasses

import numpy as np
from hypothesis import strategies as st

from parity.draw import (
    ANY,
    FLOATS,
    NUMBERS,
    arrays,
    dims,
    fitting,
    ids,
    pick,
    rarely,
    reduction,
    shapes,
    unary,
    unpacked,
    with_arguments,
    with_dim,
)
from parity.table import ROWS, Row, rows

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
rows("Tensor.reshape", with_arguments(lambda s: unpacked(new_shape(s))))


def not_channels_last(drawn):
    """The same call with a tensor in the usual order: of one with channels last, `view` may be a copy in fastgrok."""
    (x, *arguments), keywords = drawn
    return (dataclasses.replace(x, layout="C" if x.layout == "F" else x.layout), *arguments), keywords


rows("Tensor.view", with_arguments(lambda s: unpacked(new_shape(s))).map(not_channels_last))
another_shape = with_arguments(
    lambda s: new_shape(s, minus=False).filter(lambda x: all(n >= 0 for n in x)).flatmap(lambda x: st.tuples(arrays(x)))
)
rows("Tensor.reshape_as", another_shape)
rows("Tensor.view_as", another_shape.map(not_channels_last))
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
ROWS["fastgrok.flip"] = Row(
    "fastgrok.flip", with_arguments(lambda s: st.tuples(st.lists(dims(len(s)), max_size=3, unique=True).map(tuple)))
)
rows("roll", with_arguments(lambda s: st.tuples(st.integers(-4, 4), dims(len(s))), low=1))
rows("tril triu", with_arguments(lambda s: st.tuples(st.integers(-3, 3)), low=1))


def stretched(s):
    """Sizes that s can be expanded to: new dimensions in front, other sizes instead of 1, and -1."""
    sizes = st.tuples(*[st.sampled_from((n, -1, n)) if n != 1 else st.sampled_from((1, 3, -1, 0)) for n in s])
    return unpacked(
        st.tuples(st.lists(st.sampled_from((2, 1, 3)), max_size=2), sizes).map(lambda x: (*x[0], *x[1])) | shapes()
    )


rows("Tensor.expand", with_arguments(stretched, low=1))
rows(
    "Tensor.expand_as", with_arguments(lambda s: (shapes() | st.just((2, *s))).flatmap(lambda t: st.tuples(arrays(t))))
)
rows(
    "Tensor.repeat", with_arguments(lambda s: unpacked(st.lists(st.integers(0, 3), min_size=len(s), max_size=4)), low=1)
)
rows("fastgrok.tile", with_arguments(lambda s: st.tuples(st.lists(st.integers(0, 3), max_size=4).map(tuple))))
rows("Tensor.tile", with_arguments(lambda s: unpacked(st.lists(st.integers(0, 3), max_size=4))))
rows(
    "repeat_interleave",
    with_arguments(lambda s: st.tuples(st.integers(-1, 3), dims(len(s))) | st.tuples(st.integers(0, 3))),
)
rows("narrow", with_arguments(lambda s: st.tuples(dims(len(s)), st.integers(-3, 4), st.integers(-1, 4))))
rows("select", with_arguments(lambda s: st.tuples(dims(len(s)), st.integers(-4, 4))))
rows(
    "split",
    with_arguments(lambda s: st.tuples(st.integers(-1, 4) | st.lists(st.integers(0, 3), max_size=3), dims(len(s)))),
)
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
rows(
    "fastgrok.meshgrid",
    st.lists(arrays(low=1, high=1, dtypes=("float32",)), min_size=1, max_size=3).map(
        lambda a: (tuple(a), {"indexing": "ij"})
    ),
)

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
rows(
    "take_along_dim",
    gathering()
    .filter(lambda a: a[0][2].dtype == "int64" and len(a[0][2].shape) == len(a[0][0].shape))
    .map(lambda a: ((a[0][0], a[0][2], a[0][1]), {})),
)


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
            parts.append(
                slice(draw(limit), draw(limit), draw(st.sampled_from((None, 1, 2, 3) + (-1, 0) * rarely(draw, 4))))
            )
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
values = (
    st.sampled_from((2, 0.5)) | arrays((), ("float32",)) | arrays((2,), ("float32",)) | arrays((1, 1), ("float64",))
)
rows(
    "operator.setitem",
    st.tuples(indices(), values).map(lambda a: ((*a[0], a[1]), {})).filter(lambda a: "int" not in str(a[0][1])),
    function=assign,
)
rows(
    "operator.setitem_add",
    st.tuples(indices(), st.sampled_from((2, 1.5))).map(lambda a: ((*a[0], a[1]), {})),
    function=add_to,
)
rows(
    "operator.contains",
    st.tuples(arrays(kinds=("ties",)), st.integers(-3, 3)).map(lambda a: (a, {})),
    function=lambda t, x, y: y in x,
)
