"""What commands print to the terminal: progress bars, results and warnings."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from pipeline.progress import Progress

MINUTE = 60
"""Seconds."""


@contextmanager
def bar() -> Iterator[Progress]:
    """Show progress on stderr: bars with rate and note on a terminal, else a line per minute."""
    if not sys.stderr.isatty():
        with _lines() as show_line:
            yield show_line
        return
    from rich import progress
    from rich.console import Console
    from rich.text import Text

    class Rate(progress.ProgressColumn):
        """Steps per second, once there are two."""

        def render(self, task: progress.Task) -> Text:
            """Return the rate as text."""
            return Text(f"{task.speed:.1f}/s" if task.speed else "", justify="right")

    columns = (
        progress.TextColumn("{task.description:<12}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        Rate(),
        progress.TimeRemainingColumn(compact=True),
        progress.TextColumn("{task.fields[note]}"),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, progress.TaskID] = {}

        def show(step: str, done: int, total: int, note: str = "") -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total, note=note)
            bars.update(tasks[step], completed=done, total=total, note=note)

        yield show


@contextmanager
def _lines() -> Iterator[Progress]:
    """Print a line on stderr if none was printed for a minute."""
    printed = began = latest = monotonic()
    current = ""

    def show(step: str, done: int, total: int, note: str = "") -> None:
        nonlocal printed, began, latest, current
        if step != current:  # a step is first reported after a part of it
            began, current = latest, step
        latest = monotonic()
        if done and latest - printed >= MINUTE:
            printed, left = latest, (latest - began) / done * (total - done)
            parts = (f"{step} {done:,} of {total:,}", note, f"{left / MINUTE:.0f} min left")
            sys.stderr.write(", ".join(filter(None, parts)) + "\n")

    yield show


def say(line: str) -> None:
    """Print a line of result to stdout."""
    sys.stdout.write(line + "\n")


def warn(line: str) -> None:
    """Print a warning to stderr."""
    sys.stderr.write(f"warning: {line}\n")
