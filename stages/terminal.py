"""What commands print to the terminal: progress bars, results and warnings."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.progress import Progress, silent


@contextmanager
def bar() -> Iterator[Progress]:
    """Draw progress bars on stderr, with rate and note, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield silent
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


def say(line: str) -> None:
    """Print a line of result to stdout."""
    sys.stdout.write(line + "\n")


def warn(line: str) -> None:
    """Print a warning to stderr."""
    sys.stderr.write(f"warning: {line}\n")
