"""Shapes, indices, reductions and products as ONNX nodes."""

import itertools
import math

import numpy as np

from .. import ops
from ..ops.base import normalise_axes, normalise_axis
from .elementwise import NODES
from .graph import Call, Graph, emits
from .tracing import Ref

_END = np.iinfo(np.int64).max
_BEFORE_START = np.iinfo(np.int64).min


# ------------------------------------------------------------------------------------------------ products


@emits(ops.Linear)
def _linear(graph: Graph, call: Call) -> str:
    x, weight, *bias = (call.input(k) for k in range(call.count))
    if len(call.shape()) == 2:
        return graph.add("Gemm", x, weight, *bias, transB=1)
    y = graph.add("MatMul", x, graph.add("Transpose", weight, perm=[1, 0]))
    return graph.add("Add", y, *bias) if bias else y


@emits(ops.LinearReLU)
def _linear_relu(graph: Graph, call: Call) -> str:
    return graph.add("Relu", _linear(graph, call))


@emits(ops.Dense)
def _dense(graph: Graph, call: Call) -> str:
    if call.setting("p"):
        raise call.cannot("dropout that is active in evaluation cannot be exported")
    return graph.add(NODES[call.setting("activation")], _linear(graph, call))


@emits(ops.Embedding)
def _embedding(graph: Graph, call: Call) -> str:
    return graph.add("Gather", call.input(0), call.input(1), axis=0)


@emits(ops.Attention)
def _attention(graph: Graph, call: Call) -> str:
    if call.setting("p"):
        raise call.cannot(f"dropout_p={call.setting('p')} in evaluation, expected 0")
    q, k, v, *mask = (call.input(number) for number in range(call.count))
    ndim = len(call.shape(1))
    scaled = graph.add("Mul", q, graph.constant(call.setting("scale"), call.dtype))
    scores = graph.add("MatMul", scaled, graph.add("Transpose", k, perm=[*range(ndim - 2), ndim - 1, ndim - 2]))
    weights = graph.add("Softmax", graph.add("Add", scores, *mask) if mask else scores, axis=-1)
    if mask:  # a query without any key gets zeros
        weights = graph.add("Where", graph.add("IsNaN", weights), graph.constant(0, call.dtype), weights)
    return graph.add("MatMul", weights, v)


