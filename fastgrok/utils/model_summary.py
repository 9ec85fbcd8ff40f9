"""`summary`: what a model is made of, as a table of layers, shapes and numbers of parameters."""

from dataclasses import dataclass
from typing import Any

import fastgrok
from fastgrok.nn import Module

__all__ = ["Row", "Summary", "summary"]


@dataclass(frozen=True)
class Row:
    """One module: its path in the model, its type, what it returned, and the parameters that are its own.

    `output` is the shape of the last output as a tuple, a tuple of those where there were several tensors, and None
    for a module that was not called.
    """

    name: str
    kind: str
    depth: int
    output: Any
    parameters: int


@dataclass(frozen=True)
class Summary:
    """What `summary` returns; `print` shows it as a table.

    Attributes
    ----------
    rows : tuple of Row
        The model itself, then its modules as `named_modules` lists them.
    parameters, trainable : int
        Numbers in all parameters, and in those that require gradients. A shared parameter counts once.
    bytes : int
        What the parameters take in memory.
    """

    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    bytes: int

    def __str__(self) -> str:
        head = ("layer", "output", "parameters")
        table = [
            (
                "  " * row.depth + (f"{row.name.rpartition('.')[2]}: " if row.name else "") + row.kind,
                "-" if row.output is None else str(row.output),
                f"{row.parameters:,}" if row.parameters else "-",
            )
            for row in self.rows
        ]
        first, second, third = (max(len(line[k]) for line in (head, *table)) for k in range(3))
        lines = [f"{a:{first}}  {b:{second}}  {c:>{third}}" for a, b, c in (head, *table)]
        rule = "-" * (first + second + third + 4)
        total = f"{self.parameters:,} parameters, {self.trainable:,} of them trainable, {_size(self.bytes)}"
        return "\n".join([lines[0], rule, *lines[1:], rule, total])


def summary(model: Module, input_size: Any) -> Summary:
    """Run `model` once, and return its layers, the shapes of their outputs and their numbers of parameters.

    The model runs in eval mode and without gradients, and is left as it was.

    Parameters
    ----------
    model : nn.Module
    input_size : tuple of int, Tensor, or tuple of tensors
        The shape of an input with the batch's axis, of which zeros of the dtype of the first parameter are made; or an
        input itself, such as ids for an embedding; or several of them for a model with several inputs.

    Returns
    -------
    Summary

    Raises
    ------
    TypeError
        When `input_size` is neither of these. What the model itself raises is passed on.

    Examples
    --------
    >>> from fastgrok import nn
    >>> print(summary(nn.Sequential(nn.Linear(784, 40), nn.ReLU(), nn.Linear(40, 10)), (1, 784)))
    layer        output   parameters
    --------------------------------
    Sequential   (1, 10)           -
      0: Linear  (1, 40)      31,400
      1: ReLU    (1, 40)           -
      2: Linear  (1, 10)         410
    --------------------------------
    31,810 parameters, 31,810 of them trainable, 127.2 kB
    """
    inputs = _inputs(model, input_size)
    outputs: dict[int, Any] = {}
    modules = dict(model.named_modules())
    modes = {id(module): module.training for module in modules.values()}

    def keep(module: Module, arguments: Any, output: Any) -> None:
        outputs[id(module)] = _shapes(output)

    handles = [module.register_forward_hook(keep) for module in modules.values()]
    try:
        model.eval()
        with fastgrok.no_grad():
            model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
        for module in modules.values():
            module.training = modes[id(module)]

    counted: set[int] = set()
    rows = []
    for name, module in modules.items():
        own = [p for p in module.parameters(recurse=False) if id(p) not in counted]
        counted |= {id(p) for p in own}
        depth = name.count(".") + 1 if name else 0
        size = sum(p.numel() for p in own)
        rows.append(Row(name, type(module).__name__, depth, outputs.get(id(module)), size))
    parameters = list(model.parameters())  # each once
    return Summary(
        tuple(rows),
        parameters=sum(p.numel() for p in parameters),
        trainable=sum(p.numel() for p in parameters if p.requires_grad),
        bytes=sum(p.numel() * p.element_size() for p in parameters),
    )


def _inputs(model: Module, size: Any) -> tuple:
    """Return what to call the model with."""
    if isinstance(size, fastgrok.Tensor):
        return (size,)
    if isinstance(size, tuple | list) and size:
        if all(isinstance(part, fastgrok.Tensor) for part in size):
            return tuple(size)
        if all(isinstance(part, int) and not isinstance(part, bool) for part in size):
            dtype = next((p.dtype for p in model.parameters()), fastgrok.float32)
            return (fastgrok.zeros(*size, dtype=dtype),)
    raise TypeError(f"summary: input_size={size!r}, expected a shape such as (1, 784), a tensor or several tensors")


def _shapes(output: Any) -> Any:
    """Return the shape of a tensor, a tuple of shapes for several, None for anything else."""
    if isinstance(output, fastgrok.Tensor):
        return tuple(output.shape)
    if isinstance(output, dict):
        output = tuple(output.values())
    return tuple(map(_shapes, output)) if isinstance(output, tuple | list) else None


def _size(count: float) -> str:
    """Return a number of bytes for people to read."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.1f} {unit}" if unit != "bytes" else f"{count} bytes"
        count /= 1000
    return f"{count:.1f} GB"
