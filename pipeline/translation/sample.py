"""A sample of pairs and the outcome of its translation: clean, replaced, refused, missing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.progress import Progress
from pipeline.translation.engines import Engine
from pipeline.translation.sentences import SIDES, Answer, Check, Sentence, sentences, sides


@dataclass(frozen=True)
class Sample:
    """The pairs to translate, in the order drawn, and spares that may replace refused ones.

    `drawn` has the columns pair_id, premise, hypothesis, language; `spares` has no language.
    """

    drawn: pd.DataFrame
    spares: pd.DataFrame


@dataclass(frozen=True)
class Replacement:
    """A pair that was replaced because of a quarantined sentence."""

    pair_id: str
    language: str
    reason: str
    by: str


@dataclass(frozen=True)
class Outcome:
    """The state of a sample's translation.

    Attributes:
        pairs: pair_id, premise, hypothesis, language, after replacements.
        answers: the answer to each sentence; those not asked for yet are missing.
        replaced: the replacements, in the order of the pairs.
        asked: every sentence that was wanted, including those of replaced pairs.
    """

    pairs: pd.DataFrame
    answers: Mapping[Sentence, Answer]
    replaced: tuple[Replacement, ...]
    asked: tuple[Sentence, ...]

    @property
    def missing(self) -> list[Sentence]:
        """The sentences that were not asked for yet."""
        return [sentence for sentence, answer in self._all() if answer.state == "missing"]

    @property
    def refused(self) -> list[tuple[Sentence, Answer]]:
        """The quarantined sentences."""
        return [(sentence, answer) for sentence, answer in self._all() if answer.state == "refused"]

    @property
    def clean(self) -> pd.DataFrame:
        """The pairs with two clean translations, as target_premise and target_hypothesis."""
        whole, own = self.pairs.copy(), list(self._all())
        for number, side in enumerate(SIDES):
            answers = (answer for _, answer in own[number :: len(SIDES)])
            texts = [answer.text if answer.state == "clean" else None for answer in answers]
            whole[f"target_{side}"] = pd.Series(texts, index=whole.index, dtype=object)
        return whole.dropna().reset_index(drop=True)

    @property
    def dates(self) -> dict[str, str]:
        """When the first and last sentences were accepted; empty if the engine keeps no dates."""
        at = sorted(answer.at for _, answer in self._all() if answer.state == "clean" and answer.at)
        return {"first": at[0], "last": at[-1]} if at else {}

    def by_language(self) -> pd.DataFrame:
        """Count by language: pairs, clean pairs; sentences clean, refused and missing."""
        states = [(sentence.language, answer.state) for sentence, answer in self._all()]
        frame = pd.DataFrame(states, columns=["language", "state"])
        counts = pd.crosstab(frame.language, frame.state)
        counts = counts.reindex(columns=["clean", "refused", "missing"], fill_value=0)
        counts = counts.rename(columns={"clean": "sentences"})
        clean = self.clean.language.value_counts().reindex(counts.index, fill_value=0)
        counts.insert(0, "pairs", self.pairs.language.value_counts())
        counts.insert(1, "clean", clean)
        return counts

    def _all(self) -> Iterator[tuple[Sentence, Answer]]:
        for sentence in sentences(self.pairs):
            yield sentence, self.answers.get(sentence, Answer())


def look_up(engine: Engine, sample: Sample, check: Check) -> Outcome:
    """Return a sample's outcome so far, without asking any server.

    Each refused pair is replaced by the next spare, in the same language. They are replaced in
    the order drawn, so a larger sample makes the same replacements for the pairs that it shares
    with a smaller one.
    """
    wanted = sentences(sample.drawn)
    answers = engine.known(wanted, check)
    spares = iter(sample.spares.to_dict("records"))
    asked, pairs, replaced = list(wanted), [], []
    for drawn in sample.drawn.to_dict("records"):
        pair = drawn
        while reason := _reason(sides(pair), answers):
            spare = next(spares, None)
            if spare is None:
                break
            replaced.append(
                Replacement(pair["pair_id"], pair["language"], reason, spare["pair_id"])
            )
            pair = {**spare, "language": pair["language"]}
            asked += sides(pair)
            answers |= engine.known(sides(pair), check)
        pairs.append(pair)
    frame = pd.DataFrame(pairs)[["pair_id", "premise", "hypothesis", "language"]]
    return Outcome(frame, answers, tuple(replaced), tuple(asked))


def _reason(pair: Sequence[Sentence], answers: Mapping[Sentence, Answer]) -> str | None:
    for sentence in pair:
        reason = answers.get(sentence, Answer()).reason
        if reason:
            return f"{sentence.side}: {reason}"
    return None


def translated(
    engine: Engine, sample: Sample, check: Check, *, progress: Progress
) -> tuple[Outcome, str | None]:
    """Ask an engine for the missing sentences of a sample.

    Returns:
        The outcome, and why the engine stopped before the end, if it did.
    """
    stopped = None
    while True:
        outcome = look_up(engine, sample, check)
        missing, whole = outcome.missing, len(SIDES) * len(outcome.pairs)
        if stopped or not missing:
            return outcome, stopped
        stopped = engine.ask(missing, check, _of_all(progress, missing=len(missing), whole=whole))


def _of_all(progress: Progress, *, missing: int, whole: int) -> Progress:
    """Return a Progress that also counts the sentences of earlier runs."""

    def tell(step: str, done: int, total: int, note: str = "") -> None:
        # A sentence in two pairs is asked for once, so `total` may be less than `missing`.
        progress(step, whole if done == total else whole - missing + done, whole, note)

    return tell
