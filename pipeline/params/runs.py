"""The blocks of params.yaml that a cell reads: languages, training, template, methods."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import (
    Field,
    NonNegativeInt,
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

DURATION = {"epochs", "updates"}
"""The keys of `training` that exclude each other."""

Label = Literal["entailment", "neutral", "contradiction"]
Pass = Literal["longest", "labelled", "pairs"]
Position = Literal["prefix", "midfix", "suffix", "endfix"]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
# YAML lists become tuples, whose elements stay strictly typed.
Names = Annotated[tuple[Name, ...], Strict(False)]
Languages = Annotated[tuple[LanguageCode, ...], Strict(False), Field(min_length=1)]
T = TypeVar("T")


def distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    """Return distinct values; raise a ValueError that names one that occurs twice."""
    repeated = [value for value in values if values.count(value) > 1]
    if repeated:
        raise ValueError(f"expected distinct values, found {repeated[0]!r} twice")
    return values


def all_or_distinct(
    languages: object, listed: Callable[[object], tuple[str, ...]]
) -> tuple[str, ...] | None:
    """Return None for "all", or distinct languages; raise a ValueError for anything else."""
    if languages == "all":
        return None
    if not isinstance(languages, list | tuple) or not languages:
        wanted = "at least one entry" if languages in ([], ()) else "a list"
        raise ValueError(f"expected all or {wanted}")
    return distinct(listed(languages))


class LanguageParams(Strictly):
    """The language of the labelled examples, and those of the test."""

    source: LanguageCode
    targets: Languages

    @model_validator(mode="after")
    def _in_table(self) -> Self:
        for code in self.all:
            if code not in LANGUAGES:
                raise ValueError(
                    f"{'source' if code == self.source else 'targets'}: expected languages of the "
                    f"table in pipeline/languages.py ({', '.join(LANGUAGES)}), found {code!r}"
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
    """How a run is trained; a run's own entry may override every key.

    An `epoch` is a number of updates, or one pass over the labelled examples, the parallel pairs,
    or the longer of those that the method reads (the shorter is repeated). Training lasts for
    `epochs` or for `updates`, of which one is given; with 0 epochs a run is evaluated untrained.
    """

    epochs: NonNegativeInt | None = None
    updates: PositiveInt | None = None
    batch_size: PositiveInt
    learning_rate: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)]
    clip: Annotated[float, Field(gt=0)]
    max_length: PositiveInt
    precision: Literal["float32", "bfloat16"]
    selection: Literal["best_dev", "last"]
    epoch: Pass | PositiveInt
    schedule: Literal["constant", "linear"] = "constant"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0
    trainable: Literal["all", "prompt"] = "all"

    @field_validator("epoch", mode="before")
    @classmethod
    def _passes_or_updates(cls, epoch: object) -> object:
        if epoch in get_args(Pass) or (type(epoch) is int and epoch > 0):
            return epoch
        raise ValueError(
            f"expected {', '.join(get_args(Pass))} or a number of updates, found {shown(epoch)}"
        )

    @model_validator(mode="after")
    def _lasts_for_epochs_or_updates(self) -> Self:
        if self.epochs is None and self.updates is None:
            raise ValueError("epochs: expected this key, or updates, found neither")
        if self.epochs is not None and self.updates is not None:
            raise ValueError(
                f"updates: expected either epochs or updates, found {self.epochs} epochs and "
                f"{self.updates} updates"
            )
        return self


class Template(Strictly):
    """Eq. 1, 2 and 9: the position of the soft prompt, and the word for each label."""

    position: Position
    verbalizer: dict[Label, Annotated[str, StringConstraints(min_length=1)]]

    @field_validator("verbalizer")
    @classmethod
    def _one_word_per_label(cls, words: dict[Label, str]) -> dict[Label, str]:
        if missing := [label for label in LABELS if label not in words]:
            raise ValueError(
                f"expected a word for each of {', '.join(LABELS)}, found none for {missing[0]}"
            )
        distinct(tuple(words.values()))
        return words

    @property
    def label_words(self) -> tuple[str, ...]:
        """The label words in the order of the label ids."""
        return tuple(self.verbalizer[label] for label in LABELS)  # type: ignore[index]


class PairChoice(Strictly):
    """The parallel pairs of a run: PAWS-15, or XNLI's own text and translations.

    From XNLI these are the run's labelled pairs (`xnli`), or as many pairs as in PAWS-15, drawn
    from the training set without their labels (`xnli_unlabelled`).
    """

    pairs: Literal["paws15", "xnli", "xnli_unlabelled"] = "paws15"
    external_pairs: PositiveInt | None = None  # the first of PAWS-15; `paws15.pairs` by default

    @model_validator(mode="after")
    def _counts_only_external_pairs(self) -> Self:
        if self.pairs != "paws15" and (number := self.external_pairs):
            raise ValueError(
                f"external_pairs: expected no such key with pairs: {self.pairs}, found {number}"
            )
        return self


def matched_name(run: str) -> str:
    """Return the name of the same run with as many updates as comparison.reference."""
    return f"{run}_matched"


class Run(Strictly):
    """An entry of `methods`: a method, and every setting that it is trained with.

    `settings` are the method's own keys; `overrides` are the entry's keys that override the
    common blocks `training` and `template`.
    """

    name: str
    method: str
    overrides: Names
    training: Training
    template: Template
    parallel: PairChoice
    settings: dict[str, Any]


class Runs(Strictly, extra="ignore"):
    """The part of params.yaml that a cell reads; other blocks are ignored.

    The blocks `backbone`, `fewshot` and `paws15` are as in the file: a cell only compares them
    with the notes of its inputs.
    """

    languages: LanguageParams
    training: Training
    template: Template
    methods: dict[Name, dict[str, Any]]
    backbone: Any
    fewshot: Any
    paws15: Any

    def method_of(self, name: str) -> str:
        """Return the method of a run; raise a ValueError if pipeline/methods/ has no such file."""
        known = sorted(path.stem for path in METHODS.glob("[a-z]*.py"))
        method = self.methods[name].get("method")
        if method not in known:
            raise ValueError(
                f"methods.{name}.method: expected one of {', '.join(known)}, found {shown(method)}"
            )
        return str(method)

    def run(self, name: str, *, place: str = str(PARAMS)) -> Run:
        """Return the run of this name, with its own settings over the common ones.

        Raises:
            InputError: there is no such entry, or one of its settings is impossible.
        """
        if name not in self.methods:
            raise InputError(
                f"{place}: methods: expected one of {', '.join(self.methods)}, found {name!r}"
            )
        try:
            method = self.method_of(name)
        except ValueError as error:
            raise InputError(f"{place}: {error}") from None
        settings, where = dict(self.methods[name]), f"{place}: methods.{name}"
        del settings["method"]
        training, template, pairs = (
            {key: settings.pop(key) for key in model.model_fields if key in settings}
            for model in (Training, Template, PairChoice)
        )
        common = self.training.model_dump()
        if DURATION & training.keys():
            common = {key: value for key, value in common.items() if key not in DURATION}
        return Run(
            name=name,
            method=method,
            overrides=(*training, *template),
            training=parse(Training, common | training, place=where),
            template=parse(Template, self.template.model_dump() | template, place=where),
            parallel=parse(PairChoice, pairs, place=where),
            settings=settings,
        )


def load_runs(path: Path = PARAMS) -> Runs:
    """Read the blocks of params.yaml that a cell reads; raise an InputError if one is wrong."""
    return parse(Runs, read_params(path), place=str(path))


def read_params(path: Path) -> object:
    """Read params.yaml as DVC does; raise an InputError if it is missing or not YAML."""
    if not path.is_file():
        raise InputError(f"{path}: expected the parameters in this folder, found no such file")
    return read_yaml(path)
