"""The blocks of params.yaml that name cells and the comparisons between them."""

from typing import Annotated, Self

from pydantic import PositiveInt, Strict, field_validator, model_validator

from pipeline.params.runs import Languages, Names, Seed, all_or_distinct, distinct
from pipeline.params.strict import Name, RowName, Strictly

Shots = Annotated[tuple[PositiveInt, ...], Strict(False)]
Seeds = Annotated[tuple[Seed, ...], Strict(False)]


class Grid(Strictly):
    """Cells: every run with every number of shots and every seed."""

    runs: Names
    shots: Shots
    seeds: Seeds

    _distinct = field_validator("runs", "shots", "seeds")(distinct)

    @model_validator(mode="after")
    def _has_a_cell_if_it_has_a_run(self) -> Self:
        for key in ("shots", "seeds"):
            if self.runs and not getattr(self, key):
                raise ValueError(f"{key}: expected at least one entry beside runs, found []")
        return self

    @property
    def cells(self) -> tuple[tuple[str, int, int], ...]:
        """(run, shots, seed) of every cell, in the order of the lists."""
        return tuple((r, k, s) for r in self.runs for k in self.shots for s in self.seeds)


class Comparison(Strictly):
    """The runs to compare, and the languages to compare them in: None for all test languages."""

    reference: Name  # all others are compared with it
    baseline: Name  # Figure 3 shows its difference from the reference by language
    table2: dict[RowName, Name]  # the paper's name of a row below the reference -> our run
    languages: Languages | None = None

    _all_or_distinct = field_validator("languages", mode="wrap")(all_or_distinct)
