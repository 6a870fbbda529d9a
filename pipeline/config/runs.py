"""The blocks of params.yaml that say what is trained: settings, runs, grids of cells."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveInt, Strict, StringConstraints, field_validator, model_validator

from pipeline.config.blocks import LABELS, Label, Seed, distinct
from pipeline.config.strict import Name, RowName, Strictly

# YAML's lists are read as frozen tuples, whose elements stay strictly typed.
Names = Annotated[tuple[Name, ...], Strict(False)]
Shots = Annotated[tuple[PositiveInt, ...], Strict(False)]
Seeds = Annotated[tuple[Seed, ...], Strict(False)]


class Grid(Strictly):
    """Cells of training: every run at every number of shots with every seed."""

    runs: Names
    shots: Shots
    seeds: Seeds

    _distinct = field_validator("runs", "shots", "seeds")(distinct)

    @property
    def cells(self) -> tuple[tuple[str, int, int], ...]:
        """(run, shots, seed) of every cell, in the order of the lists."""
        return tuple((r, k, s) for r in self.runs for k in self.shots for s in self.seeds)


class Training(Strictly):
    """How a run is trained; every key may be overridden in a run's own block.

    `epoch` says what one pass is over: the labelled examples, the parallel pairs, or the
    longer of those that the method reads (the shorter one cycles).
    """

    epochs: PositiveInt
    batch_size: PositiveInt
    learning_rate: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)]
    clip: Annotated[float, Field(gt=0)]
    max_length: PositiveInt
    precision: Literal["float32", "bfloat16"]
    selection: Literal["best_dev", "last"]
    epoch: Literal["longest", "labelled", "pairs"]
    schedule: Literal["constant", "linear"] = "constant"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0
    trainable: Literal["all", "prompt"] = "all"


class Template(Strictly):
    """Eq. 1, 2 and 9: where the soft prompt stands and which word stands for which label."""

    position: Literal["prefix", "midfix", "suffix", "endfix"]
    verbalizer: dict[Label, Annotated[str, StringConstraints(min_length=1)]]

    @field_validator("verbalizer")
    @classmethod
    def _one_word_a_label(cls, words: dict[Label, str]) -> dict[Label, str]:
        for label in LABELS:
            if label not in words:
                raise ValueError(
                    f"expected a word for each of {', '.join(LABELS)}, found none for {label}"
                )
        distinct(tuple(words.values()))
        return words

    @property
    def label_words(self) -> tuple[str, ...]:
        """The label words in the order of the label ids."""
        return tuple(self.verbalizer[label] for label in LABELS)  # type: ignore[index]


class PairChoice(Strictly):
    """Which parallel pairs a run reads.

    Attributes:
        pairs: paws15, or xnli: the run's own labelled pairs with their translations.
        external_pairs: the first so many of PAWS-15; `paws15.pairs` where it is left out.
    """

    pairs: Literal["paws15", "xnli"] = "paws15"
    external_pairs: PositiveInt | None = None

    @model_validator(mode="after")
    def _counts_what_is_external(self) -> Self:
        if self.pairs == "xnli" and self.external_pairs is not None:
            raise ValueError("external_pairs: expected no such key where pairs are xnli")
        return self


class Run(Strictly):
    """A run by name: which method it is, and every setting that it is trained with.

    `settings` are the keys of the method's own; `overrides` are those that stand over the
    common blocks `training` and `template`.
    """

    name: str
    method: str
    overrides: Names
    training: Training
    template: Template
    parallel: PairChoice
    settings: dict[str, Any]


class Comparison(Strictly):
    """Which runs are set beside which.

    Attributes:
        reference: the run that every other run is compared with.
        baseline: the run over which the reference's gain is shown by language (Figure 3).
        table2: the rows of Table II below the reference: the paper's name of a row -> our run.
    """

    reference: Name
    baseline: Name
    table2: dict[RowName, Name]
