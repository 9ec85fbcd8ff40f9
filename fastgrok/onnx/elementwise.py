"""Arithmetic and activations as ONNX nodes."""

import math
from typing import Any

from .. import ops
from .graph import EMITTERS, Call, Graph, emits

#: Ops that are a node by the same inputs.
NODES: dict[type[ops.Op], str] = {
    ops.Abs: "Abs",
    ops.Add: "Add",
    ops.Ceil: "Ceil",
    ops.Clone: "Identity",
    ops.Cos: "Cos",
    ops.Div: "Div",
    ops.Exp: "Exp",
    ops.Floor: "Floor",
    ops.Log: "Log",
    ops.MatMul: "MatMul",
    ops.Maximum: "Max",
    ops.Minimum: "Min",
    ops.Mul: "Mul",
    ops.Neg: "Neg",
    ops.Pow: "Pow",
    ops.ReLU: "Relu",
    ops.Sigmoid: "Sigmoid",
    ops.Sign: "Sign",
    ops.Sin: "Sin",
    ops.Sqrt: "Sqrt",
    ops.Sub: "Sub",
    ops.Tanh: "Tanh",
}


def _node(kind: str) -> Any:
    return lambda graph, call: graph.add(kind, *[call.input(k) for k in range(call.count)])


EMITTERS.update({op: _node(kind) for op, kind in NODES.items()})


def _number(graph: Graph, call: Call, value: float) -> str:
    """Return a number of the dtype of the op's input."""
    return graph.constant(value, call.dtype)


@emits(ops.Cast)
def _cast(graph: Graph, call: Call) -> str:
    return graph.cast(call.input(0), call.setting("dtype"))


@emits(ops.OuterProduct)
def _outer(graph: Graph, call: Call) -> str:
    return graph.add("Mul", graph.unsqueeze(call.input(0), 1), call.input(1))


@emits(ops.Clamp, ops.Hardtanh)
def _clamp(graph: Graph, call: Call) -> str:
    low, high = (call.setting(name) for name in ("low", "high"))
    return graph.add("Clip", call.input(0), *["" if v is None else _number(graph, call, v) for v in (low, high)])


@emits(ops.LeakyReLU)
def _leaky_relu(graph: Graph, call: Call) -> str:
    return graph.add("LeakyRelu", call.input(0), alpha=float(call.setting("slope")))


@emits(ops.ELU)
def _elu(graph: Graph, call: Call) -> str:
    return graph.add("Elu", call.input(0), alpha=float(call.setting("alpha")))


@emits(ops.GELU)
def _gelu(graph: Graph, call: Call) -> str:
    x = call.input(0)
    erf = graph.add("Erf", graph.add("Mul", x, _number(graph, call, math.sqrt(0.5))))
    return _half_of(graph, call, x, erf)


@emits(ops.TanhGELU)
def _tanh_gelu(graph: Graph, call: Call) -> str:
    x = call.input(0)
    cube = graph.add("Mul", graph.add("Mul", x, x), x)
    inner = graph.add("Add", x, graph.add("Mul", cube, _number(graph, call, ops.TanhGELU.CUBIC)))
    tanh = graph.add("Tanh", graph.add("Mul", inner, _number(graph, call, ops.TanhGELU.SLOPE)))
    return _half_of(graph, call, x, tanh)


def _half_of(graph: Graph, call: Call, x: str, y: str) -> str:
    """x (1 + y) / 2."""
    weight = graph.add("Add", y, _number(graph, call, 1))
    return graph.add("Mul", graph.add("Mul", x, weight), _number(graph, call, 0.5))


@emits(ops.SiLU)
def _silu(graph: Graph, call: Call) -> str:
    x = call.input(0)
    return graph.add("Mul", x, graph.add("Sigmoid", x))


@emits(ops.Softplus)
def _softplus(graph: Graph, call: Call) -> str:
    x, beta = call.input(0), _number(graph, call, call.setting("beta"))
    scaled = graph.add("Mul", x, beta)
    smooth = graph.add("Div", graph.add("Softplus", scaled), beta)
    linear = graph.add("Greater", scaled, _number(graph, call, call.setting("threshold")))
    return graph.add("Where", linear, x, smooth)


@emits(ops.LogSigmoid)
def _log_sigmoid(graph: Graph, call: Call) -> str:
    return graph.add("Neg", graph.add("Softplus", graph.add("Neg", call.input(0))))


@emits(ops.Where)
def _where(graph: Graph, call: Call) -> str:
    condition = graph.setting_name(call, "condition")
    return graph.add("Where", condition, call.input(0), call.input(1))


@emits(ops.Softmax)
def _softmax(graph: Graph, call: Call) -> str:
    return graph.add("Softmax", call.input(0), axis=call.setting("dim"))


@emits(ops.LogSoftmax)
def _log_softmax(graph: Graph, call: Call) -> str:
    return graph.add("LogSoftmax", call.input(0), axis=call.setting("dim"))


@emits(ops.Dropout)
def _dropout(graph: Graph, call: Call) -> Any:
    if call.setting("p") == 0:
        return graph.add("Identity", call.input(0))
    raise call.cannot("dropout that is active in evaluation cannot be exported")
