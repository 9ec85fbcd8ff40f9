"""The table that `model.summary()` prints."""

from collections.abc import Callable
from typing import Any

__all__ = ["summary"]


def summary(model: Any, print_fn: Callable[[str], Any] = print) -> None:
    """Print the layers of a model, the shapes of their outputs and the numbers of their weights."""
    rows = [("Layer (type)", "Output Shape", "Param #")]
    for layer in model.layers:
        shape = str(layer.output_shape) if layer.built else "?"
        rows.append(
            (f"{layer.name} ({type(layer).__name__})", shape, f"{layer.count_params() if layer.built else 0:,}")
        )
    widths = [max(len(row[k]) for row in rows) for k in range(3)]

    def line(row: tuple[str, ...]) -> str:
        return f" {row[0]:<{widths[0]}}   {row[1]:<{widths[1]}}   {row[2]:>{widths[2]}} "

    total = sum(_sizes(model.weights))
    trainable = sum(_sizes(model.trainable_weights))
    bar = "─" * len(line(rows[0]))
    lines = [f'Model: "{model.name}"', bar, line(rows[0]), bar, *map(line, rows[1:]), bar]
    for label, count in (("Total", total), ("Trainable", trainable), ("Non-trainable", total - trainable)):
        lines.append(f" {label} params: {count:,} ({_bytes(4 * count)})")
    for text in lines:
        print_fn(text)


def _sizes(weights: list[Any]) -> list[int]:
    return [weight.numpy().size for weight in weights]


def _bytes(count: float) -> str:
    for unit in ("B", "KB", "MB"):
        if count < 1024:
            return f"{count:.2f} {unit}"
        count /= 1024
    return f"{count:.2f} GB"
