"""Neighbours in a `Sequential` that one op computes at once. Results and gradients are the same; only time tells."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from .. import ops
from .activation import ReLU, Sigmoid, Tanh
from .conv import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .norm import BatchNorm1d, BatchNorm2d
from .pool import MaxPool1d, MaxPool2d

#: Layers whose result is a new tensor, which nobody misses when an activation does not write to it after all.
_MAKERS = (BatchNorm1d, BatchNorm2d, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, Linear)
_MODULES: tuple[type[Module], ...] = (*_MAKERS, Dropout, MaxPool1d, MaxPool2d, ReLU, Sigmoid, Tanh)
_FORWARDS = {kind: kind.forward for kind in _MODULES}
_ACTIVATIONS: dict[type[Module], type[ops.Op]] = {ReLU: ops.ReLU, Sigmoid: ops.Sigmoid, Tanh: ops.Tanh}


def steps(modules: Iterable[Module]) -> Iterator[Callable[[Any], Any]]:
    """Yield what to call one after the other: each module, or what does the work of a few neighbours.

    A pool takes in the `ReLU` before it, a `Linear` the activation behind it and the dropout behind that. Nobody else
    sees what a module of a `Sequential` passes to the next, unless a hook or a method of the user's own looks at it:
    such modules stay by themselves.
    """
    modules = [*modules]
    modules.reverse()  # the next one last
    module = None
    while modules:
        before, module = module, modules.pop()
        if modules and type(module) in (Linear, ReLU) and _as_made(module):
            yield _linear(module, modules) if type(module) is Linear else _relu(module, before, modules)
        else:
            yield module


def _relu(relu: Any, before: Any, rest: list[Any]) -> Callable[[Any], Any]:
    """Return what to call for a `ReLU`, having taken off the end of `rest` the pool whose work that does too."""
    pool = rest[-1]
    if type(pool) not in (MaxPool1d, MaxPool2d) or not _as_made(pool) or pool.return_indices:
        return relu
    if relu.inplace and not (type(before) in _MAKERS and _as_made(before)):
        return relu
    return rest.pop()._forward_relu


def _linear(linear: Any, rest: list[Any]) -> Callable[[Any], Any]:
    """Likewise for a `Linear`, an activation and a dropout that zeroes some elements."""
    activation = _ACTIVATIONS.get(type(rest[-1]))
    if activation is None or not _as_made(rest[-1]):
        return linear
    rest.pop()
    after = rest[-1] if rest else None
    if type(after) is Dropout and after.training and 0 < after.p < 1 and not after.inplace and _as_made(after):
        return partial(linear._forward_then, activation, rest.pop().p)
    return partial(linear._forward_then, activation, 0.0)


def _as_made(module: Module) -> bool:
    """Whether calling one of these modules does what its class was made to do and nothing more."""
    kind = type(module)
    return not module._hooks and "forward" not in module.__dict__ and kind.forward is _FORWARDS[kind]