@emits(ops.Heads)
def _heads(graph: Graph, call: Call) -> list[str]:
    parts, heads = call.setting("parts"), call.setting("heads")
    # In Reshape 0 keeps a size.
    x = graph.add("Reshape", call.input(0), graph.integers(0, 0, parts, heads, call.shape()[2] // (parts * heads)))
    x = graph.add("Transpose", x, perm=[2, 0, 3, 1, 4] if call.setting("batch_first") else [2, 1, 3, 0, 4])
    return [graph.add("Gather", x, graph.constant(part, np.int64), axis=0) for part in range(parts)]


@emits(ops.Watch)
def _watch(graph: Graph, call: Call) -> list[str]:
    return [graph.add("Identity", call.input(k)) for k in range(call.count)]


# ------------------------------------------------------------------------------------------------ shapes


@emits(ops.Reshape)
def _reshape(graph: Graph, call: Call) -> str:
    return graph.add("Reshape", call.input(0), graph.shape(call.result_axes(), guess=True))


@emits(ops.Permute)
def _permute(graph: Graph, call: Call) -> str:
    ndim = len(call.shape())
    return graph.add("Transpose", call.input(0), perm=[axis % ndim for axis in call.setting("dims")])


@emits(ops.Expand)
def _expand(graph: Graph, call: Call) -> str:
    before, after = call.axes(), call.result_axes()
    new = len(after) - len(before)
    kept = (1,) * len(graph.traces)
    # 1 leaves an axis as it is, so that only those that are repeated need a size.
    sizes = [kept if i >= new and before[i - new] == size else size for i, size in enumerate(after)]
    return graph.add("Expand", call.input(0), graph.shape(sizes))


@emits(ops.Cat)
def _cat(graph: Graph, call: Call) -> str:
    return graph.add("Concat", *[call.input(k) for k in range(call.count)], axis=call.setting("dim"))


@emits(ops.Stack)
def _stack(graph: Graph, call: Call) -> str:
    axis = normalise_axis("stack", call.setting("dim"), len(call.shape()) + 1)
    return graph.add("Concat", *[graph.unsqueeze(call.input(k), axis) for k in range(call.count)], axis=axis)


@emits(ops.Flip)
def _flip(graph: Graph, call: Call) -> str:
    axes = [normalise_axis("flip", axis, len(call.shape())) for axis in call.setting("dims")]
    return _slice(graph, call.input(0), [(axis, -1, _BEFORE_START, -1) for axis in axes])


@emits(ops.Roll)
def _roll(graph: Graph, call: Call) -> str:
    """The two parts that change places; the place of the cut depends on the size, which may differ between runs."""
    axis, x = normalise_axis("roll", call.setting("dim"), len(call.shape())), call.input(0)
    size, back = graph.length(call.axes()[axis]), graph.integers(-call.setting("shift"))
    # Nothing at all has no place to cut at, and cannot be divided by.
    cut, along = graph.add("Mod", back, graph.add("Max", size, graph.integers(1))), graph.integers(axis)
    parts = [graph.add("Slice", x, *places, along) for places in ((cut, size), (graph.integers(0), cut))]
    return graph.add("Concat", *parts, axis=axis)


def _slice(graph: Graph, x: str, ranges: list[tuple[int, int, int, int]]) -> str:
    """Cut along axes: (axis, start, end, step) each."""
    if not ranges:
        return x
    axes, starts, ends, steps = zip(*ranges, strict=True)
    return graph.add("Slice", x, *[graph.integers(*numbers) for numbers in (starts, ends, axes, steps)])


# ------------------------------------------------------------------------------------------------ indices


@emits(ops.Unbind)
def _unbind(graph: Graph, call: Call) -> list[str]:
    axis = normalise_axis("unbind", call.setting("dim"), len(call.shape()))
    return [
        graph.add("Gather", call.input(0), graph.constant(i, np.int64), axis=axis) for i in range(call.shape()[axis])
    ]


@emits(ops.Split)
def _split(graph: Graph, call: Call) -> list[str]:
    axis, ends = call.setting("dim"), [0, *itertools.accumulate(call.setting("sizes"))]
    return [_slice(graph, call.input(0), [(axis, *place, 1)]) for place in itertools.pairwise(ends)]


@emits(ops.Index)
def _index(graph: Graph, call: Call) -> str:
    """Slices first, then numbers and an array, which take elements along one axis each, then new axes."""
    parts = call.settings("index")[0]
    parts = list(parts) if isinstance(parts, tuple) and not isinstance(parts, Ref) else [parts]
    arrays = [part for part in parts if isinstance(part, Ref)]
    if any(isinstance(part, bool) or (isinstance(part, Ref) and _array(graph, part)[1].kind == "b") for part in parts):
        raise call.cannot("a mask selects as many elements as it has, which is not known before")
    if not arrays or arrays[0].kind == "constant":
        call.setting("index")
    if Ellipsis not in parts:
        parts.append(Ellipsis)
    place = parts.index(Ellipsis)
    missing = len(call.shape()) - sum(part is not None and part is not Ellipsis for part in parts)
    parts[place : place + 1] = [slice(None)] * missing

    x = call.input(0)
    ranges, taken, axis = [], [], 0
    for part in parts:
        if part is None:
            continue
        if isinstance(part, slice):
            step = 1 if part.step is None else part.step
            if step < 1:
                raise call.cannot(f"a slice with step {step}")
            if part != slice(None):
                ranges.append((axis, part.start or 0, _END if part.stop is None else part.stop, step))
        else:
            taken.append((axis, part))
        axis += 1
    if len(arrays) > 1 or (arrays and len(taken) > 1):
        raise call.cannot("an index of several arrays, or of an array and numbers")
    x = _slice(graph, x, ranges)
    for axis, part in reversed(taken):  # from behind: axes in front keep their numbers
        index = graph.name([part]) if isinstance(part, Ref) else graph.constant(part, np.int64)
        x = graph.add("Gather", x, index, axis=axis)
    new = _new_axes(graph, parts)
    return graph.unsqueeze(x, *new) if new else x


def _new_axes(graph: Graph, parts: list) -> list[int]:
    """Return where, in the result, the Nones of an index stand."""
    new, axis = [], 0
    for part in parts:
        if part is None:
            new.append(axis)
            axis += 1
        elif isinstance(part, slice):
            axis += 1
        elif isinstance(part, Ref):
            axis += _array(graph, part)[0]
    return new


def _array(graph: Graph, ref: Ref) -> tuple[int, np.dtype]:
    """Return the number of dimensions and the dtype of an array in an index."""
    if ref.kind == "value":
        step = graph.traces[0].steps[ref.key[0]]
        return len(step.results[ref.key[1]]), step.dtypes[ref.key[1]]
    array = ref.key if ref.kind == "constant" else graph.tensors[ref.key]
    return array.ndim, array.dtype


@emits(ops.Gather)
def _gather(graph: Graph, call: Call) -> str:
    if not call.shape():
        return graph.add("Identity", call.input(0))
    return graph.add("GatherElements", call.input(0), graph.setting_name(call, "index"), axis=call.setting("dim"))


# ------------------------------------------------------------------------------------------------ reductions


def _over(call: Call, name: str) -> tuple[tuple[int, ...], bool]:
    """Return the axes that are reduced, and whether they stay."""
    return normalise_axes(name, call.setting("dim"), len(call.shape())), call.setting("keepdim")


@emits(ops.Sum)
def _sum(graph: Graph, call: Call) -> str:
    x = call.input(0) if call.dtype.kind == "f" else graph.cast(call.input(0), np.int64)
    return graph.reduce("ReduceSum", x, *_over(call, "sum"))


@emits(ops.Mean)
def _mean(graph: Graph, call: Call) -> str:
    return graph.reduce("ReduceMean", call.input(0), *_over(call, "mean"))


@emits(ops.Amax)
def _amax(graph: Graph, call: Call) -> str:
    return graph.reduce("ReduceMax", call.input(0), *_over(call, "amax"))


@emits(ops.Amin)
def _amin(graph: Graph, call: Call) -> str:
    return graph.reduce("ReduceMin", call.input(0), *_over(call, "amin"))


@emits(ops.Var)
def _var(graph: Graph, call: Call) -> str:
    x, (axes, keepdim) = call.input(0), _over(call, "var")
    correction, sizes = call.setting("correction"), [call.axes()[axis] for axis in axes]
    if correction and any(len(set(size)) > 1 for size in sizes):
        raise call.cannot(f"a variance over a dynamic axis with correction={correction}, expected 0")
    deviation = graph.add("Sub", x, graph.reduce("ReduceMean", x, axes, True))
    square = graph.add("Mul", deviation, deviation)
    if not correction:
        return graph.reduce("ReduceMean", square, axes, keepdim)
    divisor = graph.constant(max(math.prod(size[0] for size in sizes) - correction, 0), call.dtype)
    return graph.add("Div", graph.reduce("ReduceSum", square, axes, keepdim), divisor)


@emits(ops.LogSumExp)
def _log_sum_exp(graph: Graph, call: Call) -> str:
    x, (axes, keepdim) = call.input(0), _over(call, "logsumexp")
    largest = graph.reduce("ReduceMax", x, axes, True)
    sums = graph.reduce("ReduceSum", graph.add("Exp", graph.add("Sub", x, largest)), axes, True)
    y = graph.add("Add", graph.add("Log", sums), largest)
    return y if keepdim or not axes else graph.squeeze(y, *axes)


@emits(ops.CumSum)
def _cumsum(graph: Graph, call: Call) -> str:
    x = call.input(0) if call.dtype.kind == "f" else graph.cast(call.input(0), np.int64)
    return graph.add("CumSum", x, graph.constant(call.setting("dim"), np.int64))


@emits(ops.PNorm)
def _norm(graph: Graph, call: Call) -> str:
    if call.setting("p") != 2 or not call.shape():
        raise call.cannot(f"p={call.setting('p')}, expected 2 and at least one dimension")
    x, axis = call.input(0), normalise_axis("norm", call.setting("dim"), len(call.shape()))
    return graph.add("Sqrt", graph.reduce("ReduceSum", graph.add("Mul", x, x), (axis,), call.setting("keepdim")))
