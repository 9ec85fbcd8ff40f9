"""The engine: variables, the graph that calculations leave behind, and `backward()` through it (see `flow`).

A `Variable` has an array, a gradient and the `Op` that made it; an op knows where the gradients of its inputs go: to a
leaf, or to an output of an earlier op. That is the whole graph. An op refers neither to its outputs (so there is no
cycle: when the last variable of a calculation goes, all of it goes) nor to its inputs (arrays live on only where a
backward needs them, and a variable that is changed in place can take a new place in the graph).

A view remembers what it was made of, and how. When its base gets a new place in the graph, because it was changed in
place, the view is made anew as soon as something asks for its place.
"""

import itertools
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from operator import attrgetter
from typing import Any, Self

import numpy as np

from .errors import ArgumentError, DtypeError, ShapeError, StateError
from .flow import finish, flow, hooked, own
from .grad_mode import _mode, enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .not_covered import missing
from .ops.base import Op
from .ops.gradients import Gradient

__all__ = [
    "Variable",
    "apply",
    "backward",
    "enable_grad",
    "grad",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]


# ---------------------------------------------------------------------------------------------------- the graph


class Storage:
    """What all variables over one piece of memory share: how often it was changed in place.

    `version` counts every change. `rebased` counts the changes that were recorded in the graph: a view made before such
    a change has to find its new place there.
    """

    version = 0
    rebased = 0


