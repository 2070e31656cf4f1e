"""Tables for people."""

from runner.results import ratio


def table(title: str, head: list[str], rows: list[list[str]], notes: list[str] | None = None) -> str:
    """A title, columns as wide as they need to be (the first one to the left, all others to the right), and notes."""
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]

    def text(line: list[str]) -> str:
        cells = [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        return "  ".join(cells).rstrip()

    lines = [title, "", text(head), "  ".join("-" * width for width in widths)]
    lines += [text(row) for row in rows]
    lines += ["", *notes] if notes else []
    return "\n".join(lines)


def against(stasis: float | None, peer: float | None, shown: str) -> str:
    """A peer's number with how many times ours it is."""
    times = ratio(stasis, peer)
    if times is None:
        return shown
    return f"{shown} ({times:.{0 if times >= 100 else 1 if times >= 10 else 2}f}x)"


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 100 else f"{value:.0f} s"


def milliseconds(value: float) -> str:
    return f"{value * 1000:.0f} ms"


def megabytes(value: float) -> str:
    """Bytes, in units of a million."""
    return f"{value / 1e6:.1f} MB" if value < 1e8 else f"{value / 1e6:.0f} MB"
