"""The results as text for the README, and where it goes there."""

import textwrap
from pathlib import Path
from statistics import median

from ..benchmarks.workloads import ROWS
from . import claims, rounds

BEGIN = "<!-- speed: begin (written by `make compare`) -->"
END = "<!-- speed: end -->"
_BEGINS = "<!-- speed: begin"


def write_into(path: Path, text: str) -> None:
    """Replace what stands between the two markers of a file, and nothing else.

    Raises ValueError, before anything is written, unless the file has one of each, in this order.
    """
    old = path.read_text("utf-8")
    if old.count(_BEGINS) != 1 or old.count(END) != 1 or old.index(_BEGINS) > old.index(END):
        raise ValueError(f"{path}: expected one '{_BEGINS} ... -->' and after it one '{END}'")
    head, rest = old.split(_BEGINS)
    tail = rest.split(END)[1]
    path.write_text(f"{head}{BEGIN}\n\n{text.strip()}\n\n{END}{tail}", "utf-8")


def section(results: dict, pictures: str | None = None) -> str:
    """Everything that the README says about speed: what was measured, and nothing else. `pictures` is their folder."""
    parts = [_prose(_circumstances(results))]
    if results["rows"]:
        parts += [rows(results), _prose(_score(results))]
    if "limits" in results:
        parts.append(claims.against_the_machine(results))
    if "by_threads" in results:
        parts.append(claims.by_threads(results))
    if "growth" in results:
        parts.append(_prose(claims.growing(results)))
        if pictures:
            parts.append(
                f"![Time over batch, steps, units, vocabulary, layers and length of text]({pictures}/growth.png)"
            )
    if "book" in results:
        parts.append(_prose(claims.beside_the_book(results)))
    parts += [_prose(f"Not measured: {part}, because {why}.") for part, why in results.get("failed", {}).items()]
    return "\n\n".join(parts)


def _prose(text: str) -> str:
    return textwrap.fill(text, 136, break_long_words=False, break_on_hyphens=False)


def _circumstances(results: dict) -> str:
    machine, versions = results["machine"], results["versions"]
    threads = "one thread" if results["threads"] == 1 else f"{results['threads']} threads"
    software = ", ".join(f"{name} {versions[key]}" for name, key in _SOFTWARE.items() if key in versions)
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}; {threads}. {software}, "
        f"Python {machine['python']}; {results['date']}{_load(machine)}. Both libraries start from the same weights, "
        f"PyTorch with its fused Adam; each in a process of its own, alternating rounds ({results['rounds']}). Times "
        "are medians over the rounds, and the ratio is the median of the rounds' ratios, beside it the lowest and the "
        "highest; above 1, fastgrok is faster. The peak is what the cores do in multiply-adds when no memory is in the "
        "way; of it, the products of a row take the share given. Memory is the peak of a process that does nothing but "
        f"this row, fastgrok's and PyTorch's.{_steady(results)}"
    )


def _steady(results: dict) -> str:
    """Which measurements count, where a run tells."""
    found = results.get("steady")
    if not found:
        return ""
    text = (
        " Before and after each measurement, work that belongs to neither library is timed: data passed from core to "
        f"core (at the fast end in {found['microseconds']:.0f} µs), and multiply-adds. Where either took half as long "
        f"again as at its fast end, the measurement was discarded and made again, {found['repeated']} times beside "
        f"{found['measured']} that count"
    )
    text += f", {found['disturbed']} of these although disturbed" if found["disturbed"] else ""
    text += f"; that and waiting took {found['seconds']:.0f} s."
    measured = [row for row in results["rows"].values() if "error" not in row]
    changes = [abs(rounds.ratio_with_discarded(row) / rounds.ratio(row) - 1) for row in measured]
    if changes:
        text += f" Were those of the rows counted, no ratio would change by more than {max(changes):.0%}."
    return text


def _load(machine: dict) -> str:
    """What else was running, where the system tells: with a load near the number of cores the figures mean little."""
    return f", at a load of {machine['load']:.1f}" if machine.get("load") is not None else ""


def _score(results: dict) -> str:
    """How many rows are won: nobody should have to count."""
    measured = [row for row in results["rows"].values() if "error" not in row]
    losing = sum(rounds.ratio(row) < 1 for row in measured)
    failed = len(results["rows"]) - len(measured)
    text = f"fastgrok is the faster one in {len(measured) - losing} of {len(measured)} rows; what it loses is **bold**."
    text += f" {failed} could not be measured." if failed else ""
    memory = [row for row in results.get("memory", {}).values() if "error" not in row]
    if memory:
        less = sum(row["fastgrok"] < row["torch"] for row in memory)
        text += f" It takes less memory in {less} of {len(memory)}."
    return text


_SOFTWARE = {"fastgrok": "fastgrok", "PyTorch": "torch", "Numba": "numba", "NumPy": "numpy"}


def rows(results: dict) -> str:
    """One line for every row of the run, in the order of the workloads."""
    lines = [
        "| one training step, or as said | fastgrok | PyTorch | ratio | rounds | of the peak | memory |",
        "|---|---|---|---|---|---|---|",
    ]
    names = [name for name in ROWS if name in results["rows"]]
    return "\n".join(lines + [_line(name, results) for name in names])


def _line(name: str, results: dict) -> str:
    row, title = results["rows"][name], ROWS[name].title
    memory = _memory(results.get("memory", {}).get(name))
    if "error" in row:
        return f"| {title} | {row['error'].replace('|', '/')} | | | | | {memory} |"
    ratios = rounds.ratios(row)
    middle = f"{median(ratios):.2f}" if median(ratios) < 10 else f"{median(ratios):.0f}"
    if median(ratios) < 1:
        middle, title = f"**{middle}**", f"**{title}**"
    ours, theirs = milliseconds(median(row["fastgrok"])), milliseconds(median(row["torch"]))
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    return f"| {title} | {ours} | {theirs} | {middle} | {spread} | {share(row, results)} | {memory} |"


def milliseconds(seconds: float) -> str:
    """A time in ms with three digits, of which no more than two stand behind the point."""
    value = seconds * 1e3
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} ms"


def share(row: dict, results: dict) -> str:
    """The operations of a row's products per second, as a share of the peak with as many threads; empty without one."""
    rates = results.get("limits", {}).get(str(results["threads"]))
    if not rates or not row.get("flops"):
        return ""
    return f"{row['flops'] / median(row['fastgrok']) / median(rates['peak']):.0%}"


def _memory(row: dict | None) -> str:
    """Peak of both processes, fastgrok's first; bold where it is not the smaller one."""
    if row is None:
        return ""
    if "error" in row:
        return row["error"].replace("|", "/")
    text = f"{row['fastgrok']:.0f} / {row['torch']:.0f} MB"
    return text if row["fastgrok"] < row["torch"] else f"**{text}**"
