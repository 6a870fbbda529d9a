"""The engine that reads the dataset's own translations, and the stage with it."""

import hashlib

import pandas as pd
import pytest

from pipeline import artifacts
from pipeline.corpora.files import CORPORA, ENGLISH_PAIRS, EXAMPLES, PARALLEL_PAIRS, PAWS15
from pipeline.corpora.pairs import read_paws_x
from pipeline.params.strict import parse
from pipeline.params.whole import Params
from pipeline.progress import silent
from pipeline.translation.draw import draw_pairs
from pipeline.translation.engines import build, engines
from pipeline.translation.sample import translated
from tests import real_data, toys
from tests.commands import call, only_line, refusal
from tests.translation import projects


def paws_x(folder, language, split="validation", **columns):
    rows = {
        "id": [11, 12, 13],
        "sentence1": [f"{language} first {row}" for row in range(3)],
        "sentence2": [f"{language} second {row}" for row in range(3)],
    }
    frame = pd.DataFrame(rows | columns)
    toys.write_parquet(frame, folder / language / f"{split}-00000-of-00001.parquet")


def params(folder, *, splits=("validation",), revision=None, **changes):
    source = {"path": str(folder), "splits": list(splits), "revision": revision}
    return parse(Params, toys.params(datasets__paws_x=source, **changes), place="params.yaml")


@pytest.fixture
def paws_x_folder(tmp_path):
    for language in ("en", *toys.TARGETS):
        paws_x(tmp_path, language)
    return tmp_path


def drawn(*pairs):
    rows = [(pair_id, "x", "y", language) for pair_id, language in pairs]
    return pd.DataFrame(rows, columns=["pair_id", "premise", "hypothesis", "language"])


def translate(engine, pairs):
    """Have pairs translated by an engine that asks no server and makes no check."""
    outcome, stopped = translated(
        engine, pairs, spares=pairs.head(0), check=lambda *_: "refused", progress=silent
    )
    assert stopped is None
    return outcome.clean


def test_a_pairs_translation_is_that_of_its_row(paws_x_folder):
    pairs = translate(
        build(params(paws_x_folder)),
        drawn(("validation-2", "de"), ("validation-0", "zh"), ("validation-1", "de")),
    )
    assert list(pairs.target_premise) == ["de first 2", "zh first 0", "de first 1"]
    assert list(pairs.target_hypothesis) == ["de second 2", "zh second 0", "de second 1"]
    assert list(pairs.pair_id) == ["validation-2", "validation-0", "validation-1"]


def test_pairs_that_lack_a_translation_in_some_language_are_never_used(paws_x_folder):
    paws_x(paws_x_folder, "de", sentence1=["de a", "NS", "de c"])
    paws_x(paws_x_folder, "zh", sentence2=["  ", "zh b", "zh c"])
    settings = params(paws_x_folder, paws15__pairs=1)
    engine = build(settings)
    pool = read_paws_x(settings.datasets.paws_x, "en")
    assert list(engine.usable(pool, ("de", "sw", "zh")).pair_id) == ["validation-2"]
    assert list(engine.usable(pool, ("de", "sw")).pair_id) == ["validation-0", "validation-2"]
    assert list(engine.usable(pool, ("sw",)).pair_id) == list(pool.pair_id)


def test_a_language_that_the_dataset_lacks_is_named(paws_x_folder):
    (paws_x_folder / "sw" / "validation-00000-of-00001.parquet").unlink()
    engine = build(params(paws_x_folder))
    assert refusal(engine.usable, drawn(("validation-0", "sw")), ("de", "sw")) == (
        f"params.yaml: datasets.paws_x: expected files sw/validation in {paws_x_folder} "
        "(parquet, csv, tsv, jsonl), found de/validation, en/validation, zh/validation"
    )


@pytest.mark.parametrize("ids", [[11, 13, 12], [11, 12, 14]], ids=["order", "other"])
def test_a_language_whose_rows_are_not_aligned_is_refused(ids, paws_x_folder):
    paws_x(paws_x_folder, "de", id=ids)
    engine = build(params(paws_x_folder))
    assert refusal(engine.usable, drawn(("validation-0", "de")), ("de",)) == (
        f"{paws_x_folder}: expected in de the rows of the source language in their order, "
        f"found other ids"
    )


