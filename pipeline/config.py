"""params.yaml -> frozen, strict models; every error names its key."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, PositiveInt, Strict, StringConstraints, field_validator, model_validator

from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from pipeline.strict import LanguageCode, Name, Strictly, parse, read_yaml, shown

PARAMS = Path("params.yaml")
METHODS = Path(__file__).parent / "methods"

LABELS = ("entailment", "neutral", "contradiction")
"""The labels in XNLI's order: the label ids 0, 1 and 2."""

Label = Literal["entailment", "neutral", "contradiction"]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
# YAML's lists are read as frozen tuples, whose elements stay strictly typed.
Languages = Annotated[tuple[LanguageCode, ...], Strict(False), Field(min_length=1)]
Names = Annotated[tuple[Name, ...], Strict(False)]
Shots = Annotated[tuple[PositiveInt, ...], Strict(False)]
Seeds = Annotated[tuple[Seed, ...], Strict(False)]
Splits = Annotated[tuple[str, ...], Strict(False), Field(min_length=1)]
Positive = Annotated[float, Field(gt=0)]
T = TypeVar("T")


def _distinct(values: tuple[T, ...]) -> tuple[T, ...]:
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

    _distinct = field_validator("targets")(_distinct)

    @property
    def all(self) -> tuple[str, ...]:
        """The test languages: the source, then the targets."""
        return (self.source, *self.targets)


