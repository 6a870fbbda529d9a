"""Translation engines: one file each, and the file's name is the engine's.

A file defines `build(params) -> Engine`.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

import pandas as pd

from pipeline.errors import InputError
from pipeline.params.whole import Params
from pipeline.progress import Progress
from pipeline.translation.sentences import Answer, Check, Sentence


class Engine(Protocol):
    """What turns the drawn English pairs into parallel pairs."""

    version: str
    """What the translations depend on besides the text, for the manifest."""

    def usable(self, pool: pd.DataFrame, languages: tuple[str, ...]) -> pd.DataFrame:
        """Return the pairs of the pool that can be translated into every language.

        Asked before the draw, so that the assignment never depends on what was translated.

        Raises:
            InputError: the engine does not know one of the languages.
        """

    def known(self, sentences: Sequence[Sentence], check: Check) -> dict[Sentence, Answer]:
        """Return the translations that are there, and why there are none; ask nobody.

        Args:
            sentences: what is to be translated. Those that nobody was asked for yet are missing
                in the answer.
            check: refuses translations.
        """

    def ask(self, sentences: Sequence[Sentence], check: Check, progress: Progress) -> str | None:
        """Have sentences translated, so that `known` knows each of them.

        Returns:
            None, or why it stopped with some of them missing.
        """

    def refusals(self, sentences: Sequence[Sentence]) -> dict[str, int]:
        """Return how often answers to these sentences were refused, by reason."""


def engines() -> tuple[str, ...]:
    """Return the names of the engines that there are."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


def build(params: Params) -> Engine:
    """Return the engine that params.yaml names.

    Raises:
        InputError: there is no such engine.
    """
    name = params.paws15.engine
    if name not in engines():
        raise InputError(
            f"params.yaml: paws15.engine: expected one of {', '.join(engines())}, found {name!r}"
        )
    engine: Engine = import_module(f"{__name__}.{name}").build(params)
    return engine
