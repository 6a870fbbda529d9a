"""The drawn pairs and what became of them: translated, replaced, refused, missing."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.progress import Progress
from pipeline.translation.engines import Engine
from pipeline.translation.sentences import SIDES, Answer, Check, Sentence, sentences


@dataclass(frozen=True)
class Sample:
    """What was drawn.

    Attributes:
        drawn: pair_id, premise, hypothesis, language in the order drawn.
        spares: pair_id, premise, hypothesis of pairs that may replace refused ones; none where
            nothing is to be replaced.
    """

    drawn: pd.DataFrame
    spares: pd.DataFrame


@dataclass(frozen=True)
class Replacement:
    """A pair that took the place of one with a quarantined sentence."""

    pair_id: str
    language: str
    reason: str
    by: str


@dataclass(frozen=True)
class Standing:
    """How far a sample is.

    Attributes:
        pairs: pair_id, premise, hypothesis, language, replacements made.
        answers: what became of each of their sentences; those not asked for yet are missing.
        replaced: the replacements, in the order of the pairs.
        asked: every sentence that was wanted, those of replaced pairs too.
    """

    pairs: pd.DataFrame
    answers: Mapping[Sentence, Answer]
    replaced: tuple[Replacement, ...]
    asked: tuple[Sentence, ...]

    @property
    def missing(self) -> list[Sentence]:
        """The sentences that nobody was asked for yet."""
        return [one for one in sentences(self.pairs) if one not in self.answers]

    @property
    def refused(self) -> list[tuple[Sentence, Answer]]:
        """The sentences without a clean translation that are not to be asked for again."""
        found = [(one, self.answers.get(one)) for one in sentences(self.pairs)]
        return [(one, answer) for one, answer in found if answer and answer.reason]

    @property
    def clean(self) -> pd.DataFrame:
        """The pairs with two clean translations, as target_premise and target_hypothesis."""
        whole = self.pairs.copy()
        for side in SIDES:
            known = [self.answers.get(one) for one in sentences(self.pairs) if one.side == side]
            texts = [one.text if one and not one.reason else None for one in known]
            whole[f"target_{side}"] = pd.Series(texts, index=whole.index, dtype=object)
        return whole.dropna().reset_index(drop=True)

    @property
    def dates(self) -> dict[str, str]:
        """When the first and the last sentence were accepted; nothing where nobody noted it."""
        found = [self.answers.get(one) for one in sentences(self.pairs)]
        at = sorted(one.at for one in found if one and one.at and not one.reason)
        return {"first": at[0], "last": at[-1]} if at else {}

    def by_language(self) -> pd.DataFrame:
        """Return by language: pairs, clean pairs, sentences clean, refused and missing."""
        refused = {one for one, _ in self.refused}
        rows = [
            (one.language, one in self.answers and one not in refused, one in refused,
             one not in self.answers)
            for one in sentences(self.pairs)
        ]  # fmt: skip
        columns = ["language", "sentences", "refused", "missing"]
        counts = pd.DataFrame(rows, columns=columns).groupby("language").sum()
        pairs, clean = (one.language.value_counts() for one in (self.pairs, self.clean))
        counts.insert(0, "pairs", pairs)
        counts.insert(1, "clean", clean.reindex(counts.index, fill_value=0))
        return counts


def stand(engine: Engine, sample: Sample, check: Check) -> Standing:
    """Return how far a sample is, asking nobody.

    A refused pair's place goes to the next spare in the pair's language, place after place: a
    larger sample makes the same replacements for the places that it shares with a smaller one.
    """
    wanted = sentences(sample.drawn)
    answers = engine.known(wanted, check)
    spares = iter(sample.spares.to_dict("records"))
    asked, pairs, replaced = list(wanted), [], []
    for drawn in sample.drawn.to_dict("records"):
        pair = drawn
        while reason := _reason(_sides(pair), answers):
            spare = next(spares, None)
            if spare is None:
                break
            replaced.append(
                Replacement(pair["pair_id"], pair["language"], reason, spare["pair_id"])
            )
            pair = {**spare, "language": pair["language"]}
            asked += _sides(pair)
            answers |= engine.known(_sides(pair), check)
        pairs.append(pair)
    frame = pd.DataFrame(pairs)[["pair_id", "premise", "hypothesis", "language"]]
    return Standing(frame, answers, tuple(replaced), tuple(asked))


def translated(
    engine: Engine, sample: Sample, check: Check, *, progress: Progress
) -> tuple[Standing, str | None]:
    """Have a sample translated.

    Args:
        engine: asked for what is missing, and for nothing else.
        sample: the pairs.
        check: refuses translations.
        progress: told of every sentence.

    Returns:
        How far the sample is then, and why the engine stopped before the end, if it did.
    """
    while True:
        standing = stand(engine, sample, check)
        missing = standing.missing
        if not missing:
            return standing, None
        whole = len(sentences(standing.pairs))
        stopped = engine.ask(missing, check, _of_all(progress, missing=len(missing), whole=whole))
        if stopped:
            return stand(engine, sample, check), stopped


def _of_all(progress: Progress, *, missing: int, whole: int) -> Progress:
    """Return a Progress that counts what was there before along."""

    def tell(step: str, done: int, total: int, note: str = "") -> None:
        # A sentence that two pairs hold is asked for once.
        progress(step, whole if done == total else whole - missing + done, whole, note)

    return tell


def _sides(pair: Mapping[Hashable, str]) -> list[Sentence]:
    return [Sentence(pair["pair_id"], side, pair["language"], pair[side]) for side in SIDES]


def _reason(pair: Sequence[Sentence], answers: Mapping[Sentence, Answer]) -> str | None:
    for one in pair:
        answer = answers.get(one)
        if answer and answer.reason:
            return f"{one.side}: {answer.reason}"
    return None
