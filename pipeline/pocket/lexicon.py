"""data/pocket/lexicon.csv -> concepts, and which of them entail or exclude each other.

A concept fills one slot of a sentence with a phrase. Two concepts of the same incompatible set
exclude each other if their values differ. With equal values they are synonyms, or one is a kind
of the other (`kind_of`). Concepts of different sets are unrelated.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pipeline.errors import InputError
from pipeline.languages import LANGUAGES

SLOTS = ("subject", "verb", "object", "manner", "place", "time")
"""The slots of a sentence, in the order in which a concept sequence lists them."""

FILLED = ("concept", "part_of_speech", "slot", "incompatible_set", "value", *sorted(LANGUAGES))
"""The columns that need text in every row."""

COLUMNS = (*FILLED[:5], "kind_of", "gender", *sorted(LANGUAGES), "unsure")


@dataclass(frozen=True)
class Concept:
    """One row of the lexicon.

    Attributes:
        origin: the file and row, for messages.
        kind_of: the name of the more general concept with the same set and value, or "".
        feminine: whether verbs with two forms use the second one after this subject.
        forms: language -> the phrase, or masculine|feminine.
    """

    origin: str
    name: str
    slot: str
    incompatible_set: str
    value: str
    kind_of: str
    feminine: bool
    forms: dict[str, str] = field(compare=False)


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
        """The names of concepts that have a special case."""
        return frozenset(concept.kind_of for concept in self.concepts if concept.kind_of)

    def entailed(self, group: Group) -> Group:
        """Return the concepts that others of the group entail: the general one, or all synonyms."""
        return [concept for concept in group if concept.name in self.general] or group

    def entailing(self, group: Group) -> Group:
        """Return the concepts that entail others of the group: special cases, or all synonyms."""
        return [concept for concept in group if concept.kind_of] or group


def wrong_cell(origin: str, column: str, expected: str, found: str) -> InputError:
    """Return the error for a cell of the lexicon."""
    return InputError(f"{origin}: {column}: expected {expected}, found {found!r}")


def read_lexicon(path: Path) -> Lexicon:
    """Read and validate the lexicon.

    Raises:
        InputError: the file is missing, or a row breaks a rule; the message names the row.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the lexicon, found no such file")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise InputError(
                f"{path}, row 1: expected the columns {', '.join(COLUMNS)}, "
                f"found {', '.join(reader.fieldnames or ['nothing'])}"
            )
        concepts = tuple(_concept(cells, f"{path}, row {reader.line_num}") for cells in reader)
    _check_words(concepts)
    lexicon = Lexicon(concepts)
    _check_relations(lexicon)
    for slot, sets in lexicon.sets.items():
        if len(sets) < 2:
            raise InputError(
                f"{path}: slot {slot}: expected two or more incompatible sets, found {len(sets)}"
            )
    return lexicon


def _concept(row: dict[str, str | None], origin: str) -> Concept:
    if None in row or None in row.values():
        raise InputError(f"{origin}: expected {len(COLUMNS)} cells")
    cells = {column: (text or "").strip() for column, text in row.items()}
    for column in FILLED:
        if not cells[column]:
            raise wrong_cell(origin, column, "some text", "")
    for column, words in (("slot", SLOTS), ("gender", ("f", ""))):
        if cells[column] not in words:
            expected = f"one of {', '.join(word or 'nothing' for word in words)}"
            raise wrong_cell(origin, column, expected, cells[column])
    return Concept(
        origin=origin,
        name=cells["concept"],
        slot=cells["slot"],
        incompatible_set=cells["incompatible_set"],
        value=cells["value"],
        kind_of=cells["kind_of"],
        feminine=cells["gender"] == "f",
        forms={code: cells[code] for code in sorted(LANGUAGES)},
    )


def _check_words(concepts: Iterable[Concept]) -> None:
    """Refuse duplicate names, and duplicate phrases within one slot and language.

    If one phrase named two concepts, replacing a synonym might change no word, and a test sentence
    might reappear in another split under another concept.
    """
    origins: dict[tuple[str, str, str], str] = {}
    for concept in concepts:
        keys = [("concept", "", concept.name)]
        for code, forms in concept.forms.items():
            keys += [(code, concept.slot, form) for form in sorted(set(forms.split("|")))]
        for key in keys:
            other = origins.setdefault(key, concept.origin)
            if other != concept.origin:
                raise wrong_cell(concept.origin, key[0], f"another word than in {other}", key[2])


def _check_relations(lexicon: Lexicon) -> None:
    """Refuse sets and values that leave nothing to choose from, and a wrong `kind_of`."""
    special = {concept.name for concept in lexicon.concepts if concept.kind_of}
    for concept in lexicon.concepts:
        values = lexicon.sets[concept.slot][concept.incompatible_set]
        names, kind = {other.name for other in values[concept.value]}, concept.kind_of
        for column, holds, expected in (
            ("incompatible_set", len(values) > 1, "a set of two or more values"),
            ("value", len(names) > 1, "a value of two or more concepts"),
            ("kind_of", kind in {"", *names} - {concept.name}, "another concept of the same value"),
            ("kind_of", kind not in special, "a concept without a kind_of of its own"),
        ):
            if not holds:
                raise wrong_cell(concept.origin, column, expected, getattr(concept, column))
