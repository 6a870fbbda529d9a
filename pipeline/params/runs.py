"""The blocks of params.yaml that a cell reads: languages, training, template, methods."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    Field,
    PositiveInt,
    Strict,
    StringConstraints,
    field_validator,
    model_validator,
)

from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from pipeline.params.strict import (
    EITHER,
    KEYED,
    PLAIN,
    LanguageCode,
    Name,
    Strictly,
    parse,
    read_yaml,
    shown,
)
from pipeline.params.training import DURATION, Training

PARAMS = Path("params.yaml")
READ: dict[Path, list[str]] = {}
"""The texts of params.yaml that the command has read, for stages/guard.py."""

METHODS = Path(__file__).parent.parent / "methods"

BASE = "base"
"""The name of the backbone of the block `backbone`."""

LABELS = ("entailment", "neutral", "contradiction")
"""The labels in XNLI's order: the label ids 0, 1 and 2."""

ANSWERS = (*LABELS, "no label")
"""What may be predicted; the last, -1, is a piece of the vocabulary that stands for no label."""

Label = Literal["entailment", "neutral", "contradiction"]
Position = Literal["prefix", "midfix", "suffix", "endfix"]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
# YAML lists become tuples, whose elements stay strictly typed.
Names = Annotated[tuple[Name, ...], Strict(False)]
Languages = Annotated[tuple[LanguageCode, ...], Strict(False), Field(min_length=1)]
Text = Annotated[str, StringConstraints(min_length=1)]
T = TypeVar("T")


def distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    """Return distinct values; raise a ValueError that names one that occurs twice."""
    repeated = [value for value in values if values.count(value) > 1]
    if repeated:
        raise ValueError(f"expected distinct values, found {repeated[0]!r} twice")
    return values


def every_label(words: dict[Label, T]) -> dict[Label, T]:
    """Return words in the order of the label ids; raise a ValueError if a label has none."""
    if missing := [label for label in LABELS if label not in words]:
        raise ValueError(
            f"expected a word for each of {', '.join(LABELS)}, found none for {missing[0]}"
        )
    return {label: words[label] for label in LABELS}  # type: ignore[index, misc]


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


class Piece(Strictly):
    """A piece as the vocabulary writes it: `▁yes` begins a word, `yes` follows without a space."""

    piece: Text

    def __repr__(self) -> str:
        """Return the piece as params.yaml writes it."""
        return f"{{piece: {self.piece!r}}}"


Word = Annotated[Annotated[Text, PLAIN] | Annotated[Piece, KEYED], EITHER]


class Template(Strictly):
    """Eq. 1, 2 and 9: the position of the soft prompt, and the word for each label.

    `predict_over` is what the label words compete with: each other, or the whole vocabulary, in
    which another piece is a wrong answer.
    """

    position: Position
    verbalizer: dict[Label, Word]
    predict_over: Literal["label_words", "vocabulary"] = "label_words"

    @field_validator("verbalizer")
    @classmethod
    def _one_word_per_label(cls, words: dict[Label, Word]) -> dict[Label, Word]:
        words = every_label(words)
        distinct(tuple(words.values()))
        return words

    @property
    def label_words(self) -> tuple[Word, ...]:
        """The label words in the order of the label ids."""
        return tuple(self.verbalizer.values())


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


class DeclaredInputs(Strictly):
    """What a run reads besides the text of all runs: files or folders, by the method's names."""

    inputs: dict[Name, Text] = Field(default_factory=dict)


def matched_name(run: str) -> str:
    """Return the name of the same run with as many updates as comparison.reference."""
    return f"{run}_matched"


class Run(Strictly):
    """An entry of `methods`: a method, and every setting that it is trained with.

    `settings` are the method's own keys; `overrides` are the entry's keys that override the
    common blocks `training` and `template`. `backbone` is the name of its backbone, by default
    `first_backbone`, which is that of params.yaml.
    """

    name: str
    method: str
    backbone: str
    first_backbone: str
    overrides: Names
    training: Training
    template: Template
    parallel: PairChoice
    inputs: dict[Name, Text]
    settings: dict[str, Any]

    def place(self, block: str, key: str) -> str:
        """Return where params.yaml sets a key: in the run's own entry or in a common block."""
        if key in self.overrides:
            block = f"methods.{self.name}"
        return f"{PARAMS}: {block}.{key}"

    def require_epochs(self, epochs: int) -> None:
        """Raise an InputError if a training of this many epochs has none that may be kept.

        A run of no epochs is not trained, so nothing is selected.
        """
        first = self.training.select_from
        if 0 < epochs < first:
            raise InputError(
                f"{self.place('training', 'select_from')}: expected at most the number of epochs "
                f"of run {self.name}, {epochs}, found {first}"
            )


class Runs(Strictly, extra="ignore"):
    """The part of params.yaml that a cell reads; other blocks are ignored.

    The blocks `backbone`, `backbones`, `fewshot` and `paws15` are as in the file: a cell only
    compares them with the notes of its inputs, and takes the first backbone's name.
    """

    languages: LanguageParams
    training: Training
    template: Template
    methods: dict[Name, dict[str, Any]]
    backbone: Any = None
    backbones: Any = None
    fewshot: Any
    paws15: Any

    @model_validator(mode="after")
    def _has_one_block_of_backbones(self) -> Self:
        if (self.backbone is None) == (self.backbones is None):
            found = "neither" if self.backbone is None else "both"
            raise ValueError(f"backbone: expected either this key or backbones, found {found}")
        return self

    @property
    def sources(self) -> Mapping[str, Any]:
        """The sources of the backbones by name, that of runs without the key `backbone` first."""
        sources: Mapping[str, Any] = self.backbones or {BASE: self.backbone}
        return sources

    def backbone_key(self, name: str) -> str:
        """Return the key of params.yaml that holds the source of a backbone."""
        return f"backbones.{name}" if self.backbones else "backbone"

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
        training, template, pairs, inputs = (
            {key: settings.pop(key) for key in model.model_fields if key in settings}
            for model in (Training, Template, PairChoice, DeclaredInputs)
        )
        names = list(self.sources)
        if (backbone := settings.pop("backbone", names[0])) not in names:
            raise InputError(
                f"{where}.backbone: expected one of {', '.join(names)}, found {shown(backbone)}"
            )
        common = self.training.model_dump()
        if DURATION & training.keys():
            common = {key: value for key, value in common.items() if key not in DURATION}
        return Run(
            name=name,
            method=method,
            backbone=backbone,
            first_backbone=names[0],
            overrides=(*training, *template),
            training=parse(Training, common | training, place=where),
            template=parse(Template, self.template.model_dump() | template, place=where),
            parallel=parse(PairChoice, pairs, place=where),
            inputs=parse(DeclaredInputs, inputs, place=where).inputs,
            settings=settings,
        )


def input_place(run: str, name: str) -> str:
    """Return where params.yaml declares an input of a run."""
    return f"{PARAMS}: methods.{run}.inputs.{name}"


def require_input(path: str, *, run: str, name: str) -> None:
    """Raise an InputError if a declared input of a run does not exist."""
    if not Path(path).exists():
        raise InputError(f"{input_place(run, name)}: expected a file or folder, found no {path}")


def load_runs(path: Path = PARAMS) -> Runs:
    """Read the blocks of params.yaml that a cell reads; raise an InputError if one is wrong."""
    return parse(Runs, read_params(path), place=str(path))


def read_params(path: Path) -> object:
    """Read params.yaml as DVC does; raise an InputError if it is missing or not YAML."""
    text, values = read_yaml(path, expected="the parameters in this folder")
    READ.setdefault(path, []).append(text)
    return values