class Source(Strictly):
    """A Hub id, or a folder of the same layout.

    `revision` is a commit of a Hub repository. For a folder it may be any word: DVC sees a
    folder's name and revision, not what lies in it, so a change of the word says "read again".
    """

    path: Annotated[str, StringConstraints(min_length=1)]
    revision: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether `path` is a folder here; otherwise it is taken for a Hub id."""
        return Path(self.path).is_dir()


class PairSource(Source):
    """The source of parallel pairs, and the splits that make the English pool."""

    splits: Splits


class Datasets(Strictly):
    """Where the text comes from."""

    xnli: Source
    paws_x: PairSource


class Fewshot(Strictly):
    """How the k-shot splits come about.

    `source` is "sample" (drawn from XNLI) or a folder of given splits `k1/`, `k2/`, ...
    `per_seed` draws one split a training seed instead of one for all seeds.
    """

    source: Annotated[str, StringConstraints(min_length=1)]
    split_seed: Seed
    per_seed: bool

    @model_validator(mode="after")
    def _given_splits_are_fixed(self) -> Self:
        if self.source != "sample" and self.per_seed:
            raise ValueError("per_seed: expected false where source is a folder, found true")
        return self


class Translation(Strictly):
    """How engines of translation are asked, and what is asked of their answers.

    Attributes:
        requests_per_second: at most, for all workers together.
        workers: how many ask at once, each with a translator of its own.
        timeout: seconds that a request may take in all.
        attempts: refused answers to a sentence before it is quarantined.
        give_up_after: failures in a row before the stage stops with what it has.
        wait: seconds before the second try after a failure; doubled for each further one.
        wait_too_many: the same after "too many requests".
        replace: whether another pair takes the place of one that was quarantined.
        url: the engine's server, where it is not the engine's own.
        file: CSV or Parquet with the translations of engine `file`.
        length: by language, the bounds that stand over those of the table of languages.
    """

    requests_per_second: Positive = 2.0
    workers: PositiveInt = 1
    timeout: Positive = 20.0
    attempts: PositiveInt = 5
    give_up_after: PositiveInt = 10
    wait: Positive = 1.0
    wait_too_many: Positive = 60.0
    replace: bool = False
    url: Annotated[str, StringConstraints(min_length=1)] | None = None
    file: Annotated[str, StringConstraints(min_length=1)] | None = None
    length: dict[LanguageCode, Annotated[tuple[Positive, Positive], Strict(False)]] = Field(
        default_factory=dict
    )

    @field_validator("url")
    @classmethod
    def _without_credentials(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "http://none")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"expected an address http://... or https://..., found {url!r}")
        if parts.username or parts.password or parts.query:
            # The address goes into artifacts; a key in it would go along.
            raise ValueError("expected an address without user, password or query, found one with")
        return url


class Paws15(Strictly):
    """How the parallel pairs are drawn, assigned to languages and translated."""

    pairs: PositiveInt
    seed: Seed
    assignment: Literal["balanced", "uniform"]
    engine: Name
    languages: Literal["all"] | Languages
    translation: Translation = Translation()

    @field_validator("languages")
    @classmethod
    def _each_once(cls, languages: str | tuple[str, ...]) -> str | tuple[str, ...]:
        return languages if isinstance(languages, str) else _distinct(languages)


class Grid(Strictly):
    """Cells of training: every run at every number of shots with every seed."""

    runs: Names
    shots: Shots
    seeds: Seeds

    _distinct = field_validator("runs", "shots", "seeds")(_distinct)

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
        _distinct(tuple(words.values()))
        return words

    @property
    def label_words(self) -> tuple[str, ...]:
        """The label words in the order of the label ids."""
        return tuple(self.verbalizer[label] for label in LABELS)  # type: ignore[index]


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
    settings: dict[str, Any]


class Params(Strictly):
    """The whole of params.yaml."""

    languages: LanguageParams
    datasets: Datasets
    backbone: Source
    fewshot: Fewshot
    paws15: Paws15
    grid: Grid
    ablations: Grid
    training: Training
    template: Template
    methods: dict[Name, dict[str, Any]]

    @model_validator(mode="after")
    def _methods_exist(self) -> Self:
        there = sorted(path.stem for path in METHODS.glob("[a-z]*.py") if path.stem != "base")
        for name, block in self.methods.items():
            if block.get("method") not in there:
                raise ValueError(
                    f"methods.{name}.method: expected one of {', '.join(there)}, "
                    f"found {shown(block.get('method'))}"
                )
        return self

    @model_validator(mode="after")
    def _runs_exist(self) -> Self:
        for block in ("grid", "ablations"):
            for name in getattr(self, block).runs:
                if name not in self.methods:
                    raise ValueError(
                        f"{block}.runs: expected entries of methods "
                        f"({', '.join(self.methods)}), found {name!r}"
                    )
        both = set(self.grid.runs) & set(self.ablations.runs)
        if both:
            raise ValueError(f"ablations.runs: expected no run of grid.runs, found {min(both)!r}")
        return self

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        for name in self.grid.runs:
            method = self.methods[name]["method"]
            if method != name:
                raise ValueError(
                    f"grid.runs: expected runs named as their method, found {name!r} of method "
                    f"{method!r} (variants belong in ablations.runs)"
                )
        for shots in self.ablations.shots:
            if shots not in self.grid.shots:
                raise ValueError(
                    f"ablations.shots: expected some of grid.shots {list(self.grid.shots)}, "
                    f"found {shots}"
                )
        if self.paws15.languages != "all":
            for code in self.paws15.languages:
                if code not in self.languages.targets:
                    raise ValueError(
                        f"paws15.languages: expected some of languages.targets, found {code!r}"
                    )
        return self

    @property
    def pair_languages(self) -> tuple[str, ...]:
        """The target languages of the parallel pairs."""
        chosen = self.paws15.languages
        return self.languages.targets if chosen == "all" else chosen

    @property
    def cells(self) -> tuple[tuple[str, int, int], ...]:
        """(run, shots, seed) of every cell of the grid, then of the ablations."""
        return (*self.grid.cells, *self.ablations.cells)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every training seed of the grid and of the ablations, ascending."""
        return tuple(sorted({*self.grid.seeds, *self.ablations.seeds}))

    def run(self, name: str, *, place: str = str(PARAMS)) -> Run:
        """Return the run of this name, with its own settings over the common ones.

        Raises:
            InputError: there is no such entry, or a setting of it is impossible.
        """
        if name not in self.methods:
            raise InputError(
                f"{place}: methods: expected a run of {', '.join(self.methods)}, found {name!r}"
            )
        block = dict(self.methods[name])
        where = f"{place}: methods.{name}"
        method = block.pop("method")
        training = {key: block.pop(key) for key in Training.model_fields if key in block}
        template = {key: block.pop(key) for key in Template.model_fields if key in block}
        return Run(
            name=name,
            method=method,
            overrides=(*training, *template),
            training=parse(Training, self.training.model_dump() | training, place=where),
            template=parse(Template, self.template.model_dump() | template, place=where),
            settings=block,
        )


def load_params(path: Path = PARAMS) -> Params:
    """Read params.yaml as DVC does (YAML 1.2: `4e-5` is a number, `no` is a word).

    Raises:
        InputError: the file is missing, is no YAML, or a key, type or value is wrong.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the parameters in this folder, found no such file")
    params = parse(Params, read_yaml(path), place=str(path))
    for name in params.methods:
        params.run(name, place=str(path))
    return params
