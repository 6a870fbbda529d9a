"""Translation engines: the one that reads the dataset's own translations, and the stage."""

import json

import pandas as pd
import pytest

from pipeline import artifacts
from pipeline.corpora.files import CORPORA, ENGLISH_PAIRS, EXAMPLES, PARALLEL_PAIRS, PAWS15
from pipeline.corpora.pairs import draw_pairs, read_paws_x
from pipeline.errors import InputError
from pipeline.params.strict import parse
from pipeline.params.whole import Params
from pipeline.progress import silent
from pipeline.translation.engines import build, engines
from pipeline.translation.sample import Sample, translated
from tests import toys
from tests.commands import call, only_line
from tests.imports import ROOT

REAL = ROOT.parent / "shared" / "hub" / "google-research-datasets" / "paws-x"


def paws_x(folder, language, split="validation", **columns):
    rows = {
        "id": [11, 12, 13],
        "sentence1": [f"{language} first {row}" for row in range(3)],
        "sentence2": [f"{language} second {row}" for row in range(3)],
    }
    frame = pd.DataFrame(rows | columns)
    toys.write_parquet(frame, folder / language / f"{split}-00000-of-00001.parquet")


def params(folder, **changes):
    splits = {"path": str(folder), "splits": ["validation"]}
    return parse(Params, toys.params(datasets__paws_x=splits, **changes), place="params.yaml")


@pytest.fixture
def folder(tmp_path):
    for language in ("en", *toys.TARGETS):
        paws_x(tmp_path, language)
    return tmp_path


def drawn(*pairs):
    rows = [(pair_id, "x", "y", language) for pair_id, language in pairs]
    return pd.DataFrame(rows, columns=["pair_id", "premise", "hypothesis", "language"])


def translate(engine, pairs):
    """Have an engine translate that has nobody to ask; no check is made."""
    sample = Sample(pairs, pairs.head(0))
    standing, stopped = translated(engine, sample, lambda *_: "refused", progress=silent)
    assert stopped is None
    return standing.clean


def test_the_dataset_engine_takes_the_rows_own_translation(folder):
    pairs = translate(
        build(params(folder)),
        drawn(("validation-2", "de"), ("validation-0", "zh"), ("validation-1", "de")),
    )
    assert list(pairs.target_premise) == ["de first 2", "zh first 0", "de first 1"]
    assert list(pairs.target_hypothesis) == ["de second 2", "zh second 0", "de second 1"]
    assert list(pairs.pair_id) == ["validation-2", "validation-0", "validation-1"]


def test_pairs_that_lack_a_translation_in_some_language_are_never_used(folder):
    paws_x(folder, "de", sentence1=["de a", "NS", "de c"])
    paws_x(folder, "zh", sentence2=["  ", "zh b", "zh c"])
    settings = params(folder, paws15__pairs=1)
    engine = build(settings)
    pool = read_paws_x(settings.datasets.paws_x, "en")
    assert list(engine.usable(pool, ("de", "sw", "zh")).pair_id) == ["validation-2"]
    assert list(engine.usable(pool, ("de", "sw")).pair_id) == ["validation-0", "validation-2"]
    assert list(engine.usable(pool, ("sw",)).pair_id) == list(pool.pair_id)


def test_a_language_that_the_dataset_has_not_is_an_error_that_names_the_file(folder):
    (folder / "sw" / "validation-00000-of-00001.parquet").unlink()
    engine = build(params(folder))
    pool = drawn(("validation-0", "sw"))
    with pytest.raises(InputError) as caught:
        engine.usable(pool, ("de", "sw"))
    assert str(caught.value) == (
        f"params.yaml: datasets.paws_x: expected sw/validation-*.parquet in {folder}, "
        f"found de/validation, en/validation, zh/validation"
    )


@pytest.mark.parametrize("ids", [[11, 13, 12], [11, 12, 14]], ids=["order", "other"])
def test_a_language_whose_rows_are_not_aligned_is_refused(ids, folder):
    paws_x(folder, "de", id=ids)
    with pytest.raises(InputError) as caught:
        build(params(folder)).usable(drawn(("validation-0", "de")), ("de",))
    assert str(caught.value) == (
        f"{folder}: expected in de the rows of the source language in their order, found other ids"
    )


