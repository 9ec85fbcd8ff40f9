"""Hooks of modules: functions of the user that see, and may replace, what goes into a module and what comes out."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd import Handle, apply, is_grad_enabled
from ..errors import ShapeError
from ..ops.watch import Watch
from ..tensor import Tensor

__all__ = ["Hooks", "RemovableHandle"]


@dataclass(eq=False)
class Hook:
    """A function, when to call it, and how."""

    kind: str
    function: Callable[..., Any]
    with_kwargs: bool = False
    always_call: bool = False


class RemovableHandle(Handle):
    """A registered hook. `remove()`, or the end of a `with` block, unregisters it."""

    def __enter__(self) -> "RemovableHandle":
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class Hooks:
    """What `Module` inherits: `register_..._hook`, and a call that runs the hooks around `forward`.

    Every method of registering returns a handle whose `remove()` unregisters the hook. Hooks run in the order of their
    registration; with `prepend=True` a new one comes first.

    Examples
    --------
    >>> import fastgrok
    >>> from fastgrok import nn
    >>> layer = nn.Tanh()
    >>> handle = layer.register_forward_hook(lambda module, args, output: 2 * output)
    >>> layer(fastgrok.tensor(0.0)), layer(fastgrok.tensor(float("inf")))
    (tensor(0.), tensor(2.))
    >>> handle.remove()
    >>> layer(fastgrok.tensor(float("inf")))
    tensor(1.)
    """

    _hooks: list[Hook]
    forward: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output: `forward` with the same arguments, and the hooks around it."""
        if not self._hooks:
            return self.forward(*args, **kwargs)
        return self._call_with_hooks(args, kwargs)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before `forward`; what it returns, unless None, is the new argument or a tuple.

        `with_kwargs=True` calls `hook(module, args, kwargs)`, which returns None or a tuple of both.
        """
        return self._register(Hook("forward_pre", hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after `forward`; what it returns, unless None, is the new output.

        `with_kwargs=True` calls `hook(module, args, kwargs, output)`. With `always_call=True` the hook runs also where
        something raises, then with the output None.
        """
        return self._register(Hook("forward", hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` before the gradients of the outputs go backward through the module.

        `grad_output` is a tuple with one gradient or None per output. What the hook returns, unless None, replaces it.
        """
        return self._register(Hook("backward_pre", hook), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the inputs are there.

        Both are tuples, with one gradient or None per positional argument or output. What the hook returns, unless
        None, replaces `grad_input`. When no input requires a gradient, the hook is called all the same. What goes in
        and out is copied for the sake of the hook, which has to leave the gradients that it gets as they are.
        """
        return self._register(Hook("backward", hook), prepend)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before `state_dict()` reads this module."""
        return self._register(Hook("state_dict_pre", hook))

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after `state_dict()` has read this module.

        The hook may change the dictionary in place; the names in it that begin with `prefix` are the module's.
        """
        return self._register(Hook("state_dict", hook))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing, unexpected, errors)` before loading.

        The hook may change the dictionary, a copy of the user's, in place, such as to rename what an old file holds.
        """
        return self._register(Hook("load_state_dict_pre", hook))

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after loading; it may take names out of both lists, in place."""
        return self._register(Hook("load_state_dict", hook))

    def _register(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        self._hooks.insert(0 if prepend else len(self._hooks), hook)
        return RemovableHandle(self._hooks, hook)  # type: ignore[arg-type]

    def _hooks_of(self, kind: str) -> list[Hook]:
        """Return the hooks of one kind."""
        return [hook for hook in self._hooks if hook.kind == kind]

    def _run_hooks(self, kind: str, *arguments: Any) -> None:
        """Call the hooks of one kind, which change their arguments in place. Raises `RuntimeError` for a result."""
        for hook in self._hooks_of(kind):
            if hook.function(self, *arguments) is not None:
                raise RuntimeError(f"hooks of {kind} are not expected to return new values, change the arguments")

    def _call_with_hooks(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        result, due = None, self._hooks_of("forward")

        def run(hook: Hook) -> Any:
            return hook.function(self, args, kwargs, result) if hook.with_kwargs else hook.function(self, args, result)

        try:
            for hook in self._hooks_of("forward_pre"):
                args, kwargs = _new_arguments(self, hook, args, kwargs)
            backward = None
            if self._hooks_of("backward") or self._hooks_of("backward_pre"):
                backward = _Backward(self)
                args = backward.watch_inputs(args)
            result = self.forward(*args, **kwargs)
            while due:
                replaced = run(due.pop(0))
                result = result if replaced is None else replaced
            return backward.watch_outputs(result) if backward else result
        except Exception:
            for hook in due:
                if hook.always_call:
                    try:
                        run(hook)
                    except Exception as error:
                        warnings.warn(
                            f"module forward hook with always_call=True raised {error!r}, which is left out in favour "
                            "of the error before it",
                            stacklevel=3,
                        )
            raise


def _new_arguments(module: Any, hook: Hook, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
    """Return the arguments of `forward` after one hook that comes before it."""
    if not hook.with_kwargs:
        changed = hook.function(module, args)
        if changed is None:
            return args, kwargs
        return changed if isinstance(changed, tuple) else (changed,), kwargs
    both = hook.function(module, args, kwargs)
    if both is None:
        return args, kwargs
    if not isinstance(both, tuple) or len(both) != 2:
        raise RuntimeError(f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {both}.")
    return both


class _Backward:
    """The backward hooks of one call of a module: `Watch` on its inputs and its outputs tells when gradients are there.

    The gradients of the outputs wait here for those of the inputs.
    """

    def __init__(self, module: Hooks):
        self.module, self.before, self.after = module, module._hooks_of("backward_pre"), module._hooks_of("backward")
        self.grad_outputs: tuple | None = None
        self.inputs = 0
        self.inputs_watched = False
        self.float_inputs: list = []

    def watch_inputs(self, args: tuple) -> tuple:
        """Return the positional arguments, watched where they require a gradient."""
        self.inputs = len(args)
        places = list(_places(args))
        self.inputs_watched = bool(places)
        floats = [(i, x.array) for i, x in enumerate(args) if isinstance(x, Tensor) and x.is_floating_point()]
        self.float_inputs = [(i, array.shape, array.dtype) for i, array in floats]
        return _watched(args, places, self.see_inputs)

    def watch_outputs(self, result: Any) -> Any:
        """Return what `forward` returned, watched where it requires a gradient."""
        if not isinstance(result, Tensor | tuple):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received "
                f"{type(result)}",
                stacklevel=4,
            )
            return result
        outputs = result if isinstance(result, tuple) else (result,)
        watched = _watched(outputs, list(_places(outputs)), self.see_outputs)
        if not isinstance(result, tuple):
            return watched[0]
        return type(result)(*watched) if hasattr(result, "_fields") else watched

    def see_outputs(self, gradients: tuple) -> tuple:
        """Run what comes before; keep the gradients for later, unless no gradient of an input is ever to arrive."""
        for hook in self.before:
            gradients = _replaced("grad_output", gradients, hook.function(self.module, gradients))
        self.grad_outputs = gradients
        if not self.inputs_watched:
            for hook in self.after:
                nothing = hook.function(self.module, (None,) * self.inputs, gradients)
                if nothing is not None and any(gradient is not None for gradient in nothing):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always return None or None "
                        "for all gradients."
                    )
            self.grad_outputs = None
        return gradients

    def see_inputs(self, gradients: tuple) -> tuple:
        """Run the hooks, unless the gradients came past the outputs."""
        if self.grad_outputs is not None:
            shown = list(gradients)
            for i, shape, dtype in self.float_inputs:  # as in PyTorch, zeros where nothing arrives
                shown[i] = Tensor._from_array(np.zeros(shape, dtype)) if shown[i] is None else shown[i]
            gradients = tuple(shown)
            for hook in self.after:
                changed = hook.function(self.module, gradients, self.grad_outputs)
                gradients = _replaced("grad_input", gradients, changed)
            self.grad_outputs = None
        return gradients


def _places(values: tuple) -> Iterator[int]:
    """Yield the positions of the tensors that are to be watched."""
    if is_grad_enabled():
        for i, value in enumerate(values):
            if isinstance(value, Tensor) and value.requires_grad:
                yield i


def _watched(values: tuple, places: Sequence[int], see: Callable[[tuple], tuple]) -> tuple:
    """Return values with those at `places` watched: `see` gets all gradients, None for the other places."""
    if not places:
        return values

    def show(arrays: tuple) -> list:
        gradients: list = [None] * len(values)
        for place, array in zip(places, arrays, strict=True):
            gradients[place] = None if array is None else Tensor._from_array(array)
        seen = see(tuple(gradients))
        return [None if seen[place] is None else seen[place].array for place in places]

    replaced = list(values)
    for place, tensor in zip(places, apply(Watch, *[values[place] for place in places], see=show), strict=True):
        replaced[place] = tensor
    return tuple(replaced)


def _replaced(name: str, gradients: tuple, changed: Any) -> tuple:
    """Return the gradients after a hook; raises `ShapeError` when it returned others than there were."""
    if changed is None:
        return gradients
    if not isinstance(changed, tuple | list) or len(changed) != len(gradients):
        number = len(changed) if isinstance(changed, tuple | list) else type(changed).__name__
        raise ShapeError(f"Backward hook returned an invalid number of {name}, got {number}, expected {len(gradients)}")
    for old, new in zip(gradients, changed, strict=True):
        if new is not None and not isinstance(new, Tensor):
            raise TypeError(f"Backward hook returned {type(new).__name__} in {name}, expected Tensor or None")
        if old is not None and new is not None and old.shape != new.shape:
            raise ShapeError(f"Backward hook returned {name} of shape {tuple(new.shape)}, expected {tuple(old.shape)}")
    return tuple(changed)
