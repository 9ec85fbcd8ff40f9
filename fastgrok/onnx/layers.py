"""Convolution, pooling, normalisation and recurrent layers as ONNX nodes."""

import math
from typing import Any

import numpy as np

from .. import ops
from .graph import Call, Graph, emits

# ------------------------------------------------------------------------------------------------ images


def _images(graph: Graph, call: Call, dims: int, kind: str, *others: str, **attributes: Any) -> str:
    """Add a node that works on batches; a single image becomes a batch of one meanwhile."""
    x, single = call.input(0), len(call.shape()) == dims + 1
    y = graph.add(kind, graph.unsqueeze(x, 0) if single else x, *others, **attributes)
    return graph.squeeze(y, 0) if single else y


@emits(ops.Conv)
def _conv(graph: Graph, call: Call) -> str:
    stride, padding = call.setting("stride"), call.setting("padding")
    return _images(
        graph,
        call,
        len(stride),
        "Conv",
        *[call.input(k) for k in range(1, call.count)],
        kernel_shape=call.shape(1)[2:],
        strides=stride,
        pads=[before for before, _ in padding] + [after for _, after in padding],
        dilations=call.setting("dilation"),
        group=call.setting("groups"),
    )


@emits(ops.ConvTranspose)
def _conv_transpose(graph: Graph, call: Call) -> str:
    stride = call.setting("stride")
    return _images(
        graph,
        call,
        len(stride),
        "ConvTranspose",
        *[call.input(k) for k in range(1, call.count)],
        kernel_shape=call.shape(1)[2:],
        strides=stride,
        pads=call.setting("padding") * 2,
        output_padding=call.setting("output_padding"),
        dilations=call.setting("dilation"),
        group=call.setting("groups"),
    )


def _windows(call: Call, dims: int, dilation: tuple[int, ...]) -> dict[str, list[int]] | None:
    """Return kernel_shape, strides, pads and dilations that give the windows of a pooling op; None for whole images.

    An op knows its windows by their bounds only. Raises `NotImplementedError` when they are not equally far apart, or
    of different sizes.
    """
    runs = [[bounds.key for bounds in windows] for windows in call.settings("windows")]
    lengths = call.axes()[-dims:]
    if all(
        len(bounds) == 1 and bounds[0, 0] == 0 and bounds[0, 1] == lengths[axis][run] and dilation[axis] == 1
        for run, windows in enumerate(runs)
        for axis, bounds in enumerate(windows)
    ):
        return None
    found = [_axis(call, [windows[axis] for windows in runs], lengths[axis], dilation[axis]) for axis in range(dims)]
    kernel, stride, before, after = (list(numbers) for numbers in zip(*found, strict=True))
    return {"kernel_shape": kernel, "strides": stride, "pads": before + after}