class Variable:
    """An array in a graph of calculations.

    Attributes
    ----------
    array
        The NumPy array.
    requires_grad
        Whether `backward()` works out the gradient with respect to it (and to what is calculated from it). Of a leaf
        it can be set; `_requires_grad` is the same without the checks.
    op, output
        The op that made it and which of the op's outputs it is; `op` is None for a leaf.
    """

    op: Op | None = None
    output = 0
    _requires_grad = False
    is_view = False
    rebased = 0  # of a view: the storage's count when the view took its place in the graph
    parent: tuple["Variable", type[Op], dict[str, Any]] | None = None  # of a view: what it was made of, and how
    gathered: Any = None  # ops.fold.Gathered of a variable fresh from an embedding
    _grad: Any = None  # None, a Variable, or a structured gradient
    _hooks: list | None = None  # of a leaf; those of other variables live with the op
    _result_class: type["Variable"]

    def __init_subclass__(cls, results: bool = False, **keywords: Any):
        """With `results=True`, what is calculated from this class has this class; otherwise that of the parent."""
        super().__init_subclass__(**keywords)
        if results:
            cls._result_class = cls
            # Python lays out all instances as the first ones; an attribute that comes later gives each a dict of its
            # own, with which a step of a small network takes 3 % longer.
            first = object.__new__(cls)
            for name in "array storage op output _requires_grad is_view rebased parent gathered _grad _hooks".split():
                setattr(first, name, None)

    def __init__(self, array: np.ndarray, requires_grad: bool = False):
        self.array = np.asarray(array)
        self.storage = Storage()
        if requires_grad:
            self.requires_grad_()

    @classmethod
    def _from_array(cls, array: np.ndarray, requires_grad: bool = False) -> Self:
        """Wrap an array as it is, without copy or checks."""
        variable = object.__new__(cls)
        variable.array = array
        variable.storage = Storage()
        if requires_grad:
            variable._requires_grad = True
        return variable

    def _new(self, array: Any) -> Any:
        """Wrap an array as a result of this variable that nothing was recorded of."""
        return self._result_class._from_array(array if type(array) is np.ndarray else np.asarray(array))

    def _alias(self) -> "Variable":
        """Return a leaf over the same memory."""
        alias = self._result_class._from_array(self.array)
        alias.storage, alias.is_view, alias.parent = self.storage, self.is_view, None
        return alias

    @property
    def requires_grad(self) -> bool:
        """Whether `backward()` works out its gradient."""
        refresh(self)
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise ArgumentError(f"requires_grad={value!r}, expected True or False")
        if self.op is not None:
            raise StateError("requires_grad: this is the result of a recorded calculation, expected a leaf")
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let `backward()` find this leaf's gradient, or not; raises `StateError` or `DtypeError` where it cannot."""
        if not isinstance(requires_grad, bool):
            raise TypeError(f"requires_grad_: requires_grad={requires_grad!r}, expected True or False")
        if requires_grad and self.array.dtype.char not in "fd":
            raise DtypeError(
                f"requires_grad_: dtype {self.array.dtype}, expected float32 or float64: only those have gradients"
            )
        if not requires_grad and self.op is not None and self._requires_grad:
            raise StateError(
                "requires_grad_(False): this is the result of a recorded calculation; use detach() instead"
            )
        self._requires_grad = requires_grad
        return self

    @property
    def grad(self) -> Any:
        """The accumulated gradient (same shape and dtype), or None; reading it makes a structured gradient an array."""
        if isinstance(self._grad, Gradient):
            self._grad = self._result_class._from_array(own(self._grad.dense(), self.array.dtype))
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            if not isinstance(value, Variable):
                raise TypeError(f"grad: got {type(value).__name__}, expected a Tensor or None")
            if value.array.shape != self.array.shape:
                raise ShapeError(f"grad: shape {value.array.shape}, expected {self.array.shape}")
            if value.array.dtype != self.array.dtype:
                raise DtypeError(f"grad: dtype {value.array.dtype}, expected {self.array.dtype}")
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded calculation made it."""
        return self.op is None

    @property
    def grad_fn(self) -> Op | None:
        """The op that made it: PyTorch's name for `op`."""
        refresh(self)
        return self.op

    def backward(self, gradient: Any = None, retain_graph: bool = False, create_graph: bool = False) -> None:
        """Add to `.grad` of every leaf the derivative of this variable with respect to it; see `autograd.backward`."""
        backward(self, gradient, retain_graph, create_graph)

    def register_hook(self, hook: Callable[[Any], Any]) -> "Handle":
        """Call `hook(gradient)` when this variable's gradient is complete; what it returns, unless None, replaces it.

        Raises `StateError` when no gradient is wanted. The handle's `remove()` takes the hook out again.
        """
        if not self.requires_grad:  # which finds the place of a view, too
            raise StateError("register_hook: this variable does not require a gradient; see requires_grad_()")
        if self.op is None:
            self._hooks = hooks = self._hooks if self._hooks is not None else []
        else:
            self.op.hooks = every = self.op.hooks or {}
            hooks = every.setdefault(self.output, [])
        entry = (hook, self._result_class)
        hooks.append(entry)
        return Handle(hooks, entry)

    def retain_grad(self) -> None:
        """Keep the gradient of this variable in `.grad` although it is not a leaf."""
        if not self.requires_grad:
            raise StateError("retain_grad: this variable does not require a gradient; see requires_grad_()")
        if self.op is not None:
            self.op.retained = retained = self.op.retained or {}
            retained[self.output] = weakref.ref(self)  # weak: an op must not keep its outputs alive


Variable._result_class = Variable


class Handle:
    """A registered hook; `remove()` unregisters it."""

    def __init__(self, hooks: list, entry: tuple):
        self._hooks, self._entry = hooks, entry

    def remove(self) -> None:
        """Unregister the hook; a second call does nothing."""
        if self._entry in self._hooks:
            self._hooks.remove(self._entry)


_numbers = itertools.count()
_array_of, _wants_gradient = attrgetter("array"), attrgetter("_requires_grad")  # for map: a comprehension takes longer

#: While a model is exported: what calls forward in place of `apply`, and so sees every op; see `fastgrok.onnx`.
tracer: Callable[[Op, tuple["Variable", ...], dict[str, Any]], Any] | None = None


