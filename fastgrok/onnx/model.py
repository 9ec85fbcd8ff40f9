"""`export`: from a model and an example of its inputs to an ONNX file."""

import inspect
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import __version__
from ..nn import Module
from ..tensor import Tensor
from ..training.files import write_atomically
from . import arrays, elementwise, layers  # noqa: F401 - they enter their ops into the table
from .graph import Graph, helpers
from .tracing import Ref, Trace, compare, trace

OPSETS = range(13, 22)


def export(
    model: Module,
    args: Any,
    f: Any,
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_axes: Mapping[str, Mapping[int, str] | Sequence[int]] | None = None,
    opset_version: int = 17,
) -> None:
    """Write a model as an ONNX file that calculates what the model does in evaluation.

    The model runs on `args`, and what it calculates is written down: branches of its Python code are those that were
    taken, loops are unrolled, and sizes are those of the example, except along `dynamic_axes`. It runs again with other
    numbers and with dynamic axes one longer, so that what would be wrong for other inputs is an error, not a wrong
    file. Parameters and buffers keep the names of the `state_dict`. Arguments are PyTorch's.

    Parameters
    ----------
    model : Module
        Its mode (training or evaluation), parameters and buffers are afterwards what they were.
    args : Tensor or tuple
        Example inputs. Tensors, also those in tuples such as the state of an LSTM, are inputs of the ONNX model; all
        else is passed as it is.
    f : str, path or binary file
        Where to write. A file of this name is replaced only when everything has succeeded.
    input_names, output_names : sequence of str, optional
        Names of the tensors in `args` and in the result, in order. Without them the names of the parameters of
        `forward`, and "output".
    dynamic_axes : dict, optional
        Which axes of an input have any size: `{"input": {0: "batch"}}`, or `{"input": [0]}`. Axes of one name have one
        size. Those of outputs follow; if outputs are mentioned, it is for the names of their axes.
    opset_version : int
        The version of ONNX's set of operators, from 13 to 21.

    Raises
    ------
    NotImplementedError
        When the model uses an op that has no counterpart, calculates beside the graph (with NumPy, or in place where
        that is not recorded), or depends on a dynamic axis in a way that cannot be expressed.
    ModuleNotFoundError
        When the package onnx is missing: `pip install 'fastgrok[onnx]'`.
    TypeError, ValueError
        When arguments make no sense.

    Examples
    --------
    >>> import fastgrok, io
    >>> model = fastgrok.nn.Sequential(fastgrok.nn.Linear(3, 4), fastgrok.nn.ReLU())
    >>> file = io.BytesIO()
    >>> export(model, fastgrok.zeros(2, 3), file, dynamic_axes={"input": {0: "batch"}})
    >>> import onnx
    >>> [node.op_type for node in onnx.load_from_string(file.getvalue()).graph.node]
    ['Gemm', 'Relu']
    """
    if not isinstance(model, Module):
        raise TypeError(f"export: model is {type(model).__name__}, expected a Module")
    if opset_version not in OPSETS:
        raise ValueError(f"export: opset_version={opset_version}, expected one from {OPSETS[0]} to {OPSETS[-1]}")
    onnx = helpers()
    args = tuple(args) if isinstance(args, tuple | list) else (args,)
    found: dict[str, np.ndarray] = {}
    for position, default in enumerate(_parameter_names(model, len(args))):
        _find(default, args[position], found)
    inputs = _renamed("input_names", input_names, list(found.values()), list(found))
    if not inputs:
        raise ValueError("export: args hold no tensor, expected at least one")
    symbols = _symbols(dynamic_axes or {}, inputs)
    tensors = {name: t.array for name, t in [*model.named_parameters(), *model.named_buffers()]}
    traces = _traces(model, args, inputs, symbols)
    outputs = _renamed("output_names", output_names, traces[0].results, _numbered("output", len(traces[0].results)))
    unknown = [name for name in dynamic_axes or {} if name not in inputs and name not in outputs]
    if unknown:
        raise ValueError(f"export: dynamic_axes names {unknown[0]!r}, expected one of {[*inputs, *outputs]}")
    taken = [name for name in (*inputs, *outputs) if name in tensors or (name in inputs and name in outputs)]
    if taken:
        raise ValueError(f"export: {taken[0]!r} is also the name of a parameter or an input, expected another name")
    graph = Graph(traces, symbols, {**tensors, **inputs}, opset_version)
    proto = _assemble(onnx, graph, inputs, list(outputs), dynamic_axes or {}, type(model).__name__)
    onnx.checker.check_model(proto, full_check=True)
    _write(f, proto.SerializeToString())


