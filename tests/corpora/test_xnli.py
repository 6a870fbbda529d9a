"""XNLI from a folder: what is read, and what is refused."""

import pandas as pd
import pytest

from pipeline.corpora.xnli import load_xnli
from pipeline.errors import InputError
from pipeline.params.runs import LanguageParams
from pipeline.params.text import Source
from tests import toys
from tests.imports import ROOT

LANGUAGES = LanguageParams(source="en", targets=toys.TARGETS)
REAL = ROOT.parent / "shared" / "hub" / "facebook" / "xnli"


@pytest.fixture
def xnli(tmp_path):
    folder, _ = toys.hub(tmp_path)
    return folder


def load(folder, languages=LANGUAGES):
    return load_xnli(Source(path=str(folder)), languages)


def edit(folder, file, change):
    path = folder / f"{file}-00000-of-00001.parquet"
    toys.write_parquet(change(pd.read_parquet(path)), path)


def complaint(folder):
    with pytest.raises(InputError) as caught:
        load(folder)
    return str(caught.value).replace(str(folder), "HERE")


def test_train_is_in_the_source_language_and_dev_and_test_in_all(xnli):
    splits = load(xnli)
    assert list(splits) == ["train", "dev", "test"]
    assert set(splits["train"].language) == {"en"}
    for name, rows in (("dev", 30), ("test", 12)):
        counts = splits[name].language.value_counts()
        assert counts.to_dict() == dict.fromkeys(("en", *toys.TARGETS), rows)


def test_a_pair_has_the_same_id_and_label_in_every_language(xnli):
    test = load(xnli)["test"]
    for pair_id, rows in test.groupby("pair_id"):
        assert set(rows.language) == {"en", *toys.TARGETS}
        assert rows.label.nunique() == 1
        number = int(pair_id.removeprefix("test-"))
        assert set(rows.label) == {number % 3}


def test_only_the_languages_of_the_parameters_are_read(xnli):
    splits = load(xnli, LanguageParams(source="en", targets=("sw",)))
    assert set(splits["test"].language) == {"en", "sw"}


def test_progress_tells_of_every_file(xnli):
    told = []
    load_xnli(Source(path=str(xnli)), LANGUAGES, progress=lambda *step: told.append(step))
    assert told[0] == ("XNLI", 0, 9, "train en")
    assert told[-1][:3] == ("XNLI", 9, 9)


@pytest.mark.parametrize("label", [-1, 3])
@pytest.mark.parametrize("file", ["en/test", "sw/validation", "en/train"])
def test_labels_that_are_placeholders_are_refused(file, label, xnli):
    edit(xnli, file, lambda frame: frame.assign(label=[0, 1, label, *frame.label[3:]]))
    assert complaint(xnli) == (
        f"HERE: {file}, row 2: expected label 0, 1 or 2 (entailment, neutral, contradiction), "
        f"found {label}"
    )


def test_a_missing_label_is_refused(xnli):
    edit(xnli, "de/test", lambda frame: frame.assign(label=[0, None, *frame.label[2:]]))
    assert "HERE: de/test, row 1: expected label 0, 1 or 2" in complaint(xnli)


@pytest.mark.parametrize("nothing", ["", "  ", None])
def test_blank_test_text_is_refused(nothing, xnli):
    edit(xnli, "sw/test", lambda frame: frame.assign(hypothesis=["a", nothing, *frame.premise[2:]]))
    assert complaint(xnli) == "HERE: sw/test, row 1: expected two sentences, found blank text"


def test_blank_training_text_is_left_out(xnli):
    edit(xnli, "en/train", lambda frame: frame.assign(premise=["", *frame.premise[1:]]))
    train = load(xnli)["train"]
    assert len(train) == 35
    assert "train-0" not in set(train.pair_id)


def test_a_language_with_fewer_rows_is_refused(xnli):
    edit(xnli, "zh/test", lambda frame: frame.iloc[:-1])
    assert complaint(xnli) == "HERE: test: expected 12 rows in zh as in en, found 11"


def test_a_language_with_its_rows_in_another_order_is_refused(xnli):
    edit(xnli, "de/validation", lambda frame: frame.iloc[::-1])
    assert complaint(xnli) == (
        "HERE: validation: expected in de the labels of en, found 2 for 0 in row 0"
    )


def test_a_missing_column_is_named(xnli):
    edit(xnli, "de/test", lambda frame: frame.rename(columns={"premise": "sentence1"}))
    assert complaint(xnli) == (
        "HERE: de/test: expected a column premise, found sentence1, hypothesis, label"
    )


def test_a_column_of_numbers_for_text_is_named(xnli):
    edit(xnli, "de/test", lambda frame: frame.assign(premise=7))
    assert complaint(xnli) == "HERE: de/test: expected text in column premise, found 7"


def test_a_file_without_rows_is_refused(xnli):
    edit(xnli, "en/test", lambda frame: frame.iloc[:0])
    assert complaint(xnli) == "HERE: en/test: expected rows, found none"


def test_a_missing_language_is_refused_by_file(xnli):
    (xnli / "sw" / "test-00000-of-00001.parquet").unlink()
    assert complaint(xnli).startswith(
        "params.yaml: datasets.xnli: expected sw/test-*.parquet in HERE, found "
    )


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no copy of XNLI at {REAL}")
def test_the_real_xnli_is_read_whole():
    splits = load(REAL, LanguageParams(source="en", targets=("de", "sw", "zh")))
    assert len(splits["train"]) == 9000
    assert len(splits["dev"]) == 4 * 2490
    test = splits["test"]
    assert len(test) == 4 * 5010
    assert (test.groupby(["language", "label"]).size() == 1670).all()
