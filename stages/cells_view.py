"""Cells as they run: a table that changes on a terminal, a line for each elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.cluster.cells import State, Watcher, log_of
from pipeline.cluster.driver import expected_seconds, kind
from stages.terminal import say, warn

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

ROWS = 12
"""Running cells that are shown, held up and failed ones, where the terminal has room for them."""


class Cells:
    """What is known of all stages."""

    def __init__(self, names: Sequence[str], *, size: Callable[[], int]) -> None:
        """Begin with all of them waiting."""
        self.states = dict.fromkeys(names, State.WAITING)
        self.reasons: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.began: dict[str, float] = {}
        self.size = size
        self.start = time.monotonic()

    def __call__(self, name: str, state: State, note: str = "") -> None:
        """Take note of a stage's state."""
        if state is State.RUNNING:
            self.began[name] = time.monotonic()
        elif (began := self.began.pop(name, None)) is not None and state is State.DONE:
            self.seconds[name] = time.monotonic() - began
        self.reasons[name] = note
        self.states[name] = state

    def counts(self) -> str:
        """Return how many stages are in which state."""
        found = Counter(self.states.values())
        return ", ".join(f"{found[state]} {state}" for state in State if found[state])

    def notes(self, state: State) -> dict[str, str]:
        """Return what was said of the stages in a state, where something was."""
        return {
            name: self.reasons[name]
            for name, one in list(self.states.items())
            if one is state and self.reasons.get(name)
        }

    def left(self) -> float | None:
        """Return the seconds to go, from those of the cells that ran."""
        return expected_seconds(self.states, self.seconds, workers=self.size())


@contextmanager
def view(names: Sequence[str], *, size: Callable[[], int]) -> Iterator[Watcher]:
    """Show the stages while they run, and how they ended.

    Args:
        names: of all stages.
        size: how many run at once.
    """
    cells = Cells(names, size=size)
    show = _live if sys.stdout.isatty() else _lines
    try:
        with show(cells) as watch:
            yield watch
    finally:
        took = clock(time.monotonic() - cells.start)
        say(f"{cells.counts()} in {took}")
        for name, state in cells.states.items():
            if state is State.FAILED:
                warn(f"{name}: {cells.reasons[name]} ({log_of(name)})")


@contextmanager
def _lines(cells: Cells) -> Iterator[Watcher]:
    def tell(name: str, state: State, note: str = "") -> None:
        cells(name, state, note)
        if state is not State.UNCHANGED:
            took = f" in {cells.seconds[name]:.1f} s" if state is State.DONE else ""
            say(f"{name}: {state}{took}{f' ({note})' if note else ''}")
            sys.stdout.flush()

    yield tell


@contextmanager
def _live(cells: Cells) -> Iterator[Watcher]:
    from rich.console import Console
    from rich.live import Live

    console = Console()

    class Now:
        def __rich__(self) -> "Group":
            return _drawn(cells, height=console.height)

    with Live(Now(), console=console, refresh_per_second=2, transient=True):
        yield cells


def _drawn(cells: Cells, *, height: int) -> "Group":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    states, now = dict(cells.states), time.monotonic()
    kinds = _by_kind(states)
    left = cells.left()
    ends = f", about {clock(left)} to go" if left else ""
    # On top: what a low terminal cuts off is below.
    head = Text(f"{cells.counts()}\n{clock(now - cells.start)}{ends}\n")
    matrix = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    matrix.add_column("stage", overflow="ellipsis", no_wrap=True)
    shown = [state for state in State if state in states.values()]
    for state in shown:
        style = "red" if state is State.FAILED else ""
        matrix.add_column(str(state), justify="right", no_wrap=True, style=style)
    for row, found in kinds.items():
        matrix.add_row(row, *(str(found[state] or "") for state in shown))
    running = {name: clock(now - began) for name, began in list(cells.began.items())}
    cellwise = {
        State.RUNNING: running,
        State.WAITING: cells.notes(State.WAITING),
        State.FAILED: cells.notes(State.FAILED),
    }
    return Group(head, matrix, Text(), *_listed(cellwise, room=height - len(kinds) - 6))


def _listed(cellwise: dict[State, dict[str, str]], *, room: int) -> Iterator["Text"]:
    from rich.text import Text

    lists = [(state, list(notes.items())) for state, notes in cellwise.items() if notes]
    width = max((len(name) for _, notes in lists for name, _ in notes[:ROWS]), default=0)
    for place, (state, notes) in enumerate(lists):
        # Of each of the others one line, and how many more there are.
        fit = max(1, min(ROWS, room - 2 * (len(lists) - place - 1) - 1))
        for name, said in notes[:fit]:
            # A line each: the log has the whole of a reason.
            line = Text(f"{name:<{width}}  {said}", no_wrap=True, overflow="ellipsis")
            if state is State.FAILED:
                line.stylize("red", 0, len(name))
            yield line
        if len(notes) > fit:
            yield Text(f"{'':<{width}}  and {len(notes) - fit} more {state}")
        room -= min(fit + 1, len(notes))


def _by_kind(states: dict[str, State]) -> dict[str, Counter[State]]:
    found: dict[str, Counter[State]] = {}
    for name, state in states.items():
        found.setdefault(kind(name), Counter())[state] += 1
    return found


def clock(seconds: float) -> str:
    """Return seconds as a person says them."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
