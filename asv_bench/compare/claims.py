"""fastgrok against the machine, on more threads, at larger sizes, beside the book: the rest of the README's figures."""

from statistics import median

from ..benchmarks.workloads import ROWS, LanguageModel
from . import book, growth, limits

BOLD = "**{}**"


def against_the_machine(results: dict) -> str:
    """The limits of the machine, and the share of them that kernels reach; what stays below its goal is bold."""
    found = results["limits"]
    columns = list(found)
    lines = [
        f"| against the machine | {' | '.join(_threads(int(n)) for n in columns)} | goal |",
        "|---" * (len(columns) + 2) + "|",
        _rates("multiply-adds in registers", "peak", found, "GFLOP/s"),
        _rates("copying memory", "copy", found, "GB/s"),
    ]
    goals = {f"product {size}": ("peak", goal) for size, goal in limits.PRODUCTS.items()}
    goals |= {name: ("copy", goal) for name, goal in limits.STREAMS.items()}
    for name, (limit, goal) in goals.items():
        cells = []
        for n in columns:
            reached = limits.shares(found[n], name, limit)
            cells.append(f"{reached:.0%}" if reached >= goal else BOLD.format(f"{reached:.0%}"))
        lines.append(f"| {_title(name)} | {' | '.join(cells)} | {goal:.0%} of the {limit} |")
    return "\n".join(lines)


def _threads(n: int) -> str:
    return "one thread" if n == 1 else f"{n} threads"


def _title(name: str) -> str:
    word, _, size = name.partition(" ")
    return f"matrix product, {size} x {size} x {size}" if word == "product" else name


def _rates(title: str, name: str, found: dict, unit: str) -> str:
    return f"| {title} | {' | '.join(f'{median(rates[name]) / 1e9:.1f} {unit}' for rates in found.values())} | |"


def by_threads(results: dict) -> str:
    """How many times faster rows are on all threads than on one."""
    most = str(results["threads"])
    lines = [f"| {most} threads beside one | times as fast | rounds | goal |", "|---|---|---|---|"]
    for name, row in results["by_threads"].items():
        if "error" in row:
            lines.append(f"| {ROWS[name].title} | {row['error'].replace('|', '/')} | | |")
            continue
        ratios = [one / all_ for one, all_ in zip(row["1"], row[most], strict=True)]
        faster, spread = median(ratios), f"{min(ratios):.2f} to {max(ratios):.2f}"
        goal = thread_goal(name) if most == "2" else None
        cell = BOLD.format(f"{faster:.2f}") if goal and round(faster, 2) < goal else f"{faster:.2f}"
        lines.append(f"| {ROWS[name].title} | {cell} | {spread} | {goal or ''} |")
    return "\n".join(lines)


def thread_goal(name: str) -> float | None:
    """What two threads should gain in a row, by its hidden units."""
    if ROWS[name].make is not LanguageModel:
        return None
    units = ROWS[name].sizes.get("H", 512)
    return next((goal for least, goal in sorted(limits.THREADS.items(), reverse=True) if units >= least), None)


def growing(results: dict) -> str:
    """How far from a straight line time is over B, T and L, and how flat over the length of a text."""
    sweeps = results["growth"]
    words = []
    for letter in growth.LINEAR:
        curve = sweeps[letter]
        ours, theirs = (
            growth.deviation_from_a_line(curve["sizes"], [median(seconds) for seconds in curve[library]])
            for library in ("fastgrok", "torch")
        )
        words.append(f"over the {growth.WORDS[letter]} by {ours:.0%} (PyTorch {theirs:.0%})")
    text = sweeps["length"]
    each = [median(seconds) * 1e6 for seconds in text["fastgrok"]]
    lengths = ", ".join(f"{size:,}" for size in text["sizes"])
    times = ", ".join(f"{time:.1f}" for time in each)
    return (
        f"Of the straight line that is closest to a step's times, the worst point is off {', '.join(words)}. An epoch "
        f"over texts of {lengths} characters takes {times} µs per character."
    )


def beside_the_book(results: dict) -> str:
    """The book's own classes on the book's own text."""
    found = results["book"]
    ours, theirs = median(found["fastgrok"]), median(found["book"])
    return (
        f"The book's own classes take {theirs:.2f} s for a training step of their Shakespeare LSTM (batch {book.B}, "
        f"{book.T} steps, H = {book.H}, float64), fastgrok's layers {ours * 1e3:.0f} ms in float32: "
        f"{book.ratio(found):.0f} times as fast."
    )
