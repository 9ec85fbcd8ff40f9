"""What options of optimizers may be, said once for all of them."""

from typing import Any

from .optimizer import check_number

__all__ = ["check_at_least_zero", "check_betas", "refuse_modes"]

#: What PyTorch calls an option in its messages, where that is not "<name> value".
_WORDS = {"lr": "learning rate", "eps": "epsilon value"}


def check_at_least_zero(owner: str, options: dict[str, Any], *names: str) -> None:
    """Raise `TypeError` or `ValueError` unless the options called `names` are numbers of at least 0."""
    for name in names:
        check_number(owner, name, options[name])
    for name in names:
        if not options[name] >= 0.0:  # so that NaN is refused as well
            raise ValueError(f"Invalid {_WORDS.get(name, f'{name} value')}: {options[name]}")


def check_betas(owner: str, betas: Any) -> None:
    """Raise `TypeError` or `ValueError` unless `betas` is a pair of numbers with 0 <= beta < 1."""
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise ValueError(f"{owner}: betas={betas!r}, expected a pair of numbers")
    for index, beta in enumerate(betas):
        check_number(owner, f"betas[{index}]", beta)
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")


def refuse_modes(owner: str, options: dict[str, Any]) -> None:
    """Raise `NotImplementedError` for PyTorch's options that change how a step is recorded, not what it computes."""
    for name in ("capturable", "differentiable"):
        if options.get(name):
            raise NotImplementedError(f"{owner}: {name}={options[name]!r} is not covered, expected False")