def apply(op_class: type[Op], *variables: Variable, **static: Any) -> Any:
    """Calculate `op_class` on variables and record it if one of them requires a gradient.

    `static` goes to `forward` as it is: settings, and arrays that have no gradient, such as ids. Results (one
    Variable, or a tuple when forward returns a tuple) have the class that calculations with the first operand yield.

    Examples
    --------
    >>> from fastgrok.ops import Mul
    >>> x = Variable(np.array([1.0, 2.0]), requires_grad=True)
    >>> apply(Mul, x, x).backward(np.ones(2))
    >>> x.grad.array
    array([2., 4.])
    """
    op = op_class()
    recorded = False
    if _mode.enabled:
        for variable in variables:
            if variable.parent is not None:
                refresh(variable)
            if variable._requires_grad:
                recorded = True
    op.needs = tuple(map(_wants_gradient, variables)) if recorded else (False,) * len(variables)
    trace = tracer  # read once: another thread may end its export
    if trace is None:
        result = op.forward(*map(_array_of, variables), **static)
    else:
        result = trace(op, variables, static)

    first = variables[0]
    if type(result) is not tuple:
        output = first._result_class._from_array(result if type(result) is np.ndarray else np.asarray(result))
        if op_class.view and _shares_memory(output.array, first.array):
            output.storage = storage = first.storage
            output.is_view, output.rebased, output.parent = True, storage.rebased, (first, op_class, static)
        if recorded:
            output.op, output._requires_grad = op, True
            _record(op, variables, (output,))
        return output

    outputs = tuple([first._result_class._from_array(np.asarray(array)) for array in result])
    if recorded:
        op.outputs = len(outputs)
        for i, output in enumerate(outputs):
            if output.array.dtype.kind == "f":
                output.op, output.output, output._requires_grad = op, i, True
        _record(op, variables, outputs)
    return outputs


def _shares_memory(result: np.ndarray, x: np.ndarray) -> bool:
    """Whether `result` is a view of x: most name x, or what x is a view of, as their base; NumPy's test takes long."""
    base = result.base
    return (base is not None and (base is x or base is x.base)) or np.may_share_memory(result, x)


def _record(op: Op, inputs: tuple[Variable, ...], outputs: tuple[Variable, ...]) -> None:
    """Enter an op into the graph, with the versions of what its backward will read."""
    sources: list = []
    for variable in inputs:
        if not variable._requires_grad:
            sources.append(None)
        elif variable.op is None:
            sources.append(variable)
        else:
            sources.append((variable.op, variable.output))
    op.sources = tuple(sources)
    op.number = next(_numbers)
    if op.saved_inputs or op.saved_outputs:
        saved = []
        for i in op.saved_inputs:
            if i < len(inputs):
                storage = inputs[i].storage
                saved.append((storage, storage.version))
        for i in op.saved_outputs:
            storage = outputs[i].storage
            saved.append((storage, storage.version))
        op.saved = tuple(saved)


def parent_of(view: Variable) -> tuple[Variable, type[Op], dict[str, Any]] | None:
    """Return what a variable is a view of, the op that made it, and its settings; None for what is no view.

    One whose base was given other memory is none any more.
    """
    return view.parent if view.parent is not None and view.parent[0].storage is view.storage else None


def refresh(view: Variable) -> None:
    """Find the place in the graph of a view whose base was changed in place, and that recorded, after it was made."""
    stale = []
    while view.rebased != view.storage.rebased and (parent := parent_of(view)) is not None:
        stale.append((view, parent))
        view = parent[0]
    for view, (base, op_class, static) in reversed(stale):
        with enable_grad():
            again = apply(op_class, base, **static)
        view.op, view._requires_grad, view.rebased = again.op, again._requires_grad, again.rebased


# ---------------------------------------------------------------------------------------------------- backward


