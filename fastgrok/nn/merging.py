"""Neighbours in a `Sequential` that one op computes at once. Results and gradients are the same; only time tells."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .activation import ReLU
from .module import Module
from .pool import MaxPool1d, MaxPool2d


def steps(modules: Iterable[Module]) -> Iterator[Callable[[Any], Any]]:
    """Yield what to call one after the other: each module, but a pool that takes in the `ReLU` before it for both.

    Nobody else sees what a module of a `Sequential` passes to the next, unless a hook or a method of the user's own
    looks at it: such modules stay by themselves.
    """
    waiting = None
    for module in modules:
        if waiting is not None:
            if type(module) in (MaxPool1d, MaxPool2d) and _as_made(module) and not module.return_indices:
                yield module._forward_relu
                waiting = None
                continue
            yield waiting
            waiting = None
        if type(module) is ReLU and _as_made(module) and not module.inplace:
            waiting = module
        else:
            yield module
    if waiting is not None:
        yield waiting


def _as_made(module: Module) -> bool:
    """Whether calling a module does what its class says and nothing more."""
    return not module._hooks and "forward" not in vars(module)
