"""The translation of a sample of pairs: its outcome, manifest.json, a table for the terminal."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from pipeline.corpora.drawing import content_hash
from pipeline.params.text import Paws15
from pipeline.progress import Progress
from pipeline.translation.engines import Engine
from pipeline.translation.sentences import Answer, Check, Sentence, sides


@dataclass(frozen=True)
class Outcome:
    """The state of a sample's translation.

    Attributes:
        pairs: pair_id, premise, hypothesis, language, after replacements.
        answers: the answer to each sentence; those not asked for yet are missing.
        replaced: pair_id, language, reason and the pair_id of the new pair, in the order drawn.
        asked: every sentence that was wanted, including those of replaced pairs.
    """

    pairs: pd.DataFrame
    answers: Mapping[Sentence, Answer]
    replaced: list[dict[str, str]]
    asked: list[Sentence]

    @cached_property
    def sentences(self) -> list[Sentence]:
        """The sentences of the pairs, in their order."""
        return [sentence for pair in self.pairs.to_dict("records") for sentence in sides(pair)]

    def in_state(self, state: str) -> dict[Sentence, Answer]:
        """Return the sentences in a state of Answer.state, with their answers."""
        answers = ((sentence, self.answers.get(sentence, Answer())) for sentence in self.sentences)
        return {sentence: answer for sentence, answer in answers if answer.state == state}

    @property
    def clean(self) -> pd.DataFrame:
        """The pairs with two clean translations, as target_premise and target_hypothesis."""
        clean = self.in_state("clean")
        rows = [
            pair | {f"target_{side.side}": clean[side].text for side in sides(pair)}
            for pair in self.pairs.to_dict("records")
            if clean.keys() >= set(sides(pair))
        ]
        columns = [*self.pairs.columns, "target_premise", "target_hypothesis"]
        return pd.DataFrame(rows, columns=columns)


def look_up(engine: Engine, drawn: pd.DataFrame, *, spares: pd.DataFrame, check: Check) -> Outcome:
    """Return the outcome so far, without asking any server.

    Each refused pair of `drawn` (pair_id, premise, hypothesis, language) is replaced by the next
    of the `spares` (which have no language), in the same language. They are replaced in the order
    drawn, so a larger sample makes the same replacements for the pairs that it shares with a
    smaller one.
    """
    pairs, replaced, unused = [], [], iter(spares.to_dict("records"))
    asked = [sentence for pair in drawn.to_dict("records") for sentence in sides(pair)]
    answers = defaultdict(Answer, engine.known(asked, check))
    for pair in drawn.to_dict("records"):
        kept = pair
        while refused := [sentence for sentence in sides(kept) if answers[sentence].reason]:
            spare = next(unused, None)
            if spare is None:
                break
            gone = {key: kept[key] for key in ("pair_id", "language")}
            reason = f"{refused[0].side}: {answers[refused[0]].reason}"
            replaced.append(gone | {"reason": reason, "by": spare["pair_id"]})
            kept = spare | {"language": kept["language"]}
            asked += sides(kept)
            answers |= engine.known(sides(kept), check)
        pairs.append(kept)
    columns = ["pair_id", "premise", "hypothesis", "language"]
    return Outcome(pd.DataFrame(pairs, columns=columns), answers, replaced, asked)


def translated(
    engine: Engine, drawn: pd.DataFrame, *, spares: pd.DataFrame, check: Check, progress: Progress
) -> tuple[Outcome, str | None]:
    """Translate pairs; return the outcome, and why the engine stopped before the end, if so."""
    stopped = None
    while True:
        outcome = look_up(engine, drawn, spares=spares, check=check)
        if stopped or not outcome.in_state("missing"):
            return outcome, stopped
        stopped = engine.ask(outcome.sentences, check, progress)


def manifest(
    outcome: Outcome, pool: pd.DataFrame, paws15: Paws15, engine: Engine
) -> dict[str, Any]:
    """Return the contents of manifest.json; `pool` are the pairs that were drawn from.

    Dates and refusals come from the engine's journal, so another run with the same journal
    writes the same bytes.
    """
    pairs = outcome.pairs
    dates = sorted(answer.at for answer in outcome.in_state("clean").values() if answer.at)
    return {
        "engine": paws15.engine,
        "engine_version": engine.version,
        "normalization": engine.normalization,
        "dates": {"first": dates[0], "last": dates[-1]} if dates else {},
        "seed": paws15.seed,
        "assignment": paws15.assignment,
        "pairs": len(pairs),
        "counts": pairs.language.value_counts().sort_index().to_dict(),
        "refusals": engine.refusals(outcome.asked),
        "replaced": outcome.replaced,
        "pool": len(pool),
        "pool_sha256": content_hash(sorted(zip(pool.premise, pool.hypothesis, strict=True))),
        "languages": dict(zip(pairs.pair_id, pairs.language, strict=True)),
    }


def table_by_language(outcome: Outcome) -> str:
    """Return a table for the terminal: pairs and sentences by language and state."""
    languages = {"pairs": outcome.pairs.language, "clean": outcome.clean.language}
    for column, state in {"sentences": "clean", "refused": "refused", "missing": "missing"}.items():
        codes = [sentence.language for sentence in outcome.in_state(state)]
        languages[column] = pd.Series(codes, dtype=object)
    counts = pd.DataFrame({column: codes.value_counts() for column, codes in languages.items()})
    counts = counts.fillna(0).astype(int).sort_index()
    counts.loc["all"] = counts.sum()
    return counts.reset_index(names="language").to_string(index=False, col_space=10)