def test_the_version_is_the_source_with_its_revision(paws_x_folder):
    assert build(params(paws_x_folder)).version == str(paws_x_folder)
    assert build(params(paws_x_folder, revision="v2")).version == f"{paws_x_folder}@v2"


def test_an_unknown_engine_is_refused(paws_x_folder):
    assert "dataset" in engines()
    assert refusal(build, params(paws_x_folder, paws15__engine="babelfish")) == (
        f"params.yaml: paws15.engine: expected one of {', '.join(engines())}, found 'babelfish'"
    )


@pytest.fixture
def with_corpora(project, monkeypatch):
    assert call(monkeypatch, "corpora") == 0
    return project


def test_the_stage_writes_pairs_and_manifest(with_corpora, monkeypatch):
    assert call(monkeypatch, "paws15") == 0
    pairs = artifacts.read_table(PAWS15 / "pairs.parquet", PARALLEL_PAIRS)
    pool = artifacts.read_table(CORPORA / "pairs_en.parquet", ENGLISH_PAIRS)
    lines = sorted(zip(pool.premise, pool.hypothesis, strict=True))
    text = "".join("\x1f".join(line) + "\n" for line in lines)
    facts = projects.facts(with_corpora)
    assert list(facts["counts"]) == ["de", "sw", "zh"]
    assert facts == {
        "engine": "dataset", "engine_version": "hub/paws-x", "normalization": None,
        "dates": {}, "seed": 0,
        "assignment": "balanced", "pairs": 9, "counts": {"de": 3, "sw": 3, "zh": 3},
        "refusals": {}, "replaced": [], "pool": 20,
        "pool_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "languages": dict(zip(pairs.pair_id, pairs.language, strict=True)),
    }  # fmt: skip
    assert set(pairs.engine) == {"dataset"}
    for row in pairs.itertuples():
        # The toys' translations differ from the English only in the code.
        assert row.target_premise == row.premise.replace(" en ", f" {row.language} ")
    first = projects.written(with_corpora)
    assert call(monkeypatch, "paws15") == 0
    assert projects.written(with_corpora) == first


def test_the_order_of_the_pool_changes_nothing(with_corpora, monkeypatch):
    assert call(monkeypatch, "paws15") == 0
    first, path = projects.written(with_corpora), CORPORA / "pairs_en.parquet"
    pool = artifacts.read_table(path, ENGLISH_PAIRS)
    artifacts.write_table(pool.iloc[::-1], path, ENGLISH_PAIRS)
    assert call(monkeypatch, "paws15") == 0
    assert projects.written(with_corpora) == first


def test_the_stage_refuses_pairs_with_a_test_sentence(with_corpora, monkeypatch, capsys):
    path = CORPORA / "test.parquet"
    test = artifacts.read_table(path, EXAMPLES)
    translation = toys.sentences(20, "de", start=20_000)
    row = test.index[test.language == "de"]
    test.loc[row, "premise"] = translation[: len(row)]
    test.loc[row, "hypothesis"] = [*translation[len(row) :], *test.hypothesis[row][8:]]
    artifacts.write_table(test, path, EXAMPLES)
    capsys.readouterr()
    assert call(monkeypatch, "paws15") == 2
    assert only_line(capsys.readouterr().err).startswith(
        "data/paws15/pairs.parquet: expected no sentence of the test set, found the "
        "target_premise of validation-"
    )
    assert not PAWS15.exists()


@real_data.needs(real_data.PAWS_X)
def test_the_real_paws_x_gives_its_human_translations():
    languages = ("de", "es", "fr", "zh")
    settings = params(
        real_data.PAWS_X,
        splits=("validation", "test"),
        languages={"source": "en", "targets": list(languages)},
        paws15__pairs=40,
    )
    engine = build(settings)
    pool = read_paws_x(settings.datasets.paws_x, "en")
    usable = engine.usable(pool, languages)
    assert 3800 < len(usable) < len(pool) == 4000
    pairs = translate(engine, draw_pairs(usable, settings.paws15, languages))
    assert pairs.language.value_counts().to_dict() == dict.fromkeys(languages, 10)
    for row in pairs.itertuples():
        split, number = row.pair_id.split("-")
        file = real_data.PAWS_X / row.language / f"{split}-00000-of-00001.parquet"
        theirs = pd.read_parquet(file).iloc[int(number)]
        assert (row.target_premise, row.target_hypothesis) == (theirs.sentence1, theirs.sentence2)
        assert row.target_premise.strip() not in {"", "NS", row.premise}
