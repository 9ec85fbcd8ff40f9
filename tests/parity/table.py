"""The list of rows: what is compared, under the name that users write. See CONTRIBUTING.md for how to add one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

import fastgrok
from parity.framework import Call, Layer, compare


@dataclass(frozen=True)
class Row:
    """A public name and how to try it.

    `strategy` draws `(arguments, keywords)`; for a `layer` `(arguments, keywords, inputs, options)` and further fields
    of `Layer` as a dict. `function`: what to call instead. `values=False`: compare shapes and dtypes only, for what is
    random. `exempt`: why there is nothing to compare.
    """

    name: str
    strategy: Any = None
    values: bool = True
    function: Callable | None = None
    layer: bool = False
    exempt: str = ""

    @property
    def cases(self) -> Any:
        """A strategy of what `compare` takes."""
        if self.layer:
            return st.builds(self._layer, self.strategy, st.integers(0, 999))
        return st.builds(self._call, self.strategy, st.integers(0, 4))

    def _call(self, drawn: tuple, form: int) -> Call:
        arguments, keywords = drawn
        takes_input = self.name.startswith("fastgrok.") and self.function is None
        if form == 4 and takes_input and len(arguments) == 1 and self.name not in OTHER_FIRST_ARGUMENT:
            arguments, keywords = (), {"input": arguments[0], **keywords}
        return Call(self.name, arguments, keywords, self.function)

    def _layer(self, drawn: tuple, seed: int) -> Layer:
        *parts, fields = drawn
        return Layer(self.name, *parts, seed=seed, **fields)

    def compare(self, case: Any) -> None:
        """Compare one case."""
        compare(case, self.values)


#: Functions whose first argument has another name than `input`.
OTHER_FIRST_ARGUMENT: set[str] = set()
ROWS: dict[str, Row] = {}


def homes(name: str) -> list[str]:
    """Return under which full names fastgrok has a short name: as a function, as a method of tensors or as both."""
    found = [f"fastgrok.{name}"] if name in fastgrok._HOME or name in fastgrok._ALIASES else []
    return found + ([f"Tensor.{name}"] if hasattr(fastgrok.Tensor, name) else [])


def rows(names: str, strategy: Any = None, **settings: Any) -> None:
    """Add rows for names separated by blanks; one without a dot stands for the function and the method."""
    for name in names.split():
        full = [name] if "." in name else homes(name)
        assert full, f"{name}: neither a function nor a method"
        for home in full:
            assert home not in ROWS, f"{home} has a row already"
            ROWS[home] = Row(home, strategy, **settings)


def layers(names: str, strategy: Any) -> None:
    """Add rows for layers; see `Row`."""
    rows(names, strategy, layer=True)


def other_first_argument(names: str) -> None:
    """Note functions whose first argument is not called `input`."""
    OTHER_FIRST_ARGUMENT.update(f"fastgrok.{name}" for name in names.split())


def exempt(reason: str, names: str) -> None:
    """Add names that have no counterpart in PyTorch, or no numbers."""
    rows(names, exempt=reason)
