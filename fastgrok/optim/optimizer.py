"""`Optimizer`: groups of parameters with their options, the state kept per parameter, and the loop of `step`."""

import copy
import itertools
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..autograd import enable_grad, no_grad
from ..errors import ArgumentError, ShapeError, StateError
from ..ops.base import contiguous
from ..tensor import Tensor

__all__ = ["Optimizer"]


class Optimizer:
    """The base class of optimizers.

    A subclass validates its options, hands their defaults to `super().__init__`, and defines `update`, which changes
    one parameter by its gradient. (One written for PyTorch that overrides `step` itself works as well.)

    Parameters
    ----------
    params : iterable
        Parameters; or pairs of name and parameter; or dictionaries, each a group with its own options under their
        names and its parameters under "params".
    defaults : dict
        The options of groups that do not give their own.

    Attributes
    ----------
    param_groups : list of dict
        The options may be changed between steps; schedulers change "lr".
    state : dict
        Per parameter: a dictionary of tensors and numbers.

    Raises
    ------
    TypeError
        When something other than a `Tensor` is to be optimized.
    ValueError
        When there is no parameter, one that is not a leaf, or one in two groups.
    """

    #: The names in the state of one parameter, for checking what `load_state_dict` is given; None checks nothing.
    state_names: tuple[str, ...] | None = None

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]):
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {type(params).__name__}"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self.steps_taken = 0  # lets a scheduler see that it is stepped before the optimizer; not part of the state
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group: {"params": ..., option: value, ...}; options left out have their defaults.

        Raises as the constructor does, before anything is changed.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change between runs. Please use a list instead."
            )
        params = [params] if isinstance(params, Tensor) else list(params)
        names = [entry[0] for entry in params if isinstance(entry, tuple)]
        if names and len(names) != len(params):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        params = [entry[1] if isinstance(entry, tuple) else entry for entry in params]
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(param).__name__}")
            if not param.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
        if len(set(params)) != len(params):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=3)
        taken = {param for group in self.param_groups for param in group["params"]}
        if not taken.isdisjoint(params):
            raise ValueError("some parameters appear in more than one parameter group")
        if any(("param_names" in group) != bool(names) for group in self.param_groups):
            raise ValueError(
                "all optimizer param groups should be with/without names. "
                f"cannot add param group {'with' if names else 'without'} names to the optimizer"
            )

        group = {**self.defaults, **param_group, "params": params}
        if names:
            group["param_names"] = names
        self.check_options(group)
        # The caller's dictionary becomes the group, as in PyTorch.
        param_group.update(group)
        self.param_groups.append(param_group)

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise `ValueError` when an option of a group makes no sense. Subclasses define it."""

    # ------------------------------------------------------------------------------------------- a step

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros when not `set_to_none`."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param._grad = None
                elif param.grad is not None:
                    param.grad = param.grad.detach().zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        `closure`, when given, is called first: it computes the loss and its gradients, and its result is returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            for group in self.param_groups:
                options = group
                if isinstance(group.get("lr"), Tensor):  # of one element, so that schedules can change it in place
                    options = {**group, "lr": group["lr"].item()}
                for param in group["params"]:
                    if param._grad is not None:
                        self.update(param, options)
        self.steps_taken += 1
        return loss

    def update(self, param: Tensor, group: dict[str, Any]) -> None:
        """Change one parameter by its gradient. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} has no update")

    # ------------------------------------------------------------------------------------------- saving and resuming

    def state_dict(self) -> dict[str, Any]:
        """Return "state" and "param_groups", in which parameters are numbered in their order.

        Together with the parameters' values it is everything: an optimizer that loads it goes on bit for bit. Tensors
        are shared with the optimizer, not copied.
        """
        numbers: dict[Tensor, int] = {}
        for group in self.param_groups:
            for param in group["params"]:
                numbers.setdefault(param, len(numbers))
        groups = [{**group, "params": [numbers[param] for param in group["params"]]} for group in self.param_groups]
        state = {numbers[param]: dict(entries) for param, entries in self.state.items()}
        # In PyTorch, too, the numbers come last.
        groups = [{**{k: v for k, v in group.items() if k != "params"}, "params": group["params"]} for group in groups]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over options and state from `state_dict()` of an optimizer with the same groups. Values are copied.

        Raises
        ------
        ValueError
            When groups or parameters differ in number, or the state is that of another kind of optimizer.
        ShapeError
            When a state tensor does not have the shape of its parameter.
            All of this before anything is changed.
        """
        saved_groups, saved_state = state_dict["param_groups"], state_dict["state"]
        if len(saved_groups) != len(self.param_groups):
            raise ValueError(
                "loaded state dict has a different number of parameter groups: "
                f"{len(saved_groups)}, expected {len(self.param_groups)}"
            )
        for saved, group in zip(saved_groups, self.param_groups, strict=True):
            if len(saved["params"]) != len(group["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group: "
                    f"{len(saved['params'])} parameters, expected {len(group['params'])}"
                )
        params = dict(
            zip(
                itertools.chain.from_iterable(group["params"] for group in saved_groups),
                itertools.chain.from_iterable(group["params"] for group in self.param_groups),
                strict=True,
            )
        )
        state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        for number, entries in saved_state.items():
            # JSON turns the numbers into strings.
            number = int(number)
            if number not in params:
                raise ValueError(f"loaded state dict has state for parameter {number}, which is in none of its groups")
            state[params[number]] = self._taken_over(number, params[number], entries)
        groups = []
        for saved, group in zip(saved_groups, self.param_groups, strict=True):
            options = copy.deepcopy({name: value for name, value in saved.items() if name != "params"})
            options = {**{k: v for k, v in group.items() if k != "params"}, **options, "params": group["params"]}
            self.check_options(options)
            groups.append(options)

        for group, options in zip(self.param_groups, groups, strict=True):
            group.clear()
            group.update(options)
        self.state = state

    def _taken_over(self, number: int, param: Tensor, entries: dict[str, Any]) -> dict[str, Any]:
        """Return a copy of one parameter's saved state, in the parameter's dtype, having checked it."""
        if self.state_names is not None and entries and set(entries) != set(self.state_names):
            raise ValueError(
                f"loaded state dict has the state {sorted(entries)} for parameter {number}; "
                f"{type(self).__name__} expected {sorted(self.state_names)}"
            )
        copied = {}
        for name, value in entries.items():
            array = value.array if isinstance(value, Tensor) else np.asarray(value) if _is_array(value) else None
            if array is None:
                copied[name] = copy.deepcopy(value)
            elif name == "step":
                copied[name] = int(array)
            elif array.shape != param.array.shape:
                raise ShapeError(
                    f"loaded state dict has {name} of shape {array.shape} for parameter {number}, "
                    f"expected {param.array.shape}"
                )
            else:
                copied[name] = Tensor._from_array(np.array(array, param.array.dtype, order="C"))
        return copied

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
        return text + ")"


def _is_array(value: Any) -> bool:
    """Whether `value` is an array of NumPy or a tensor of another library."""
    return hasattr(value, "__array__") and not isinstance(value, np.generic)


# ---------------------------------------------------------------------------------------------- for the subclasses


def gradient_of(param: Tensor, maximize: bool) -> np.ndarray:
    """Return the gradient of a parameter as a contiguous array of its dtype, negated when it is to be maximized."""
    gradient = contiguous(param.grad.array)
    return np.negative(gradient) if maximize else gradient


def change(param: Tensor, kernel: Callable[..., Any], arrays: tuple[np.ndarray, ...], *options: Any) -> None:
    """Call `kernel(array of param, *arrays, *options)`, which changes it in place, and let the graph know of it.

    Raises `StateError` when one of `arrays` does not go with the parameter: kernels trust their arguments.
    """
    array = param.array
    shape, dtype = array.shape, array.dtype
    for other in arrays:
        if other.shape != shape or (other.dtype is not dtype and other.dtype != dtype):
            raise StateError(
                f"step: a parameter has shape {shape} and dtype {dtype}, but its gradient or what the "
                f"optimizer keeps for it has {other.shape} and {other.dtype}; convert a model before you make "
                "its optimizer"
            )
    if array.flags.c_contiguous:
        kernel(array, *arrays, *options)
    else:
        copied = array.copy(order="C")
        kernel(copied, *arrays, *options)
        array[...] = copied
    param.storage.version += 1


def check_number(owner: str, name: str, value: Any) -> None:
    """Raise `TypeError` unless an option is a real number; a learning rate may be a tensor of one element."""
    if name == "lr" and isinstance(value, Tensor):
        if value.array.size != 1:
            raise ArgumentError(f"{owner}: lr has shape {value.array.shape}. Tensor lr must be 1-element")
        return
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{owner}: {name}={value!r} is {type(value).__name__}, expected a number")
