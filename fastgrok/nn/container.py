"""Modules that hold modules: `Sequential` runs them one after another, `ModuleList` and `ModuleDict` only keep them."""

import operator
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Self

from ..errors import MemberError
from .merging import steps
from .module import Module

__all__ = ["ModuleDict", "ModuleList", "Sequential"]


class _Numbered(Module):
    """Children in an order: what `Sequential` and `ModuleList` have in common."""

    def _key(self, index: int) -> str:
        """Return the name of the child at `index`, which may count from the end."""
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range for {len(self)} modules")
        return list(self._modules)[index]

    def _renumber(self, modules: Iterable[Module]) -> None:
        """Make `modules` the children, under the names "0", "1", and so on."""
        object.__setattr__(self, "_modules", {})
        for module in modules:
            self.append(module)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._slice(index)
        return self._modules[self._key(index)]

    def _slice(self, index: slice) -> "_Numbered":
        raise NotImplementedError(f"{type(self).__name__} has no slices")

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)
        removed = set(names[index] if isinstance(index, slice) else [self._key(index)])
        self._renumber([self._modules[name] for name in names if name not in removed])  # type: ignore[misc]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def append(self, module: Module) -> Self:
        """Add a module at the end. Returns the container."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end. Returns the container."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Insert a module before position `index`. Returns the container.

        Raises `TypeError` for something that is no `Module`, `IndexError` when there is no such position.
        """
        if not isinstance(module, Module):
            raise MemberError(f"insert: module is {type(module).__name__}, expected a Module")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def pop(self, key: int | slice) -> Any:
        """Remove the module at position `key`, or those of a slice, and return what was there."""
        removed = self[key]
        del self[key]
        return removed


class Sequential(_Numbered):
    """Modules applied one after another, each to the output of the one before.

    Takes the modules, or one `OrderedDict` of names and modules. Indexing gives a module, slicing a `Sequential` that
    shares its modules.

    Examples
    --------
    >>> from fastgrok import nn
    >>> model = Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    >>> model[:2]
    Sequential(
      (0): Linear(in_features=4, out_features=8, bias=True)
      (1): Tanh()
    )
    """

    def __init__(self, *args: Any):
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            named = args[0].items()
        else:
            named = OrderedDict((str(i), module) for i, module in enumerate(args)).items()
        for name, module in named:
            self.add_module(name, module)

    def forward(self, input: Any) -> Any:
        """Pass `input` through all modules in turn."""
        for step in steps(self):
            input = step(input)
        return input

    def _slice(self, index: slice) -> "Sequential":
        return type(self)(OrderedDict(list(self._modules.items())[index]))

    def __add__(self, other: "Sequential") -> "Sequential":
        return Sequential(*self, *_sequential(other))

    def __iadd__(self, other: "Sequential") -> Self:
        return self.extend(_sequential(other))

    def __mul__(self, times: int) -> "Sequential":
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return Sequential(*list(self) * times)

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        return self.extend(list(self * times)[len(self) :])


def _sequential(other: object) -> "Sequential":
    if not isinstance(other, Sequential):
        raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
    return other


class ModuleList(_Numbered):
    """A list of modules whose parameters are found. It has no `forward` of its own.

    Examples
    --------
    >>> from fastgrok import nn
    >>> layers = ModuleList(nn.Linear(3, 3) for _ in range(4))
    >>> layers
    ModuleList(
      (0-3): 4 x Linear(in_features=3, out_features=3, bias=True)
    )
    >>> len(list(layers.parameters()))
    8
    """

    def __init__(self, modules: Iterable[Module] | None = None):
        super().__init__()
        self.extend(modules or ())

    def _slice(self, index: slice) -> "ModuleList":
        return type(self)(list(self)[index])

    def __add__(self, other: Iterable[Module]) -> "ModuleList":
        return ModuleList([*self, *other])

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)

    def __repr__(self) -> str:
        # A run of modules that look alike takes one line.
        runs: list[tuple[int, str]] = []
        for index, text in enumerate(map(repr, self)):
            if not runs or runs[-1][1] != text:
                runs.append((index, text))
        if not runs:
            return f"{self._get_name()}()"
        ends = [start - 1 for start, _ in runs[1:]] + [len(self) - 1]
        lines = []
        for (start, text), end in zip(runs, ends, strict=True):
            label = f"({start}): " if start == end else f"({start}-{end}): {end - start + 1} x "
            lines.append("  " + (label + text).replace("\n", "\n  "))
        return f"{self._get_name()}(\n" + "\n".join(lines) + "\n)"


class ModuleDict(Module):
    """A dictionary of modules whose parameters are found, in the order of their insertion. It has no `forward`.

    Takes a mapping, or pairs of names and modules. A name must be text, without a dot, and no attribute of the class.

    Examples
    --------
    >>> from fastgrok import nn
    >>> choices = ModuleDict({"in": nn.Linear(2, 3), "act": nn.Tanh()})
    >>> choices["out"] = nn.Linear(3, 1)
    >>> list(choices)
    ['in', 'act', 'out']
    >>> [name for name, _ in choices.named_parameters()]
    ['in.weight', 'in.bias', 'out.weight', 'out.bias']
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[Any] | None = None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Remove all modules."""
        self._modules.clear()

    def pop(self, key: str) -> Any:
        """Remove the module called `key` and return it. Raises `KeyError` when there is none."""
        return self._modules.pop(key)

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._modules.keys()

    def items(self) -> ItemsView[str, Any]:
        """Return the names with their modules."""
        return self._modules.items()

    def values(self) -> ValuesView[Any]:
        """Return the modules."""
        return self._modules.values()

    def update(self, modules: Mapping[str, Module] | Iterable[Any]) -> None:
        """Add the modules of a mapping, or of pairs of names and modules; they replace those of the same names."""
        for key, module in pairs("ModuleDict", modules):
            self[key] = module


def pairs(name: str, values: Any) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of a mapping, or of pairs; raises `TypeError` or `ValueError` for anything else."""
    if hasattr(values, "items"):
        yield from values.items()
        return
    if not isinstance(values, Iterable):
        raise TypeError(
            f"{name}.update should be called with an iterable of key/value pairs, but got {type(values).__name__}"
        )
    for i, pair in enumerate(values):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{name} update sequence element #{i} should be Iterable; is {type(pair).__name__}")
        both = tuple(pair)
        if len(both) != 2:
            raise ValueError(f"{name} update sequence element #{i} has length {len(both)}; 2 is required")
        yield both
