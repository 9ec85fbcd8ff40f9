"""The graph that grows while ops are turned into ONNX nodes, and sizes that are known only when it runs."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops import Op
from .tracing import Ref, Step, Trace, same

#: How an op becomes nodes: a function of the graph and the call of an op, which returns the names of its results.
EMITTERS: dict[type[Op], Callable[["Graph", "Call"], Any]] = {}


def emits(*ops: type[Op]) -> Callable[[Callable], Callable]:
    """Enter a function into `EMITTERS` for some ops."""

    def enter(function: Callable) -> Callable:
        for op in ops:
            EMITTERS[op] = function
        return function

    return enter


def helpers() -> Any:
    """Return the package onnx; raises `ModuleNotFoundError` with the remedy where it is missing."""
    try:
        import onnx
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "onnx":
            raise
        message = "export needs the package onnx: pip install 'fastgrok[onnx]'"
        raise ModuleNotFoundError(message, name="onnx") from None
    return onnx


class Call:
    """One op of the model, in all runs: the first is the example, and in each other one an axis has grown."""

    def __init__(self, graph: "Graph", index: int):
        self.graph, self.index = graph, index
        self.steps: list[Step] = [trace.steps[index] for trace in graph.traces]

    @property
    def op(self) -> type[Op]:
        """The class of the op."""
        return self.steps[0].op

    @property
    def count(self) -> int:
        """How many tensors it reads."""
        return len(self.steps[0].reads)

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the first input."""
        return self.steps[0].dtype

    def input(self, k: int) -> str:
        """Return the name of input k."""
        return self.graph.name([step.reads[k] for step in self.steps])

    def shape(self, k: int = 0) -> tuple[int, ...]:
        """Return the shape of input k in the example."""
        return self.steps[0].shapes[k]

    def axes(self, k: int = 0) -> list[tuple[int, ...]]:
        """Return the sizes of each axis of input k, in all runs."""
        return list(zip(*[step.shapes[k] for step in self.steps], strict=True))

    def result_axes(self) -> list[tuple[int, ...]]:
        """Return the sizes of each axis of the result, in all runs."""
        return list(zip(*[step.results[0] for step in self.steps], strict=True))

    def zeros(self, k: int) -> bool:
        """Whether input k is a constant of zeros in all runs."""
        reads = [step.reads[k] for step in self.steps]
        return all(read.kind == "constant" and not read.key.any() for read in reads)

    def settings(self, name: str) -> list[Any]:
        """Return a static argument in all runs."""
        return [step.static[name] for step in self.steps]

    def setting(self, name: str) -> Any:
        """Return a static argument; raises `NotImplementedError` when it depends on a dynamic axis."""
        first, *others = self.settings(name)
        for other, symbol in zip(others, self.graph.symbols, strict=True):
            if not same(first, other):
                raise self.cannot(f"{name} depends on the dynamic axis {symbol!r}")
        return first

    def cannot(self, why: str) -> NotImplementedError:
        """Return the error for an op that cannot be exported as it is called here."""
        shapes = ", ".join(map(str, self.steps[0].shapes))
        return NotImplementedError(f"export: step {self.index + 1}, {self.op.__name__} of shapes {shapes}: {why}")


