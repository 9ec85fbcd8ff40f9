"""Which ops a model calculates, and on what: one run of the model, written down.

A run knows no Python: branches have been taken, loops are unrolled, and what NumPy did by itself looks like a constant.
So a model is run several times, and `compare` finds what differs between runs that should be alike.
"""

import inspect
import threading
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import autograd
from ..ops import Clone, Op
from ..tensor import Tensor

_lock = threading.Lock()

#: Static arguments that say nothing of the result: another way to the same, and what looks at gradients.
_ASIDE = ("gathered", "see")


class Ref(NamedTuple):
    """What an op reads: an "input" or a "parameter" by name, a "value" (step, output), or a "constant" array."""

    kind: str
    key: Any


class Step(NamedTuple):
    """One op of a run: its class, what it read, its static arguments, and the arrays' shapes and dtypes."""

    op: type[Op]
    reads: tuple[Ref, ...]
    static: dict[str, Any]
    shapes: tuple[tuple[int, ...], ...]  # of what it read
    results: tuple[tuple[int, ...], ...]  # the shapes of what it made
    dtypes: tuple[np.dtype, ...]  # of what it made
    dtype: np.dtype  # of the first thing that it read


class Trace(NamedTuple):
    """A run: steps in order, what the results of the model are, their shapes and dtypes, and the inputs' shapes."""

    steps: list[Step]
    results: list[Ref]
    shapes: list[tuple[int, ...]]
    dtypes: list[np.dtype]
    inputs: dict[str, tuple[int, ...]]


class Recorder:
    """What `autograd.apply` calls in place of an op's forward, while a model is traced.

    A variable is known by the op that made it, or where it has none by its array, which must not have changed since.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._thread = threading.get_ident()
        self._ops: dict[int, tuple[Op, int]] = {}  # an op and its step; kept, so that no other has its id
        self._leaves: dict[int, tuple[Op, Ref]] = {}  # ops that made inputs
        self._arrays: dict[int, tuple[np.ndarray, int, Ref]] = {}

    def add_leaf(self, variable: autograd.Variable, ref: Ref) -> None:
        """Make an input or a parameter known."""
        if variable.op is not None:
            self._leaves[id(variable.op)] = variable.op, ref
        self._add_array(variable.array, ref)

    def __call__(self, op: Op, variables: tuple[autograd.Variable, ...], static: dict[str, Any]) -> Any:
        """Calculate an op and write it down."""
        if threading.get_ident() != self._thread:
            return op.forward(*[v.array for v in variables], **static)
        reads = tuple([self.ref(v) for v in variables])
        settings = {**_defaults(type(op), len(variables)), **{k: self._static(v) for k, v in static.items()}}
        result = op.forward(*[v.array for v in variables], **static)
        several = type(result) is tuple
        arrays = tuple([np.asarray(array) for array in (result if several else (result,))])
        for output, array in enumerate(arrays):
            self._add_array(array, Ref("value", (len(self.steps), output)))
        self._ops[id(op)] = op, len(self.steps)
        shapes, dtypes = tuple([array.shape for array in arrays]), tuple([array.dtype for array in arrays])
        before = tuple([v.array.shape for v in variables])
        self.steps.append(Step(type(op), reads, settings, before, shapes, dtypes, variables[0].array.dtype))
        return arrays if several else arrays[0]

    def ref(self, variable: autograd.Variable) -> Ref:
        """Return what a variable is; a constant if nothing is known of it."""
        if variable.op is not None:
            if id(variable.op) in self._ops:
                return Ref("value", (self._ops[id(variable.op)][1], variable.output))
            if id(variable.op) in self._leaves:
                return self._leaves[id(variable.op)][1]
        return self._array(variable.array)

    def _add_array(self, array: np.ndarray, ref: Ref) -> None:
        self._arrays[id(array)] = array, _checksum(array), ref

    def _array(self, array: np.ndarray) -> Ref:
        if id(array) not in self._arrays:
            return Ref("constant", array.copy())
        _, checksum, ref = self._arrays[id(array)]
        if checksum != _checksum(array):
            raise NotImplementedError(
                f"export: a tensor of shape {array.shape} was changed in place where the graph does not see it; "
                "calculate a new one instead, x = x + 1 in place of x += 1"
            )
        return ref

    def _static(self, value: Any) -> Any:
        """Return a static argument with refs in place of the arrays."""
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, tuple | list):
            return tuple([self._static(part) for part in value])
        return value


def _checksum(array: np.ndarray) -> int:
    return zlib.crc32(array.tobytes())


def _defaults(op: type[Op], count: int) -> dict[str, Any]:
    """Return the default values of an op's settings, beyond its first `count` arguments."""
    parameters = list(inspect.signature(op.forward).parameters.values())[1:]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        parameters = [p for p in parameters if p.kind is p.KEYWORD_ONLY or p.default is not p.empty]
    else:
        parameters = parameters[count:]
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def trace(model: Any, call: Callable[[list[Any]], list[Tensor]], arrays: dict[str, np.ndarray]) -> Trace:
    """Run a model on inputs, by name, and return what it calculated.

    `call` passes tensors to the model and returns its results as a list. Everything requires a gradient meanwhile:
    then changes in place are recorded, and nothing takes a short cut beside the graph.
    """
    parameters = [(n, p, p.requires_grad) for n, p in model.named_parameters()]
    with _lock:
        recorder, inputs = Recorder(), []
        for name, array in arrays.items():
            leaf = Tensor._from_array(array.copy(), requires_grad=array.dtype.kind == "f")
            variable = autograd.apply(Clone, leaf)  # no leaf: those may not be changed in place
            recorder.add_leaf(variable, Ref("input", name))
            inputs.append(variable)
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            recorder.add_leaf(tensor, Ref("parameter", name))
        try:
            for _, parameter, _ in parameters:
                parameter.requires_grad = parameter.array.dtype.kind == "f"
            autograd.tracer = recorder
            with autograd.enable_grad():
                results = call(inputs)
        finally:
            autograd.tracer = None
            for _, parameter, needed in parameters:
                parameter.requires_grad = needed
        refs = [recorder.ref(result) for result in results]
    shapes, dtypes = [r.array.shape for r in results], [r.array.dtype for r in results]
    return Trace(recorder.steps, refs, shapes, dtypes, {name: array.shape for name, array in arrays.items()})


