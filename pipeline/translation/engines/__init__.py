"""Translation engines: one file each, whose name is the engine's.

A file defines `build(params) -> Engine`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pandas as pd

from pipeline.errors import InputError
from pipeline.params.whole import Params
from pipeline.progress import Progress
from pipeline.translation.checks import NORMALIZATION
from pipeline.translation.sentences import Answer, Check, Sentence


class Engine(ABC):
    """Translates the drawn English pairs.

    `ask` and `refusals` suit an engine that has all its translations at hand. `version` is
    whatever the translations depend on besides the text, for the manifest, and `normalization`
    what is changed in them before the checks, in words. An engine `asks_again` for a sentence if
    another answer may come.
    """

    version: str
    normalization: str | None = NORMALIZATION
    asks_again = False

    @abstractmethod
    def usable(self, pool: pd.DataFrame, languages: tuple[str, ...]) -> pd.DataFrame:
        """Return the pairs of the pool that can be translated into every language.

        It is called before the draw, so that the assignment never depends on any translation.

        Raises:
            InputError: the engine does not know one of the languages.
        """

    @abstractmethod
    def known(self, sentences: Sequence[Sentence], check: Check) -> dict[Sentence, Answer]:
        """Return the answers to sentences that need no server.

        Sentences that were not asked for yet are missing in the result.
        """

    def ask(self, sentences: Sequence[Sentence], check: Check, progress: Progress) -> str | None:
        """Have sentences translated, so that `known` has an answer to each.

        Returns:
            None, or why the engine stopped before the end.
        """
        del sentences, check, progress
        return None

    def refusals(self, sentences: Sequence[Sentence]) -> dict[str, int]:
        """Return how often answers to these sentences were refused, by reason."""
        del sentences
        return {}


def engines() -> tuple[str, ...]:
    """Return the names of all engines."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


def build(params: Params) -> Engine:
    """Return the engine that params.yaml names, or raise InputError if there is none."""
    name = params.paws15.engine
    if name not in engines():
        raise InputError(
            f"params.yaml: paws15.engine: expected one of {', '.join(engines())}, found {name!r}"
        )
    engine: Engine = import_module(f"{__name__}.{name}").build(params)
    return engine
