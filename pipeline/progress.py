"""How library code reports progress without a terminal."""

from typing import Protocol


class Progress(Protocol):
    """A function that is called during a long step; stages/terminal.py draws a bar from it."""

    def __call__(self, step: str, done: int, total: int, note: str = "") -> None:
        """Report the progress of a step.

        Args:
            step: its name, in a few words; a new name starts a new bar.
            done: how much is done.
            total: how much there is to do.
            note: a number worth watching, such as the loss.
        """


def silent(step: str, done: int, total: int, note: str = "") -> None:
    """Report nothing."""
