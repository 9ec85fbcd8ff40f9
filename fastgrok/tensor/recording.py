"""Changes in place that the graph has to know of: the variable gets new values and a new place in the graph."""

from typing import Any

from ..autograd import Variable, apply, is_grad_enabled, parent_of, refresh
from ..errors import StateError
from ..ops import Overwrite
from ..ops.base import copied
from ..ops.in_place import assign


def former(variable: Variable) -> Variable:
    """Return what a variable is now, values and place in the graph, for the op that is about to change it in place."""
    return place_of(variable, copied(variable.array))


def place_of(variable: Variable, array: Any = None) -> Variable:
    """Return another variable with the place of this one in the graph, and its values or those of `array`."""
    before = variable._new(variable.array if array is None else array)
    before.op, before.output, before._requires_grad = variable.op, variable.output, variable.requires_grad
    return before


def rebase(variable: Variable, result: Variable) -> None:
    """Let `variable` become `result` in place: same memory, new values, the history of `result`.

    Of a view it is the base that changes: the part that the view shows is overwritten. All views of it, this one
    included, then find their places anew; see `autograd.refresh`. Call `check_in_place` first.
    """
    base = variable
    while (view := parent_of(base)) is not None:
        base, op_class, static = view
        result = apply(Overwrite, base, result, view=op_class, static=static, in_place=True)
    if result.array is not base.array:
        assign(base.array, result.array)
    base.storage.version += 1
    base.storage.rebased += 1
    base.op, base.output, base._requires_grad = result.op, result.output, result._requires_grad
    refresh(variable)


def check_in_place(name: str, variable: Variable) -> None:
    """Raise `StateError` if `variable` may not be changed in place here, before that is done."""
    if not variable.array.flags.writeable:
        raise StateError(
            f"{name}: this memory cannot be written to, since elements share it (as after expand()) or its owner "
            "forbids it; change a clone()"
        )
    refresh(variable)
    base, wanted = variable, variable._requires_grad
    while (view := parent_of(base)) is not None:
        base = view[0]
        wanted = wanted or base._requires_grad
    if wanted and is_grad_enabled():
        if base._requires_grad and base.op is None:
            raise StateError(
                f"{name}: a leaf variable that requires grad, or a view of one, cannot be changed in place while "
                "recording; do it under no_grad(), or change its .data"
            )
        if not variable._requires_grad:
            raise StateError(f"{name}: this view was made under no_grad(), but what it shows requires grad")
    if base.op is not None and any(storage is base.storage for storage, _ in base.op.saved) and base.op.own_outputs():
        base.op.saved = tuple([pair for pair in base.op.saved if pair[0] is not base.storage])
