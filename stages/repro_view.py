"""Shows the stages of `mpt repro` as they run: a table on a terminal, else a line per change."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipeline.cluster.states import State, States
from pipeline.cluster.task import group, log_path
from stages.terminal import say, warn

ROWS = 12  # the most stages listed per state, if the terminal is high enough


@contextmanager
def view(states: States, *, size: Callable[[], int]) -> Iterator[None]:
    """Show the stages while they run, `size()` at once, and at the end how they ended."""
    try:
        if sys.stdout.isatty():
            console = Console()

            def table() -> Group:
                return draw(states, size=size(), height=console.height)

            with Live(get_renderable=table, console=console, refresh_per_second=2, transient=True):
                yield
        else:
            states.watch = lambda name: _print(states, name)
            yield
    finally:
        say(f"{states} in {clock(time.monotonic() - states.started)}")
        for name, reason in states.with_reason(State.FAILED).items():
            warn(f"{name}: {reason} ({log_path(name)})")


def _print(states: States, name: str) -> None:
    state, reason = states.current[name], states.reasons[name]
    if state is not State.UNCHANGED:
        seconds = f" in {states.seconds[name]:.1f} s" if name in states.seconds else ""
        say(f"{name}: {state}{seconds}{f' ({reason})' if reason else ''}")
        sys.stdout.flush()


def draw(states: States, *, size: int, height: int) -> Group:
    """Return totals, states by matrix, and single stages, for a terminal of `height` lines."""
    now, left = time.monotonic(), states.seconds_left(workers=size)
    to_go = f", about {clock(left)} to go" if left else ""
    current = dict(states.current)
    groups = dict.fromkeys(map(group, current))
    counts = Counter((group(name), state) for name, state in current.items())
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("stage", overflow="ellipsis", no_wrap=True)
    shown = [state for state in State if state in current.values()]
    for state in shown:
        style = "red" if state is State.FAILED else ""
        table.add_column(state, justify="right", no_wrap=True, style=style)
    for name in groups:
        table.add_row(name, *(str(counts[name, state] or "") for state in shown))
    lists = {
        State.RUNNING: {name: clock(now - began) for name, began in list(states.began.items())},
        State.WAITING: states.with_reason(State.WAITING),
        State.FAILED: states.with_reason(State.FAILED),
    }
    # The totals come first, because a low terminal cuts off the end.
    head = Text(f"{states}\n{clock(now - states.started)}{to_go}\n")
    return Group(head, table, Text(), *_listed(lists, room=height - len(groups) - 6))


def _listed(lists: dict[State, dict[str, str]], *, room: int) -> Iterator[Text]:
    filled = {state: list(notes.items()) for state, notes in lists.items() if notes}
    width = max((len(name) for notes in filled.values() for name, _ in notes[:ROWS]), default=0)
    for position, (state, notes) in enumerate(filled.items(), start=1):
        # Each later list needs two lines: one stage, and how many more there are.
        fit = max(1, min(ROWS, room - 2 * (len(filled) - position) - 1))
        for name, note in notes[:fit]:
            # Cut off to one line; the log has the whole reason.
            line = Text(f"{name:<{width}}  {note}", no_wrap=True, overflow="ellipsis")
            if state is State.FAILED:
                line.stylize("red", 0, len(name))
            yield line
        if len(notes) > fit:
            yield Text(f"{'':<{width}}  and {len(notes) - fit} more {state}")
        room -= min(fit + 1, len(notes))


def clock(seconds: float) -> str:
    """Return a duration in words: 5.2 s, 1:20 min, 3:05 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