class Graph:
    """Nodes and initializers, and what is known of the runs of the model.

    `tensors` are parameters, buffers and the example's inputs. `symbols` are the names of the dynamic axes, each with all its places, (input, axis); in run k + 1 the k-th of them
    has grown by one.
    """

    def __init__(
        self, traces: list[Trace], symbols: dict[str, list[tuple[str, int]]], tensors: dict[str, np.ndarray], opset: int
    ):
        self.onnx = helpers()
        self.traces, self.symbols, self.tensors, self.opset = traces, symbols, tensors, opset
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self._values: dict[tuple[int, int], str] = {}
        self._constants: dict[tuple, str] = {}
        self._lengths: dict[tuple, str] = {}

    # ------------------------------------------------------------------------------------------------ nodes

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output and return the name of that."""
        return self.add_several(kind, 1, *inputs, **attributes)[0]

    def add_several(self, kind: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with several outputs and return their names."""
        name = f"/{kind}_{len(self.nodes)}"
        outputs = [name] if count == 1 else [f"{name}_{k}" for k in range(count)]
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), outputs, name, **attributes))
        return outputs

    def constant(self, array: Any, dtype: Any = None) -> str:
        """Return the name of an initializer with these numbers."""
        array = np.asarray(array, dtype)
        key = (array.shape, array.dtype.str, array.tobytes())
        if key not in self._constants:
            self._constants[key] = f"/constant_{len(self._constants)}"
            self._initializer(self._constants[key], array)
        return self._constants[key]

    def integers(self, *numbers: int) -> str:
        """Return the name of an int64 vector."""
        return self.constant(numbers, np.int64)

    def _initializer(self, name: str, array: np.ndarray) -> None:
        self.initializers[name] = self.onnx.numpy_helper.from_array(
            np.ascontiguousarray(array).reshape(array.shape), name
        )

    def unsqueeze(self, x: str, *axes: int) -> str:
        """Insert axes of size 1."""
        return self.add("Unsqueeze", x, self.integers(*axes))

    def squeeze(self, x: str, *axes: int) -> str:
        """Drop axes of size 1."""
        return self.add("Squeeze", x, self.integers(*axes))

    def reduce(self, kind: str, x: str, axes: tuple[int, ...], keepdim: bool) -> str:
        """Reduce over axes, as ReduceSum, ReduceMean, ReduceMax or ReduceMin. Over none of them, x itself."""
        if not axes:
            return x
        if kind == "ReduceSum" or self.opset >= 18:
            return self.add(kind, x, self.integers(*axes), keepdims=int(keepdim))
        return self.add(kind, x, axes=list(axes), keepdims=int(keepdim))

    # ------------------------------------------------------------------------------------------------ values

    def name(self, refs: list[Ref]) -> str:
        """Return the name of a value, given what it is in all runs."""
        ref = refs[0]
        if ref.kind == "value":
            return self._values[ref.key]
        if ref.kind == "constant":
            return self._constant_of_runs([ref.key for ref in refs])
        if ref.kind == "parameter" and ref.key not in self.initializers:
            self._initializer(ref.key, self.tensors[ref.key])
        return ref.key

    def setting_name(self, call: Call, name: str) -> str:
        """Return the name of an array that is a static argument."""
        return self.name(call.settings(name))

    def emit(self, index: int) -> None:
        """Add the nodes of one step. Raises `NotImplementedError` where an op has none."""
        call = Call(self, index)
        if call.op not in EMITTERS:
            raise call.cannot("this op cannot be exported")
        names = EMITTERS[call.op](self, call)
        for output, name in enumerate([names] if isinstance(names, str) else names):
            self._values[index, output] = name

    def _constant_of_runs(self, arrays: list[np.ndarray]) -> str:
        """Return the name of a constant whose shape may depend on dynamic axes, if its numbers follow from that."""
        first = arrays[0]
        if all(same(first, array) for array in arrays):
            return self.constant(first)
        axes = list(zip(*[array.shape for array in arrays], strict=True))
        if first.size and all((array == first.flat[0]).all() for array in arrays):
            value = self.onnx.numpy_helper.from_array(first.reshape(-1)[:1])
            return self.add("ConstantOfShape", self.shape(axes), value=value)
        if first.ndim == 1 and all(same(array, np.arange(len(array), dtype=first.dtype)) for array in arrays):
            zero, one = self.constant(0, np.int64), self.constant(1, np.int64)
            numbers = self.add("Range", zero, self.squeeze(self.length(axes[0]), 0), one)
            return self.cast(numbers, first.dtype)
        symbol = self._changed(next(sizes for sizes in axes if len(set(sizes)) > 1)) if first.shape else "?"
        raise NotImplementedError(
            f"export: a constant of shape {first.shape} depends on the dynamic axis {symbol!r}: only zeros, ones and "
            "other repeated numbers, and arange(n), can follow it"
        )

    def cast(self, x: str, dtype: Any) -> str:
        """Convert to another dtype."""
        return self.add("Cast", x, to=self.type(dtype))

    def type(self, dtype: Any) -> int:
        """Return ONNX's number of a dtype."""
        return self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    # ------------------------------------------------------------------------------------------------ sizes

    def shape(self, axes: list[tuple[int, ...]], guess: bool = False) -> str:
        """Return the name of an int64 vector of sizes, given in all runs.

        With `guess` one size that differs between runs becomes -1, which Reshape works out by itself.
        """
        changing = [k for k, sizes in enumerate(axes) if len(set(sizes)) > 1]
        if not changing:
            return self.integers(*[sizes[0] for sizes in axes])
        if guess and len(changing) == 1:
            return self.integers(*[-1 if k in changing else sizes[0] for k, sizes in enumerate(axes)])
        lengths = [self.length(sizes) for sizes in axes]
        return lengths[0] if len(lengths) == 1 else self.add("Concat", *lengths, axis=0)

    def length(self, sizes: tuple[int, ...]) -> str:
        """Return the name of one size as a vector of one number; raises where it is no product of dynamic axes."""
        if len(set(sizes)) == 1:
            return self.integers(sizes[0])
        factor, symbols = self.product(sizes)
        if sizes not in self._lengths:
            result = None if factor == 1 else self.integers(factor)
            for symbol in symbols:
                name, axis = self.symbols[symbol][0]
                size = self.add("Gather", self.add("Shape", name), self.integers(axis), axis=0)
                result = size if result is None else self.add("Mul", result, size)
            assert result is not None
            self._lengths[sizes] = result
        return self._lengths[sizes]

    def product(self, sizes: tuple[int, ...]) -> tuple[int, list[str]]:
        """Return a size as a number times dynamic axes."""
        first, *grown = sizes
        symbols = [symbol for symbol, size in zip(self.symbols, grown, strict=True) if size != first]
        lengths = {symbol: self.size_of(symbol) for symbol in symbols}
        factor, rest = divmod(first, math.prod(lengths.values()) or 1)
        expected = {symbol: first // max(n, 1) * (n + 1) for symbol, n in lengths.items()}
        if rest or any(expected.get(s, first) != size for s, size in zip(self.symbols, grown, strict=True)):
            raise NotImplementedError(
                f"export: a size of {first} depends on the dynamic axis {self._changed(sizes)!r}, "
                "and is no multiple of it"
            )
        return factor, symbols

    def size_of(self, symbol: str) -> int:
        """Return the size of a dynamic axis in the example."""
        name, axis = self.symbols[symbol][0]
        return self.traces[0].inputs[name][axis]

    def _changed(self, sizes: tuple[int, ...]) -> str:
        return next(symbol for symbol, size in zip(self.symbols, sizes[1:], strict=True) if size != sizes[0])