def _axis(call: Call, runs: list[np.ndarray], lengths: tuple[int, ...], dilation: int) -> tuple[int, int, int, int]:
    """Return kernel size, stride and padding on both sides for the windows along one axis."""
    reaches = {int(reach) for bounds in runs for reach in bounds[:, 1] - bounds[:, 0]}
    steps = {int(step) for bounds in runs for step in np.diff(bounds[:, 0])}
    starts = {int(bounds[0, 0]) for bounds in runs}
    if len(reaches) > 1 or len(steps) > 1 or len(starts) > 1:
        raise call.cannot("windows of different sizes: adaptive pooling needs a fixed size that it divides evenly")
    (reach,), before = reaches, -starts.pop()
    if not steps and len(set(lengths)) > 1:
        raise call.cannot("a single window along a dynamic axis; export a larger example")
    stride = steps.pop() if steps else reach
    counts = [len(bounds) for bounds in runs]

    def fits(after: int) -> bool:
        return counts == [(length + before + after - reach) // stride + 1 for length in lengths]

    # As much after as before, unless there are windows beyond, which depend on the length.
    beyond = max(0, (counts[0] - 1) * stride + reach - lengths[0] - before)
    for after in (before, beyond):
        if fits(after) and (after == before or len(set(lengths)) == 1):
            return (reach - 1) // dilation + 1, stride, before, after
    raise call.cannot("ceil_mode along a dynamic axis")


@emits(ops.MaxPool)
def _max_pool(graph: Graph, call: Call) -> str:
    dims = len(call.settings("windows")[0])
    dilation = call.setting("dilation")[:dims]
    if call.setting("return_indices"):
        raise call.cannot("return_indices=True: ONNX counts indices in another way")
    windows = _windows(call, dims, dilation)
    if windows is None:
        y = _images(graph, call, dims, "GlobalMaxPool")
    else:
        y = _images(graph, call, dims, "MaxPool", **windows, dilations=list(dilation))
    return graph.add("Relu", y) if call.setting("relu") else y


@emits(ops.AvgPool)
def _avg_pool(graph: Graph, call: Call) -> str:
    dims = len(call.settings("windows")[0])
    windows, divisor = _windows(call, dims, (1,) * dims), call.setting("divisor_override")
    if windows is None and divisor is None:
        return _images(graph, call, dims, "GlobalAveragePool")
    if windows is None:
        raise call.cannot(f"divisor_override={divisor} for a single window")
    counted, pads = call.setting("count_include_pad"), windows["pads"]
    if counted and divisor is None and pads[:dims] != pads[dims:]:
        raise call.cannot("count_include_pad=True with ceil_mode=True, where a window reaches beyond the padding")
    y = _images(graph, call, dims, "AveragePool", **windows, count_include_pad=int(counted or divisor is not None))
    if divisor is None:
        return y
    return graph.add("Mul", y, graph.constant(math.prod(windows["kernel_shape"]) / divisor, call.dtype))


# ------------------------------------------------------------------------------------------------ normalisation


@emits(ops.BatchNorm)
def _batch_norm(graph: Graph, call: Call) -> str:
    if call.setting("mean") is None:
        raise call.cannot("batch norm without running statistics cannot be exported")
    statistics = (graph.setting_name(call, name) for name in ("mean", "var"))
    tensors = [call.input(k) for k in range(3)]
    return graph.add("BatchNormalization", *tensors, *statistics, epsilon=float(call.setting("eps")))


@emits(ops.LayerNorm)
def _layer_norm(graph: Graph, call: Call) -> str:
    x, weight, bias = (call.input(k) for k in range(3))
    ndim, axes, eps = len(call.shape()), len(call.setting("normalized_shape")), float(call.setting("eps"))
    if graph.opset >= 17:
        return graph.add("LayerNormalization", x, weight, bias, axis=ndim - axes, epsilon=eps)
    over = tuple(range(ndim - axes, ndim))
    deviation = graph.add("Sub", x, graph.reduce("ReduceMean", x, over, True))
    variance = graph.reduce("ReduceMean", graph.add("Mul", deviation, deviation), over, True)
    scale = graph.add("Sqrt", graph.add("Add", variance, graph.constant(eps, call.dtype)))
    return graph.add("Add", graph.add("Mul", graph.add("Div", deviation, scale), weight), bias)


@emits(ops.GroupNorm)
def _group_norm(graph: Graph, call: Call) -> str:
    """Groups are the channels of an instance norm; ONNX has group norm with weights of channels from opset 21 only."""
    x, groups, ndim = call.input(0), call.setting("groups"), len(call.shape())
    ones, zeros = (graph.constant(np.full(groups, value), call.dtype) for value in (1, 0))
    # In Reshape 0 keeps a size.
    rows = graph.add("Reshape", x, graph.integers(0, groups, -1))
    rows = graph.add("InstanceNormalization", rows, ones, zeros, epsilon=float(call.setting("eps")))
    y = graph.add("Reshape", rows, graph.add("Shape", x))
    weight, bias = (graph.unsqueeze(call.input(k), *range(1, ndim - 1)) if ndim > 2 else call.input(k) for k in (1, 2))
    return graph.add("Add", graph.add("Mul", y, weight), bias)


# ------------------------------------------------------------------------------------------------ recurrent layers

#: Per op: the node, the order in which it wants our gates, its settings, the states, and whether x is a single step.
RECURRENT: dict[type[ops.Op], tuple[str, tuple[int, ...], dict[str, Any], int, bool]] = {
    ops.RNN: ("RNN", (0,), {"activations": ["Tanh"]}, 1, False),
    ops.ReLURNN: ("RNN", (0,), {"activations": ["Relu"]}, 1, False),
    ops.GRU: ("GRU", (1, 0, 2), {"linear_before_reset": 1}, 1, False),  # r, z, n -> z, r, h
    ops.LSTM: ("LSTM", (0, 3, 1, 2), {}, 2, False),  # i, f, g, o -> i, o, f, c
    ops.RNNCell: ("RNN", (0,), {"activations": ["Tanh"]}, 1, True),
    ops.ReLURNNCell: ("RNN", (0,), {"activations": ["Relu"]}, 1, True),
    ops.GRUCell: ("GRU", (1, 0, 2), {"linear_before_reset": 1}, 1, True),
    ops.LSTMCell: ("LSTM", (0, 3, 1, 2), {}, 2, True),
}


@emits(*RECURRENT)
def _recurrent(graph: Graph, call: Call) -> Any:
    """A layer over a window: x (T, B, D), weights, states (B, H), biases; a cell has no T."""
    kind, order, settings, states, cell = RECURRENT[call.op]
    if call.steps[0].static.get("batch_sizes") is not None:
        raise call.cannot("packed sequences cannot be exported")
    H = call.shape(2)[1]
    rows = np.concatenate([np.arange(gate * H, (gate + 1) * H) for gate in order])

    def sorted_gates(k: int) -> str:
        return call.input(k) if len(order) == 1 else graph.add("Gather", call.input(k), graph.integers(*rows), axis=0)

    x = graph.unsqueeze(call.input(0), 0) if cell else call.input(0)
    weights = [graph.unsqueeze(sorted_gates(k), 0) for k in (1, 2)]
    has_bias = call.count > 3 + states
    bias = graph.add("Concat", *[sorted_gates(3 + states + k) for k in (0, 1)], axis=0) if has_bias else None
    given = range(3, 3 + states)
    begin = [] if all(call.zeros(k) for k in given) else [graph.unsqueeze(call.input(k), 0) for k in given]
    optional = [graph.unsqueeze(bias, 0) if bias else "", "", *begin]  # in between: lengths of sequences
    while optional and not optional[-1]:
        optional.pop()
    y, *last = graph.add_several(kind, 1 + states, x, *weights, *optional, hidden_size=H, **settings)
    if cell:
        last = [graph.squeeze(state, 0) for state in last]
        return last if states > 1 else last[0]
    return graph.squeeze(y, 1), *last
