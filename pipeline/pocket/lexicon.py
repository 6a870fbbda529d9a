"""data/pocket/lexicon.csv -> concepts: phrases that fill one slot of a sentence.

Concepts of the same incompatible set exclude each other if their values differ. With equal values
they are synonyms, or one is a kind of the other. Concepts of different sets are unrelated.
"""

import csv
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pipeline.errors import InputError
from pipeline.files import reading

SLOTS = ("subject", "verb", "object", "manner", "place", "time")
"""The slots of a sentence, in the order of a `Sentence`."""

CODES = ("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")
"""The languages of the miniature: XNLI's."""

FILLED = ("concept", "part_of_speech", "slot", "incompatible_set", "value", *CODES)
COLUMNS = (*FILLED[:5], "kind_of", "gender", *FILLED[5:], "unsure")


@dataclass(frozen=True)
class Concept:
    """One row of the lexicon; `origin` is the file and row, for messages."""

    origin: str
    name: str
    slot: str
    incompatible_set: str
    value: str
    kind_of: str  # the more general concept of the same set and value, or ""
    feminine: bool  # whether a verb with two forms takes the second one after this subject
    forms: dict[str, str] = field(compare=False)  # by language: phrase, or masculine|feminine


Group = list[Concept]
"""The concepts of one slot, incompatible set and value."""


@dataclass(frozen=True)
class Lexicon:
    """All concepts, in the file's order."""

    concepts: tuple[Concept, ...]

    @cached_property
    def sets(self) -> dict[str, dict[str, dict[str, Group]]]:
        """Slot -> incompatible set -> value -> concepts, in the file's order."""
        sets: dict[str, dict[str, dict[str, Group]]] = {slot: {} for slot in SLOTS}
        for concept in self.concepts:
            values = sets[concept.slot].setdefault(concept.incompatible_set, {})
            values.setdefault(concept.value, []).append(concept)
        return sets

    @cached_property
    def general(self) -> frozenset[str]:
        """The names of the concepts that others are a kind of."""
        return frozenset(concept.kind_of for concept in self.concepts if concept.kind_of)


def wrong_cell(origin: str, column: str, expected: str, found: str) -> InputError:
    """Return the error about a cell of the lexicon."""
    return InputError(f"{origin}: {column}: expected {expected}, found {found!r}")


def read_lexicon(path: Path) -> Lexicon:
    """Read and validate the lexicon.

    Raises:
        InputError: the file is missing, or a row breaks a rule; the message names the row.
    """
    opened = reading(path, "a CSV file in UTF-8", expected="the lexicon")
    with opened, path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        columns = tuple(reader.fieldnames or ["nothing"])
        if columns != COLUMNS:
            expected = f"expected the columns {', '.join(COLUMNS)}"
            raise InputError(f"{path}, row 1: {expected}, found {', '.join(columns)}")
        rows = (_concept(cells, f"{path}, row {reader.line_num}") for cells in reader)
        lexicon = Lexicon(tuple(rows))
    _check(lexicon)
    for slot, sets in lexicon.sets.items():
        if len(sets) < 2:
            expected = "expected two or more incompatible sets"
            raise InputError(f"{path}: slot {slot}: {expected}, found {len(sets)}")
    return lexicon


def _concept(row: dict[str, str | None], origin: str) -> Concept:
    if None in row or None in row.values():
        raise InputError(f"{origin}: expected {len(COLUMNS)} cells")
    cells = {column: (text or "").strip() for column, text in row.items()}
    for column in FILLED:
        if not cells[column]:
            raise wrong_cell(origin, column, "some text", "")
    if cells["slot"] not in SLOTS:
        raise wrong_cell(origin, "slot", f"one of {', '.join(SLOTS)}", cells["slot"])
    if cells["gender"] not in {"f", ""}:
        raise wrong_cell(origin, "gender", "f or nothing", cells["gender"])
    return Concept(
        origin=origin,
        name=cells["concept"],
        slot=cells["slot"],
        incompatible_set=cells["incompatible_set"],
        value=cells["value"],
        kind_of=cells["kind_of"],
        feminine=cells["gender"] == "f",
        forms={code: cells[code] for code in CODES},
    )


def _check(lexicon: Lexicon) -> None:
    """Refuse duplicates, sets and values that leave nothing to choose from, and a wrong `kind_of`.

    If one phrase named two concepts of a slot, replacing a synonym might change no word, and a
    test sentence might reappear in another split.
    """
    special = {concept.name for concept in lexicon.concepts if concept.kind_of}
    origins: dict[tuple[str, str, str], str] = {}
    for concept in lexicon.concepts:
        words = [("concept", "", concept.name)]
        for code, forms in concept.forms.items():
            words += [(code, concept.slot, form) for form in forms.split("|")]
        for word in words:
            other = origins.setdefault(word, concept.origin)
            if other != concept.origin:
                raise wrong_cell(concept.origin, word[0], f"another word than in {other}", word[2])
        values = lexicon.sets[concept.slot][concept.incompatible_set]
        names, kind = {other.name for other in values[concept.value]}, concept.kind_of
        for column, holds, expected in (
            ("incompatible_set", len(values) > 1, "a set of two or more values"),
            ("value", len(names) > 1, "a value of two or more concepts"),
            ("kind_of", kind in {"", *names} - {concept.name}, "another concept of the same value"),
            ("kind_of", kind not in special, "a concept that is no special case itself"),
        ):
            if not holds:
                raise wrong_cell(concept.origin, column, expected, getattr(concept, column))
