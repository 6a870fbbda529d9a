"""The blocks of params.yaml that a cell reads: languages, training, template, methods."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    ConfigDict,
    Field,
    PositiveInt,
    Strict,
    StringConstraints,
    field_validator,
    model_validator,
)

from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from pipeline.params.strict import LanguageCode, Name, Strictly, parse, read_yaml, shown

PARAMS = Path("params.yaml")
METHODS = Path(__file__).parent.parent / "methods"

LABELS = ("entailment", "neutral", "contradiction")
"""The labels in XNLI's order: the label ids 0, 1 and 2."""

Label = Literal["entailment", "neutral", "contradiction"]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
# YAML's lists are read as frozen tuples, whose elements stay strictly typed.
Names = Annotated[tuple[Name, ...], Strict(False)]
Languages = Annotated[tuple[LanguageCode, ...], Strict(False), Field(min_length=1)]
T = TypeVar("T")


def distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    """Return values of which none comes twice; a ValueError names one that does."""
    repeated = [value for value in values if values.count(value) > 1]
    if repeated:
        raise ValueError(f"expected distinct values, found {repeated[0]!r} twice")
    return values


class LanguageParams(Strictly):
    """The language of the labelled examples and those of the test."""

    source: LanguageCode
    targets: Languages

    @model_validator(mode="after")
    def _in_table(self) -> Self:
        for key, codes in (("source", (self.source,)), ("targets", self.targets)):
            for code in codes:
                if code not in LANGUAGES:
                    raise ValueError(
                        f"{key}: expected languages of the table in pipeline/languages.py "
                        f"({', '.join(LANGUAGES)}), found {code!r}"
                    )
        if self.source in self.targets:
            raise ValueError(
                f"targets: expected languages other than the source, found {self.source!r}"
            )
        return self

    _distinct = field_validator("targets")(distinct)

    @property
    def all(self) -> tuple[str, ...]:
        """The test languages: the source, then the targets."""
        return (self.source, *self.targets)


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


class Runs(Strictly):
    """The part of params.yaml that a cell reads; it ignores the other blocks."""

    model_config = ConfigDict(extra="ignore")

    languages: LanguageParams
    training: Training
    template: Template
    methods: dict[Name, dict[str, Any]]

    def run(self, name: str, *, place: str = str(PARAMS)) -> Run:
        """Return the run of this name, with its own settings over the common ones.

        Raises:
            InputError: there is no such entry, or a setting of it is impossible.
        """
        if name not in self.methods:
            raise InputError(
                f"{place}: methods: expected a run of {', '.join(self.methods)}, found {name!r}"
            )
        block, where = dict(self.methods[name]), f"{place}: methods.{name}"
        try:
            method = method_of(block)
        except ValueError as error:
            raise InputError(f"{where}.{error}") from None
        del block["method"]
        training, template, pairs = (
            {key: block.pop(key) for key in model.model_fields if key in block}
            for model in (Training, Template, PairChoice)
        )
        return Run(
            name=name,
            method=method,
            overrides=(*training, *template),
            training=parse(Training, self.training.model_dump() | training, place=where),
            template=parse(Template, self.template.model_dump() | template, place=where),
            parallel=parse(PairChoice, pairs, place=where),
            settings=block,
        )


def method_of(block: Mapping[str, Any]) -> str:
    """Return the method of an entry of `methods`: a file of pipeline/methods/, the registry.

    Raises:
        ValueError: there is no such file.
    """
    known = sorted(path.stem for path in METHODS.glob("[a-z]*.py") if path.stem != "base")
    method = block.get("method")
    if method not in known:
        raise ValueError(f"method: expected one of {', '.join(known)}, found {shown(method)}")
    return str(method)


def load_runs(path: Path = PARAMS) -> Runs:
    """Read the blocks of params.yaml that a cell reads.

    Raises:
        InputError: the file is missing, is no YAML, or a key, type or value is wrong.
    """
    return parse(Runs, read_params(path), place=str(path))


def read_params(path: Path) -> object:
    """Read params.yaml as DVC does.

    Raises:
        InputError: the file is missing or is no YAML.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the parameters in this folder, found no such file")
    return read_yaml(path)
