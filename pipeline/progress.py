"""How library code tells of its progress without knowing of a terminal."""

from typing import Protocol


class Progress(Protocol):
    """What is called while a long step goes on; stages/terminal.py draws a bar from it."""

    def __call__(self, step: str, done: int, total: int, note: str = "") -> None:
        """Say how far a step is.

        Args:
            step: what is being done, in a few words; a new step, a new bar.
            done: how much of it is done.
            total: how much there is.
            note: a number worth seeing, such as the loss.
        """


def silent(step: str, done: int, total: int, note: str = "") -> None:
    """Tell nobody."""
