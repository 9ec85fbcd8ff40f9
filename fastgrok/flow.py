"""How gradients flow back: from op to op, latest first, until they have arrived at the leaves.

A graph is its ops: each knows for every input the leaf variable, or the op and its output, that the input's gradient
goes to. See `autograd` for how it came about.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .errors import ShapeError, StateError
from .ops.base import SHARED, Op, combined, copied, root_of
from .ops.gradients import Gradient, Rows
from .ops.in_place import update


def flow(roots: Iterable[tuple[Any, np.ndarray]], retain_graph: bool) -> dict[Any, Any]:
    """Send the gradients of `roots` through the graph and return what arrives at the leaves, before their hooks."""
    pending: dict[Op, list] = {}  # gradients of the outputs of ops that have not run yet
    leaves: dict[Any, Any] = {}
    heap: list[tuple[int, Op]] = []

    def send(source: Any, gradient: Any) -> None:
        """Add a gradient to what has arrived for a leaf or an op's output, and queue the op."""
        if type(source) is not tuple:
            leaves[source] = _sum(leaves[source], gradient) if source in leaves else gradient
            return
        op, output = source
        arrived = pending.get(op)
        if arrived is None:
            if op.sources is None:
                raise StateError(
                    "backward: a second time through the same graph, whose saved values are freed by now; "
                    "give retain_graph=True to the first call"
                )
            pending[op] = arrived = [None] * op.outputs
            heapq.heappush(heap, (-op.number, op))
        total = arrived[output]
        arrived[output] = gradient if total is None else _sum(total, gradient)

    for root, seed in roots:
        send(root if root.op is None else (root.op, root.output), seed)
    while heap:
        op = heapq.heappop(heap)[1]
        _run(op, pending.pop(op), retain_graph, send)
    return leaves


def _sum(a: Any, b: Any) -> Any:
    """Return the sum of two gradients."""
    if type(a) is np.ndarray and type(b) is np.ndarray:
        return combined(np.add, a, b)
    return a + b


def _run(op: Op, douts: list, retain_graph: bool, send: Callable[[Any, Any], None]) -> None:
    """Run one op's backward and send the results on; a function, so that nothing of it lives on while the next runs."""
    if op.saved:
        _check_versions(op)
    for i, dout in enumerate(douts):
        if type(dout) is not np.ndarray and dout is not None:
            if isinstance(dout, np.generic):  # NumPy turns 0-d arrays into numbers wherever it calculates
                douts[i] = np.asarray(dout)
            elif isinstance(dout, Gradient) and not op.accepts_structured:
                douts[i] = dout.dense()
    if op.hooks or op.retained:
        _call_hooks(op, douts)
    op.final = not (retain_graph or op.stateless)
    sources = op.sources
    gradients = op.backward(*douts)
    if not (retain_graph or op.stateless):
        op.__dict__.clear()
    for source, gradient in zip(sources, gradients, strict=False):  # type: ignore[arg-type]
        if source is not None and gradient is not None:
            send(source, gradient)


def _check_versions(op: Op) -> None:
    """Raise `StateError` if something that `op` saved has been changed in place since."""
    for storage, version in op.saved:
        if storage.version != version:
            raise StateError(
                f"backward: a value that {type(op).__name__} needs was modified by an in-place operation "
                f"(it is at version {storage.version}, expected version {version})"
            )


def _call_hooks(op: Op, douts: list) -> None:
    """Show complete gradients of an op's outputs to the hooks, and keep those that are to be retained."""
    for output, hooks in (op.hooks or {}).items():
        if douts[output] is not None:
            douts[output] = hooked(hooks, douts[output])
    for output, reference in (op.retained or {}).items():
        variable = reference()
        if variable is not None and douts[output] is not None:
            # A value of its own, whatever the gradient shares memory with.
            kept = np.array(_dense(douts[output]), order="C")
            variable._grad = variable._result_class._from_array(
                kept if variable._grad is None else variable.grad.array + kept
            )


def hooked(hooks: Sequence[tuple], gradient: Any) -> Any:
    """Pass a gradient through hooks."""
    for hook, cls in list(hooks):
        replaced = hook(cls._from_array(_dense(gradient)))
        if replaced is not None:
            array = np.asarray(getattr(replaced, "array", replaced))
            if array.shape != gradient.shape:
                raise ShapeError(f"hook: returned a gradient of shape {array.shape}, expected {gradient.shape}")
            gradient = array
    return gradient


def _dense(gradient: Any) -> np.ndarray:
    return gradient.dense() if isinstance(gradient, Gradient) else np.asarray(gradient)


def own(array: Any, dtype: np.dtype) -> np.ndarray:
    """Return a gradient as a contiguous, writeable array of the variable's dtype; slopes stay floats for integers."""
    if array.dtype is dtype and array.flags.carray:
        return array
    if dtype.kind != "f":
        dtype = array.dtype
    if array.size >= SHARED and array.dtype == dtype:
        return copied(array)
    return np.require(array, dtype, ("C", "W"))


def finish(leaves: dict[Any, Any], seed: np.ndarray) -> None:
    """Add complete gradients to the leaves."""
    # Ops hand one array to several inputs, or slices of one. Each leaf must own its memory, since clipping and zeroing
    # change gradients in place: whoever comes second takes a copy.
    taken = {id(root_of(seed))}
    for variable, gradient in leaves.items():
        if variable._hooks:
            gradient = np.array(_dense(hooked(variable._hooks, gradient)))
        old = variable._grad
        if type(gradient) is not np.ndarray:
            if isinstance(gradient, Gradient) and gradient.lasting and (old is None or isinstance(old, Gradient)):
                if type(gradient) is Rows:
                    gradient = _unshared(gradient, taken)
                variable._grad = gradient if old is None else old + gradient
                continue
            gradient = _dense(gradient)
        if old is not None:
            old = variable.grad
            update(np.add, old.array, gradient)
            old.storage.version += 1
            continue
        # What `root_of` and `own` would find out as well: with 7 leaves the two tests save 2 us.
        root = gradient if gradient.base is None else root_of(gradient)
        place = id(root)
        if place in taken or root.size != gradient.size:
            gradient = gradient.copy() if gradient.size < SHARED else copied(gradient)
        else:
            taken.add(place)
        dtype = variable.array.dtype
        if gradient.dtype is not dtype or not gradient.flags.carray:
            gradient = own(gradient, dtype)
        variable._grad = variable._result_class._from_array(gradient)


def _unshared(gradient: Rows, taken: set[int]) -> Rows:
    """Return rows that share no memory with what is `taken`, and enter theirs there."""
    pieces = [(ids, rows.copy() if id(root_of(rows)) in taken else rows) for ids, rows in gradient.terms()]
    taken.update([id(root_of(rows)) for _, rows in pieces])
    return Rows(pieces, gradient.shape, summed=gradient.summed)