def compare(a: Trace, b: Trace, reason: str, exact: bool) -> None:
    """Raise `NotImplementedError` if two runs differ: in their steps, and when `exact` also in constants and settings.

    `reason` says what differs between the two: the message ends with it.
    """
    for k, (mine, other) in enumerate(zip(a.steps, b.steps, strict=False)):
        where = f"export: step {k + 1}, {mine.op.__name__},"
        if mine.op is not other.op:
            raise NotImplementedError(f"{where} is {other.op.__name__} {reason}")
        if len(mine.results) != len(other.results):
            raise NotImplementedError(f"{where} makes {len(mine.results)} tensors, and others {reason}")
        for one, two in zip(mine.reads, other.reads, strict=False):
            if one.kind != two.kind or (one.kind != "constant" and one.key != two.key):
                raise NotImplementedError(f"{where} reads something else {reason}")
            if exact and not same(one, two):
                raise NotImplementedError(
                    f"{where} reads numbers of shape {one.key.shape} that differ {reason}: "
                    "they were calculated by what is no op and cannot be exported"
                )
        ranks = [[len(shape) for shape in step.shapes + step.results] for step in (mine, other)]
        if ranks[0] != ranks[1]:
            raise NotImplementedError(f"{where} has other dimensions {reason}")
        for name, setting in mine.static.items():
            if name not in _ASIDE and exact and not same(setting, other.static.get(name)):
                raise NotImplementedError(f"{where} has another {name} {reason}")
    if len(a.steps) != len(b.steps):
        raise NotImplementedError(f"export: {len(a.steps)} steps become {len(b.steps)} {reason}")
    alike = len(a.results) == len(b.results)
    for one, two in zip(a.results, b.results, strict=False):
        if one.kind != two.kind or not (same(one, two) if exact or one.kind != "constant" else True):
            alike = False
    if not alike:
        raise NotImplementedError(f"export: the results are not the same ops' {reason}")


def same(a: Any, b: Any) -> bool:
    """Whether two settings are equal, arrays within them included."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(same(one, two) for one, two in zip(a, b, strict=True))
    return type(a) is type(b) and bool(a == b)