def test_the_version_is_the_source_with_its_revision(folder):
    assert build(params(folder)).version == str(folder)
    values = toys.params(
        datasets__paws_x={"path": str(folder), "revision": "v2", "splits": ["validation"]}
    )
    assert build(parse(Params, values, place="here")).version == f"{folder}@v2"


def test_an_engine_that_there_is_not_is_one_line(folder):
    assert "dataset" in engines()
    with pytest.raises(InputError) as caught:
        build(params(folder, paws15__engine="babelfish"))
    assert str(caught.value) == (
        f"params.yaml: paws15.engine: expected one of {', '.join(engines())}, found 'babelfish'"
    )


@pytest.fixture
def with_corpora(project, monkeypatch):
    assert call(monkeypatch, "corpora") == 0
    return project


def test_the_stage_writes_pairs_and_manifest(with_corpora, monkeypatch, capsys):
    assert call(monkeypatch, "paws15") == 0
    pairs = artifacts.read_table(PAWS15 / "pairs.parquet", PARALLEL_PAIRS)
    facts = json.loads((PAWS15 / "manifest.json").read_text(encoding="utf-8"))
    assert pairs.language.value_counts().to_dict() == facts["counts"] == {"de": 3, "sw": 3, "zh": 3}
    assert facts["languages"] == dict(zip(pairs.pair_id, pairs.language, strict=True))
    assert (facts["pool"], facts["engine"], set(pairs.engine)) == (20, "dataset", {"dataset"})
    assert (facts["dates"], facts["refusals"], facts["replaced"]) == ({}, {}, [])
    for row in pairs.itertuples():
        # The toys' translations differ from the English in the code alone.
        assert row.target_premise == row.premise.replace(" en ", f" {row.language} ")
    capsys.readouterr()
    first = {path.name: path.read_bytes() for path in PAWS15.iterdir()}
    assert call(monkeypatch, "paws15") == 0
    assert {path.name: path.read_bytes() for path in PAWS15.iterdir()} == first


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
    line = only_line(capsys.readouterr().err)
    assert line.startswith(
        "data/paws15/pairs.parquet: expected no sentence of the test set, found the "
        "target_premise of validation-"
    )
    assert not PAWS15.exists()


def test_the_stage_leaves_test_sentences_out_of_the_pool(project, monkeypatch, capsys):
    path = project / "hub" / "paws-x" / "en" / "validation-00000-of-00001.parquet"
    frame = pd.read_parquet(path)
    test = pd.read_parquet(project / "hub" / "xnli" / "en" / "test-00000-of-00001.parquet")
    frame.loc[3, "sentence2"] = test.premise[0]
    frame.loc[4, "sentence1"] = test.hypothesis[1].upper()
    frame.to_parquet(path)
    assert call(monkeypatch, "corpora") == 0
    assert "18 of 20 pairs usable (blank, repeated or in the test: 2)" in capsys.readouterr().out
    pool = artifacts.read_table(CORPORA / "pairs_en.parquet", ENGLISH_PAIRS)
    assert not {"validation-3", "validation-4"} & set(pool.pair_id)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no copy of PAWS-X at {REAL}")
def test_the_real_paws_x_gives_its_human_translations():
    splits = {"path": str(REAL), "splits": ["validation", "test"]}
    languages = ("de", "es", "fr", "zh")
    values = toys.params(
        languages={"source": "en", "targets": list(languages)}, datasets__paws_x=splits
    )
    settings = parse(Params, values | {"paws15": values["paws15"] | {"pairs": 40}}, place="here")
    engine = build(settings)
    pool = read_paws_x(settings.datasets.paws_x, "en")
    usable = engine.usable(pool, languages)
    assert 3800 < len(usable) < len(pool) == 4000
    pairs = translate(engine, draw_pairs(usable, settings.paws15, languages))
    assert pairs.language.value_counts().to_dict() == dict.fromkeys(languages, 10)
    for row in pairs.itertuples():
        split, number = row.pair_id.split("-")
        file = REAL / row.language / f"{split}-00000-of-00001.parquet"
        theirs = pd.read_parquet(file).iloc[int(number)]
        assert (row.target_premise, row.target_hypothesis) == (theirs.sentence1, theirs.sentence2)
        assert row.target_premise.strip() not in {"", "NS", row.premise}
