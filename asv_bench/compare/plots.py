"""Pictures of a run: the ratios of all rows, and how time grows. Needs matplotlib: pip install 'fastgrok[plot]'."""

from pathlib import Path
from statistics import median
from typing import Any

from ..benchmarks.workloads import ROWS
from . import growth, rounds

OURS, THEIRS = (
    {"color": "#c2410c", "marker": "o", "label": "fastgrok"},
    {"color": "#475569", "marker": "s", "label": "PyTorch"},
)


def draw(results: dict, folder: Path) -> list[Path]:
    """Write what the results have data for into a folder; return the files. None without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        print("no plots: they need matplotlib (pip install 'fastgrok[plot]')")
        return []
    written = []
    for name, wanted, paint in (("rows.png", "rows", _rows), ("growth.png", "growth", _growth)):
        if results.get(wanted):
            figure = Figure(layout="constrained")
            FigureCanvasAgg(figure)
            paint(figure, results)
            figure.savefig(folder / name, dpi=110)
            written.append(folder / name)
    return written


def _rows(figure: Any, results: dict) -> None:
    """A bar per row from 1 to its ratio, and a line from the lowest round to the highest."""
    names = [name for name in ROWS if "error" not in results["rows"].get(name, {"error": ""})]
    figure.set_size_inches(8, 1 + 0.28 * len(names))
    axes = figure.subplots()
    for place, name in enumerate(reversed(names)):
        ratios = rounds.ratios(results["rows"][name])
        style = OURS if median(ratios) >= 1 else THEIRS
        axes.barh(place, median(ratios) - 1, left=1, height=0.6, color=style["color"])
        axes.plot([min(ratios), max(ratios)], [place, place], color="black", linewidth=1)
    axes.set_yticks(range(len(names)), reversed(names), fontsize=8)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("time of PyTorch / time of fastgrok; right of 1, fastgrok is faster")


def _growth(figure: Any, results: dict) -> None:
    """A panel per size, with both libraries, and one for the length of the text."""
    figure.set_size_inches(10, 6)
    *panels, last = figure.subplots(2, 3).flat
    sweeps = results["growth"]
    for axes, letter in zip(panels, growth.SWEEPS, strict=True):
        curve = sweeps[letter]
        for library, style in (("fastgrok", OURS), ("torch", THEIRS)):
            axes.plot(curve["sizes"], [median(seconds) * 1e3 for seconds in curve[library]], **style)
        if letter != "L":
            axes.set_xscale("log", base=2)
            axes.set_yscale("log", base=2)
            axes.yaxis.set_major_formatter("{x:g}")
        _label(axes, f"{growth.WORDS[letter]} {letter}", "ms per step", curve["sizes"])
    text = sweeps["length"]
    last.plot(text["sizes"], [median(seconds) * 1e6 for seconds in text["fastgrok"]], **OURS)
    last.set_xscale("log", base=4)
    _label(last, "characters of text", "µs per character", text["sizes"])
    for axes in (panels[-1], last):
        axes.set_ylim(0, 1.1 * axes.get_ylim()[1])
    base = ", ".join(f"{letter} = {size}" for letter, size in growth.BASE.items())
    figure.suptitle(f"A training step of an LSTM language model around {base}", fontsize=10)
    panels[0].legend(fontsize=8)


def _label(axes: Any, x: str, y: str, ticks: list) -> None:
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
