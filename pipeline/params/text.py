"""The blocks of params.yaml about text: datasets, splits, pairs and their translation."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, PositiveInt, Strict, field_validator, model_validator

from pipeline.params.runs import Languages, Seed, Text, all_or_distinct
from pipeline.params.strict import LanguageCode, Name, SplitName, Strictly

Splits = Annotated[tuple[SplitName, ...], Strict(False), Field(min_length=1)]
Positive = Annotated[float, Field(gt=0)]


class Source(Strictly):
    """A Hub id, or a folder with the same layout.

    `revision` is a commit, branch or tag of the Hub repository. For a folder it is only a note.
    """

    path: Text
    revision: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether `path` is a folder here; if not, it is a Hub id."""
        return Path(self.path).is_dir()


class BackboneSource(Source):
    """The source of the backbone.

    `implementation` is by default our own encoder where there is one. With `head: none`, the
    checkpoint may lack a masked language model's head, and only methods without label words work.
    """

    implementation: Literal["own", "transformers"] | None = None
    head: Literal["none"] | None = None  # by default, that of the checkpoint


class LabelledSource(Source):
    """The source of the labelled text.

    `rows` is how many test pairs of each language are kept, the same in every language.
    """

    rows: PositiveInt | None = None  # all by default


class PairSource(Source):
    """The source of parallel pairs, and the splits that make up the English pool."""

    splits: Splits


class Datasets(Strictly):
    """The sources of text."""

    xnli: LabelledSource
    paws_x: PairSource


class Fewshot(Strictly):
    """The k-shot splits.

    `source` is "sample" (drawn from XNLI) or a folder of given splits `k1/`, `k2/`, ...
    `per_seed` draws a split for each training seed. `translations` reads XNLI's own translations
    of the pairs, for runs with `pairs: xnli`.
    """

    source: Text
    split_seed: Seed
    per_seed: bool
    translations: bool = False

    @model_validator(mode="after")
    def _given_splits_are_fixed(self) -> Self:
        if self.source != "sample" and self.per_seed:
            raise ValueError("per_seed: expected false if source is a folder, found true")
        return self


NLLB = Source(
    path="facebook/nllb-200-distilled-600M", revision="f8d333a098d19b4fd9a8b18f94170487ad3f821d"
)


class Translation(Strictly):
    """How translation engines are asked, and which answers are accepted."""

    requests_per_second: Positive = 2.0  # of all workers together
    workers: PositiveInt = 1  # each has its own translator
    timeout: Positive = 20.0  # seconds for a whole request
    attempts: PositiveInt = 5  # refused answers before a sentence is quarantined
    give_up_after: PositiveInt = 10  # failures in a row before the stage stops
    wait: Positive = 1.0  # seconds before the first retry, doubled for each further retry
    wait_too_many: Positive = 60.0  # the same after "too many requests"
    replace: bool = False  # whether another pair replaces a quarantined one
    url: Text | None = None  # the server, if not the engine's own
    file: Text | None = None  # the translations of engine `file`
    model: Source = NLLB  # of engine `nllb`
    beams: PositiveInt = 1  # of its search; 1 is greedy
    batch_tokens: PositiveInt = 1024  # of its sentences at once, with padding, times beams
    precision: Literal["float32", "bfloat16"] = "float32"  # of its weights
    # Bounds by language that override those in the table of languages.
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
            # The address is written to artifacts, with any key in it.
            raise ValueError("expected an address without user, password or query, found one with")
        return url


class Paws15(Strictly):
    """How parallel pairs are drawn, assigned to languages and translated.

    A run reads `pairs` by default. `extended` pairs, which begin with the same ones, are drawn for
    runs of `sweeps` with more `external_pairs`. `languages` is None for all target languages.
    """

    pairs: PositiveInt
    extended: PositiveInt | None = None
    seed: Seed
    assignment: Literal["balanced", "uniform"]
    engine: Name
    languages: Languages | None
    translation: Translation = Translation()

    @property
    def most(self) -> int:
        """The number of extended pairs, at least `pairs`."""
        return max(self.pairs, self.extended or 0)

    _all_or_distinct = field_validator("languages", mode="wrap")(all_or_distinct)
