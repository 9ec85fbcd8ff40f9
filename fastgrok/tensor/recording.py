"""Changes in place that the graph has to know of: the variable gets new values and a new place in the graph."""

from ..autograd import Variable, apply
from ..errors import StateError
from ..ops import Index, SetItem


def former(variable: Variable) -> Variable:
    """Return what a variable is now, values and place in the graph, for the op that is about to change it in place."""
    before = variable._new(variable.array.copy())
    before.op, before.output, before._requires_grad = variable.op, variable.output, variable.requires_grad
    return before


def rebase(variable: Variable, result: Variable) -> None:
    """Let `variable` become `result` in place: same memory, new values, the history of `result`.

    A view made by an index passes the change on to the tensor that it is part of. Call `check_in_place` first.
    """
    if variable.parent is not None:
        parent, index = variable.parent
        rebase(parent, apply(SetItem, parent, result, index=index, in_place=True))
        result = apply(Index, parent, index=index)
        variable.rebased = result.rebased
    else:
        if result.array is not variable.array:
            variable.array[...] = result.array
        variable.storage.version += 1
        variable.storage.rebased += 1
    variable.op, variable.output, variable._requires_grad = result.op, result.output, result.requires_grad


def check_in_place(name: str, variable: Variable, recorded: bool) -> None:
    """Raise `StateError` if `variable` may not be changed in place here; `recorded`: whether the graph has to know."""
    if not variable.array.flags.writeable:
        raise StateError(
            f"{name}: this memory cannot be written to, since elements share it (as after expand()) or its owner "
            "forbids it; change a clone()"
        )
    if not recorded:
        return
    if variable.requires_grad and variable.op is None:
        raise StateError(
            f"{name}: a leaf variable that requires grad cannot be changed in place while recording; "
            "do it under no_grad(), or change its .data"
        )
    if variable.parent is not None:
        check_in_place(name, variable.parent[0], recorded)
    elif variable.is_view:
        raise StateError(
            f"{name}: this variable is a view that no index made, and a change in place that is recorded "
            "would not reach its base; assign to base[index] instead, or change a clone()"
        )