# ------------------------------------------------------------------------------------------------ names


def _parameter_names(model: Module, count: int) -> list[str]:
    """Return the names of the first `count` arguments of the model's forward."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in inspect.signature(model.forward).parameters.values() if p.kind in kinds]
    return [names[k] if k < len(names) else f"input_{k}" for k in range(count)]


def _numbered(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}_{k}" for k in range(count)]


def _find(name: str, argument: Any, found: dict[str, np.ndarray]) -> None:
    """Enter all tensors in an argument, by name."""
    if isinstance(argument, Tensor):
        found[name] = argument.array
    elif isinstance(argument, tuple | list):
        for k, part in enumerate(argument):
            _find(f"{name}_{k}", part, found)


def _renamed(argument: str, names: Sequence[str] | None, values: list, defaults: list[str]) -> dict[str, Any]:
    names = defaults if names is None else list(names)
    if len(names) != len(values) or len(set(names)) != len(names):
        raise ValueError(f"export: {argument}={names}, expected {len(values)} different names")
    return dict(zip(names, values, strict=True))


def _symbols(dynamic_axes: Mapping[str, Any], inputs: dict[str, np.ndarray]) -> dict[str, list[tuple[str, int]]]:
    """Return the dynamic axes of the inputs: per name all places, (input, axis)."""
    symbols: dict[str, list[tuple[str, int]]] = {}
    for name, array in inputs.items():
        for axis, symbol in _axis_names(name, dynamic_axes.get(name, {})).items():
            if not -array.ndim <= axis < array.ndim:
                raise ValueError(f"export: dynamic_axes has axis {axis} of {name!r}, which has shape {array.shape}")
            symbols.setdefault(symbol, []).append((name, axis % array.ndim))
    for symbol, places in symbols.items():
        sizes = {inputs[name].shape[axis] for name, axis in places}
        if len(sizes) > 1 or 0 in sizes:
            raise ValueError(f"export: the dynamic axis {symbol!r} has the sizes {sorted(sizes)}, expected one, not 0")
    return symbols


def _axis_names(name: str, axes: Any) -> dict[int, str]:
    """Return the names of dynamic axes, also of those that are given without."""
    if isinstance(axes, Mapping):
        return dict(axes)
    return {axis: f"{name}_dynamic_axes_{k + 1}" for k, axis in enumerate(axes)}


# ------------------------------------------------------------------------------------------------ runs


def _traces(
    model: Module, args: tuple, inputs: dict[str, np.ndarray], symbols: dict[str, list[tuple[str, int]]]
) -> list[Trace]:
    """Run the example, then, to compare with it, other numbers and each dynamic axis one longer."""

    def call(tensors: list[Tensor]) -> list[Tensor]:
        waiting = list(tensors)
        return _results(model(*_replaced(args, waiting)))

    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        example = trace(model, call, inputs)
        traces = [example]
        reason = "for other numbers in the inputs"
        other = _attempt(model, call, {name: _other_numbers(array) for name, array in inputs.items()}, reason)
        compare(example, other, reason, exact=True)
        for symbol, places in symbols.items():
            grown = dict(inputs)
            for name, axis in places:
                array = grown[name]
                grown[name] = np.concatenate([array, array.take([0], axis=axis)], axis=axis)
            reason = f"when the dynamic axis {symbol!r} is longer"
            traces.append(_attempt(model, call, grown, reason))
            compare(example, traces[-1], reason, exact=False)
    finally:
        for module, training in modes:
            module.training = training
    return traces


def _attempt(model: Module, call: Any, inputs: dict[str, np.ndarray], reason: str) -> Trace:
    """Run the model on inputs that were made up."""
    try:
        return trace(model, call, inputs)
    except NotImplementedError:
        raise
    except Exception as error:
        raise NotImplementedError(f"export: the model fails {reason}: {error}") from error


def _replaced(argument: Any, tensors: list[Tensor]) -> Any:
    """Return an argument with the next of `tensors` in place of each tensor."""
    if isinstance(argument, Tensor):
        return tensors.pop(0)
    if isinstance(argument, tuple | list):
        return type(argument)([_replaced(part, tensors) for part in argument])
    return argument


def _results(result: Any) -> list[Tensor]:
    """Return the tensors in a result."""
    if isinstance(result, Tensor):
        return [result]
    if type(result) in (tuple, list):
        return [tensor for part in result for tensor in _results(part)]
    if result is None:
        return []
    raise NotImplementedError(f"export: the model returns {type(result).__name__}, expected tensors or tuples of them")


def _other_numbers(array: np.ndarray) -> np.ndarray:
    """Return an array like this one with other numbers; whole numbers stay within their range."""
    turned = np.flip(array.reshape(-1)).reshape(array.shape)
    if array.dtype.kind == "f":
        return (0.1 - 0.7 * turned).astype(array.dtype)
    if not np.array_equal(turned, array) or not array.size:
        return turned
    least = array.reshape(-1)[:1].min()
    return ~turned if array.dtype.kind == "b" else np.where(turned > least, turned, 0).astype(array.dtype)


# ------------------------------------------------------------------------------------------------ assembly


def _assemble(
    onnx: Any,
    graph: Graph,
    inputs: dict[str, np.ndarray],
    outputs: list[str],
    dynamic_axes: Mapping[str, Any],
    name: str,
) -> Any:
    """Return the model as ONNX's ModelProto."""
    example = graph.traces[0]
    for index in _needed(example):
        graph.emit(index)
    results = [graph.name([trace.results[k] for trace in graph.traces]) for k in range(len(outputs))]
    made = {output: node for node in graph.nodes for output in node.output}
    renamed: dict[str, str] = {}
    for result, output in zip(results, outputs, strict=True):
        if result in made and result not in renamed:
            renamed[result] = output
        else:
            graph.nodes.append(onnx.helper.make_node("Identity", [result], [output], output))
    for node in graph.nodes:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]

    value = onnx.helper.make_tensor_value_info
    dims: dict[str, list] = {name: list(array.shape) for name, array in inputs.items()}
    for symbol, places in graph.symbols.items():
        for input_name, axis in places:
            dims[input_name][axis] = symbol
    declared = [value(name, graph.type(array.dtype), dims[name]) for name, array in inputs.items()]
    promised = []
    for k, output in enumerate(outputs):
        axes = zip(*[trace.shapes[k] for trace in graph.traces], strict=True)
        given = _axis_names(output, dynamic_axes.get(output, {}))
        given = {axis % max(len(example.shapes[k]), 1): symbol for axis, symbol in given.items()}
        shape = [_dimension(graph, sizes, given.get(axis, f"{output}_{axis}")) for axis, sizes in enumerate(axes)]
        promised.append(value(output, graph.type(example.dtypes[k]), shape))

    opsets = [onnx.helper.make_opsetid("", graph.opset)]
    proto = onnx.helper.make_graph(graph.nodes, name, declared, promised, list(graph.initializers.values()))
    return onnx.helper.make_model(
        proto,
        producer_name="fastgrok",
        producer_version=__version__,
        opset_imports=opsets,
        ir_version=onnx.helper.find_min_ir_version_for(opsets),  # the oldest, which most programs read
    )


def _dimension(graph: Graph, sizes: tuple[int, ...], name: str) -> int | str:
    """Return a size of an output: a number, the dynamic axis that it equals, or a name of its own."""
    if len(set(sizes)) == 1:
        return sizes[0]
    grown = [size - sizes[0] for size in sizes[1:]]
    for k, symbol in enumerate(graph.symbols):
        if sizes[0] == graph.size_of(symbol) and grown == [int(k == other) for other in range(len(grown))]:
            return symbol
    return name


def _needed(example: Trace) -> list[int]:
    """Return the steps that results depend on, in order."""
    needed: set[int] = set()
    waiting: list[Any] = list(example.results)
    while waiting:
        part = waiting.pop()
        if isinstance(part, Ref):
            if part.kind == "value" and part.key[0] not in needed:
                needed.add(part.key[0])
                step = example.steps[part.key[0]]
                waiting += [*step.reads, *step.static.values()]
        elif isinstance(part, tuple | list):
            waiting += part
    return sorted(needed)


def _write(f: Any, data: bytes) -> None:
    """Write to an open file, or to a file that replaces the one of that name when it is complete."""
    if hasattr(f, "write"):
        f.write(data)
    else:
        write_atomically(os.fspath(f), data)
