"""The state of a module: reading it into a dictionary, and loading it, all checked before anything changes."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..autograd import no_grad
from ..tensor import Tensor
from .hooks import Hooks

__all__ = ["IncompatibleKeys", "State"]

#: What hooks get as `local_metadata`: the version of the form in which a module writes its state.
METADATA = {"version": 1}


class IncompatibleKeys(NamedTuple):
    """What could not be matched: names of the module without a value, and values without a name."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class State(Hooks):
    """What `Module` inherits: `state_dict` and `load_state_dict`."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _get_name: Callable[[], str]
    named_modules: Callable[..., Any]

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Tensor]:
        """Return parameters and persistent buffers by dotted name.

        The values share memory with the module but are cut off from the graph; `keep_vars=True` gives the parameters
        themselves. A shared parameter stands under each of its names.
        """
        state = {} if destination is None else destination
        self._run_hooks("state_dict_pre", prefix, keep_vars)
        for name, value in self._local_state().items():
            state[prefix + name] = value if keep_vars else value.detach()
        for name, child in self._modules.items():
            if child is not None:
                child.state_dict(destination=state, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        self._run_hooks("state_dict", state, prefix, dict(METADATA))
        return state

    def _local_state(self) -> dict[str, Tensor]:
        """This module's own parameters and persistent buffers."""
        buffers = {name: b for name, b in self._buffers.items() if name not in self._non_persistent_buffers_set}
        return {name: value for name, value in {**self._parameters, **buffers}.items() if value is not None}

    def _state(self, prefix: str = "") -> dict[str, Tensor]:
        """The parameters and persistent buffers of the tree by dotted name, whatever hooks make of them."""
        state = {prefix + name: value for name, value in self._local_state().items()}
        for name, child in self._modules.items():
            if child is not None:
                state |= child._state(f"{prefix}{name}.")
        return state

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy values into the parameters and persistent buffers of the same names.

        Everything is checked first: when an error is raised, nothing has been changed. (Where there are hooks that
        look at the names afterwards, missing and unexpected ones are an error after loading only.)

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            As from `state_dict()`. Arrays, and tensors of another library that NumPy can read, are taken as well.
        strict : bool
            Whether names missing from `state_dict`, and names it has too many, are errors.
        assign : bool
            Not covered: values are copied, so that an optimizer made before goes on working.

        Returns
        -------
        IncompatibleKeys
            The missing and the unexpected names (both empty when `strict`).

        Raises
        ------
        RuntimeError
            With all missing, unexpected and mismatched names.
        TypeError
            When `state_dict` is not a mapping.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        if assign:
            raise NotImplementedError("load_state_dict: assign=True is not covered; values are copied in place")
        given, keys = dict(state_dict), IncompatibleKeys([], [])
        problems: list[str] = []
        modules = [(f"{name}." if name else "", m) for name, m in self.named_modules(remove_duplicate=False)]
        for prefix, module in modules:
            module._run_hooks("load_state_dict_pre", given, prefix, dict(METADATA), strict, *keys, problems)

        own = self._state()
        keys.missing_keys.extend(name for name in own if name not in given)
        keys.unexpected_keys.extend(name for name in given if name not in own)
        arrays, mismatches = _match(own, given)
        problems += mismatches
        judges = [module for _, module in modules if module._hooks_of("load_state_dict")]
        self._raise_for(keys if strict and not judges else IncompatibleKeys([], []), problems)
        with no_grad():
            for name, array in arrays.items():
                own[name].copy_(Tensor._from_array(array))
        for module in reversed(judges):  # children before their parents
            module._run_hooks("load_state_dict", keys)
        self._raise_for(keys if strict else IncompatibleKeys([], []), [])
        return keys

    def _raise_for(self, keys: IncompatibleKeys, problems: list[str]) -> None:
        """Raise `RuntimeError` that lists names missing and unexpected, and other problems, if there are any."""
        lists = (("Missing", keys.missing_keys), ("Unexpected", keys.unexpected_keys))
        names = [f"{kind} key(s) in state_dict: {_quoted(list)}. " for kind, list in lists if list]
        if names or problems:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {self._get_name()}:\n\t" + "\n\t".join(names + problems)
            )


def _match(own: Mapping[str, Tensor], given: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the array for each name that both `own` and `given` have, and what is wrong with the others."""
    arrays, problems = {}, []
    for name, target in own.items():
        if name not in given:
            continue
        array = _as_array(given[name])
        if array is None:
            problems.append(
                f'While copying the parameter named "{name}", expected Tensor or Tensor-like object from checkpoint '
                f"but received {type(given[name])}"
            )
        elif array.shape != target.array.shape:
            problems.append(
                f"size mismatch for {name}: copying a param with shape {array.shape} from checkpoint, "
                f"the shape in current model is {target.array.shape}."
            )
        else:
            arrays[name] = array
    return arrays, problems


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _as_array(value: Any) -> np.ndarray | None:
    """Return the numbers in a tensor (ours or another library's) or array; None when `value` is something else."""
    if isinstance(value, Tensor):
        return value.array
    if not hasattr(value, "__array__"):
        return None
    try:
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError):  # a dtype that NumPy does not know
        return None
    return array if array.dtype.kind in "biuf" else None
