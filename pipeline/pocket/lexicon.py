"""data/pocket/lexicon.csv -> concepts, and which of them entail or exclude one another.

A concept is a phrase of one slot of a sentence. Concepts of the same incompatible set exclude one
another where their values differ; where the values are the same they are synonyms, or the one is
a kind of the other (`kind_of`). Concepts of different sets of a slot say nothing of one another.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline.errors import InputError
from pipeline.languages import LANGUAGES

SLOTS = ("subject", "verb", "object", "manner", "place", "time")
"""The slots of a sentence, in the order in which a concept sequence lists them."""

COLUMNS = (
    "concept",
    "part_of_speech",
    "slot",
    "incompatible_set",
    "value",
    "kind_of",
    "gender",
)


@dataclass(frozen=True)
class Concept:
    """One row of the lexicon.

    Attributes:
        name: the row's key.
        slot: one of SLOTS.
        incompatible_set: concepts of one set with different values exclude one another.
        value: concepts of one set with the same value mean the same, but for `kind_of`.
        kind_of: the more general concept of the same set and value, or "".
        feminine: whether verbs with two forms take the second one after this subject.
        forms: language -> the phrase, or masculine|feminine.
    """

    name: str
    part_of_speech: str
    slot: str
    incompatible_set: str
    value: str
    kind_of: str
    feminine: bool
    forms: dict[str, str]


@dataclass(frozen=True)
class Lexicon:
    """All concepts, in the file's order."""

    concepts: tuple[Concept, ...]

    @cached_property
    def by_name(self) -> dict[str, Concept]:
        """The concepts by their names."""
        return {concept.name: concept for concept in self.concepts}

    @cached_property
    def sets(self) -> dict[str, dict[str, dict[str, tuple[str, ...]]]]:
        """Slot -> incompatible set -> value -> concepts, in the file's order."""
        found: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {slot: {} for slot in SLOTS}
        for one in self.concepts:
            values = found[one.slot].setdefault(one.incompatible_set, {})
            values[one.value] = (*values.get(one.value, ()), one.name)
        return found

    @cached_property
    def general(self) -> frozenset[str]:
        """The concepts of which another one is a kind."""
        return frozenset(one.kind_of for one in self.concepts if one.kind_of)

    def hypothesis_words(self, slot: str, incompatible_set: str, value: str) -> tuple[str, ...]:
        """The concepts that another one entails: the general one, or all synonyms."""
        group = self.sets[slot][incompatible_set][value]
        return tuple(name for name in group if name in self.general) or group

    def premise_words(self, slot: str, incompatible_set: str, value: str) -> tuple[str, ...]:
        """The concepts that entail another one: the special ones, or all synonyms."""
        group = self.sets[slot][incompatible_set][value]
        return tuple(name for name in group if self.by_name[name].kind_of) or group


def read_lexicon(path: Path) -> Lexicon:
    """Read and validate the lexicon.

    Raises:
        InputError: the file is missing, or a row breaks a rule; the message names the row.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the lexicon, found no such file")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        expected = [*COLUMNS, *sorted(LANGUAGES), "unsure"]
        if reader.fieldnames is None or list(reader.fieldnames) != expected:
            raise InputError(
                f"{path}, row 1: expected the columns {', '.join(expected)}, "
                f"found {', '.join(reader.fieldnames or ['nothing'])}"
            )
        concepts = []
        for row in reader:
            concepts.append(_concept(row, place=f"{path}, row {reader.line_num}"))
    _distinct(concepts, path)
    lexicon = Lexicon(tuple(concepts))
    _hangs_together(lexicon, path)
    return lexicon


def _concept(row: dict[str, str | None], *, place: str) -> Concept:
    if None in row or None in row.values():
        raise InputError(f"{place}: expected {len(COLUMNS) + len(LANGUAGES) + 1} cells")
    cells = {key: (value or "").strip() for key, value in row.items()}
    for column in ("concept", "part_of_speech", "slot", "incompatible_set", "value", *LANGUAGES):
        if not cells[column]:
            raise InputError(f"{place}: {column}: expected some text, found nothing")
    if cells["slot"] not in SLOTS:
        raise InputError(
            f"{place}: slot: expected one of {', '.join(SLOTS)}, found {cells['slot']!r}"
        )
    if cells["gender"] not in {"", "f"}:
        raise InputError(f"{place}: gender: expected f or nothing, found {cells['gender']!r}")
    return Concept(
        name=cells["concept"],
        part_of_speech=cells["part_of_speech"],
        slot=cells["slot"],
        incompatible_set=cells["incompatible_set"],
        value=cells["value"],
        kind_of=cells["kind_of"],
        feminine=cells["gender"] == "f",
        forms={code: cells[code] for code in sorted(LANGUAGES)},
    )


def _distinct(concepts: Iterable[Concept], path: Path) -> None:
    """Refuse a name, or a phrase of one slot and language, that comes twice.

    Were a phrase to stand for two concepts, a synonym could change no word at all and a test
    sentence could return in another split under another concept.
    """
    seen: dict[tuple[str, str, str], str] = {}
    for row, one in enumerate(concepts, start=2):
        keys = [("concept", "", one.name)]
        keys += [
            (code, one.slot, form)
            for code, forms in one.forms.items()
            for form in sorted(set(forms.split("|")))
        ]
        for key in keys:
            if key in seen:
                raise InputError(
                    f"{path}, row {row}: {key[0]}: expected another word than in {seen[key]}, "
                    f"found {key[2]!r}"
                )
            seen[key] = f"row {row}"


def _hangs_together(lexicon: Lexicon, path: Path) -> None:
    for row, one in enumerate(lexicon.concepts, start=2):
        place = f"{path}, row {row}"
        group = lexicon.sets[one.slot][one.incompatible_set]
        if len(group) < 2:
            raise InputError(
                f"{place}: incompatible_set: expected two values or more in "
                f"{one.incompatible_set!r}, found {one.value!r} alone"
            )
        if len(group[one.value]) < 2:
            raise InputError(
                f"{place}: value: expected two concepts or more of {one.value!r}, found one"
            )
        if one.kind_of and (one.kind_of not in group[one.value] or one.kind_of == one.name):
            raise InputError(
                f"{place}: kind_of: expected another concept of the same set and value, "
                f"found {one.kind_of!r}"
            )
        if one.kind_of and lexicon.by_name[one.kind_of].kind_of:
            raise InputError(f"{place}: kind_of: expected a concept that is itself a kind of none")
    for slot, sets in lexicon.sets.items():
        if len(sets) < 2:
            raise InputError(
                f"{path}: slot {slot}: expected two incompatible sets or more, found {len(sets)}"
            )
