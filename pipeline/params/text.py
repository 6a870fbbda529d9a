"""The blocks of params.yaml that say what text there is: datasets, splits, pairs."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, PositiveInt, Strict, StringConstraints, field_validator, model_validator

from pipeline.params.runs import Languages, Seed, distinct
from pipeline.params.strict import LanguageCode, Name, Strictly

# YAML's lists are read as frozen tuples, whose elements stay strictly typed.
Splits = Annotated[tuple[str, ...], Strict(False), Field(min_length=1)]
Positive = Annotated[float, Field(gt=0)]


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
    `per_seed` draws one split a training seed instead of one for all seeds. `translations` has
    XNLI's own translations of the drawn pairs read, for runs whose `pairs` are xnli.
    """

    source: Annotated[str, StringConstraints(min_length=1)]
    split_seed: Seed
    per_seed: bool
    translations: bool = False

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
    """How the parallel pairs are drawn, assigned to languages and translated.

    `pairs` are what runs read; `extended` are drawn and translated for runs of `sweeps` that ask
    for more (`external_pairs`), and begin with the same pairs.
    """

    pairs: PositiveInt
    extended: PositiveInt | None = None
    seed: Seed
    assignment: Literal["balanced", "uniform"]
    engine: Name
    languages: Literal["all"] | Languages
    translation: Translation = Translation()

    @property
    def most(self) -> int:
        """The number of extended pairs, at least `pairs`."""
        return max(self.pairs, self.extended or 0)

    @field_validator("languages")
    @classmethod
    def _each_once(cls, languages: str | tuple[str, ...]) -> str | tuple[str, ...]:
        return languages if isinstance(languages, str) else distinct(languages)