def backward(root: Variable, gradient: Any = None, retain_graph: bool = False, create_graph: bool = False) -> None:
    """Add to `.grad` of every leaf below `root` the derivative of `root` with respect to it.

    `gradient` (array or Variable of root's shape) weighs the elements of `root`; it may be left out when there is one
    element. Ops run once each, latest first, when all their consumers have run; their saved state is freed unless
    `retain_graph`.

    Raises `StateError` when nothing was recorded, when the graph was freed by an earlier call or a saved value was
    changed in place; `ShapeError` when `gradient` has another shape or is missing; `NotImplementedError` for
    `create_graph`.
    Leaves' gradients change at the very end, so an error leaves them as they were.
    """
    if create_graph:
        raise NotImplementedError("backward: create_graph=True, expected False: gradients of gradients are not covered")
    if not root.requires_grad:
        raise StateError("backward: this variable does not require grad and was not calculated from one that does")
    seed = _seed_gradient("backward", root, gradient)
    finish(flow([(root, seed)], retain_graph), seed)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple:
    """Return the derivatives of `outputs`, one Variable or the sum of several, with respect to each of `inputs`.

    No `.grad` of a leaf changes. `grad_outputs` weigh the elements of each output, as `gradient` does in `backward`. An
    input that the outputs do not depend on raises `StateError`, or has None (`allow_unused`) or zeros
    (`materialize_grads`). Raises `NotImplementedError` for the other options.

    Examples
    --------
    >>> from fastgrok.ops import Mul
    >>> x = Variable(np.array([1.0, 2.0]), requires_grad=True)
    >>> (dx,) = grad(apply(Mul, x, x), x, np.ones(2))
    >>> dx.array, x.grad
    (array([2., 4.]), None)
    """
    for option, value in (("create_graph", create_graph), ("is_grads_batched", is_grads_batched)):
        if value:
            raise NotImplementedError(f"grad: {option}=True, expected False: gradients of gradients are not covered")
    if not only_inputs:
        raise NotImplementedError("grad: only_inputs=False, expected True: use backward() for the other leaves")
    outputs, inputs = _several("outputs", outputs), _several("inputs", inputs)
    weights = (None,) * len(outputs) if grad_outputs is None else grad_outputs
    weights = weights if isinstance(weights, tuple | list) else (weights,)
    if len(weights) != len(outputs):
        raise ShapeError(f"grad: {len(weights)} grad_outputs, expected one for each of {len(outputs)} outputs")
    roots = [(y, _seed_gradient("grad", y, weight)) for y, weight in zip(outputs, weights, strict=True)]

    found: dict[int, Any] = {}
    hooks = [x.register_hook(partial(found.__setitem__, i)) for i, x in enumerate(inputs)]
    try:
        leaves = flow(roots, bool(retain_graph))
        for x in dict.fromkeys(inputs):
            if x in leaves:
                hooked(x._hooks, leaves[x])
    finally:
        for hook in hooks:
            hook.remove()
    gradients = []
    for i, x in enumerate(inputs):
        if i not in found and not (allow_unused or materialize_grads):
            raise StateError(
                f"grad: the outputs do not depend on inputs[{i}]; allow_unused=True gives None for its gradient"
            )
        array = found[i].array if i in found else np.zeros_like(x.array) if materialize_grads else None
        gradients.append(None if array is None else x._new(np.array(array, x.array.dtype)))
    return tuple(gradients)


def _several(name: str, variables: Any) -> tuple:
    """Return one or several variables for `grad` as a tuple; raises unless all of them require a gradient."""
    one = isinstance(variables, Variable) or not isinstance(variables, Iterable)
    several = (variables,) if one else tuple(variables)
    for i, variable in enumerate(several):
        if not isinstance(variable, Variable):
            raise TypeError(f"grad: {name}[{i}] is {type(variable).__name__}, expected a Tensor")
        if not variable.requires_grad:
            raise StateError(f"grad: {name}[{i}] does not require grad and was not calculated from what does")
    return several


def _seed_gradient(name: str, root: Variable, gradient: Any) -> np.ndarray:
    """Return the array that the gradients start with."""
    if gradient is None:
        if root.array.size != 1:
            raise ShapeError(
                f"{name}: the variable has shape {root.array.shape}, so its gradient must be given; "
                "it can be left out for one element only"
            )
        return np.ones(root.array.shape, root.array.dtype) if root.array.ndim else np.array(1, root.array.dtype)
    array = np.asarray(gradient.array if isinstance(gradient, Variable) else gradient)
    if array.shape != root.array.shape:
        raise ShapeError(f"{name}: gradient has shape {array.shape}, expected {root.array.shape}")
    return array.astype(root.array.dtype, copy=False)


def __getattr__(name: str) -> Any:
    raise missing(f"module {__name__!r}", name)
