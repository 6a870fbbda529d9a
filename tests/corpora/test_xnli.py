"""XNLI from a folder: how it is read, and what is refused."""

import pandas as pd
import pytest

from pipeline.corpora.xnli import contents, load_xnli
from pipeline.params.runs import LanguageParams
from pipeline.params.text import LabelledSource
from tests import real_data, toys
from tests.commands import refusal

LANGUAGES = LanguageParams(source="en", targets=toys.TARGETS)


@pytest.fixture
def xnli(tmp_path):
    folder, _ = toys.hub(tmp_path)
    return folder


def load(folder, languages=LANGUAGES, rows=None):
    return load_xnli(LabelledSource(path=str(folder), rows=rows), languages)[0]


def edit(folder, file, change):
    path = folder / f"{file}-00000-of-00001.parquet"
    toys.write_parquet(change(pd.read_parquet(path)), path)


def complaint(folder, **options):
    return refusal(load, folder, **options).replace(str(folder), "HERE")


def test_train_and_dev_are_in_the_source_language_and_test_in_all(xnli):
    for code in toys.TARGETS:
        (xnli / code / "validation-00000-of-00001.parquet").unlink()
    splits = load(xnli)
    counts = {name: frame.language.value_counts().to_dict() for name, frame in splits.items()}
    every = dict.fromkeys(("en", *toys.TARGETS), 12)
    assert counts == {"train": {"en": 36}, "dev": {"en": 30}, "test": every}


def test_a_pair_has_the_same_id_and_label_in_every_language(xnli):
    test = load(xnli)["test"]
    for pair_id, rows in test.groupby("pair_id"):
        assert set(rows.language) == {"en", *toys.TARGETS}
        number = int(pair_id.removeprefix("test-"))
        assert set(rows.label) == {number % 3}


def test_only_the_languages_of_the_parameters_are_read(xnli):
    splits = load(xnli, LanguageParams(source="en", targets=("sw",)))
    assert set(splits["test"].language) == {"en", "sw"}


def test_further_columns_are_ignored(xnli):
    file = xnli / "de/test-00000-of-00001.parquet"
    toys.write_parquet(pd.read_parquet(file).assign(language="xx", pair_id=0), file)
    test = load(xnli)["test"]
    assert set(test.language) == {"en", *toys.TARGETS}
    assert "test-0" in set(test.pair_id[test.language == "de"])


def test_progress_covers_every_file(xnli):
    told = []
    load_xnli(LabelledSource(path=str(xnli)), LANGUAGES, progress=lambda *step: told.append(step))
    assert told[0] == ("XNLI", 0, 6, "train en")
    assert told[-1][:3] == ("XNLI", 6, 6)


def test_blank_training_text_is_left_out(xnli):
    edit(xnli, "en/train", lambda frame: frame.assign(premise=["", *frame.premise[1:]]))
    train = load(xnli)["train"]
    assert len(train) == 35
    assert "train-0" not in set(train.pair_id)


def test_training_pairs_without_a_label_are_left_out_and_counted(xnli):
    edit(xnli, "en/train", lambda frame: frame.assign(label=[-1, None, *frame.label[2:]]))
    edit(xnli, "en/train", lambda frame: frame.assign(premise=[" ", *frame.premise[1:35], ""]))
    splits, left_out = load_xnli(LabelledSource(path=str(xnli)), LANGUAGES)
    assert left_out == {"blank": 2, "without a label": 1}
    assert list(splits["train"].pair_id) == [f"train-{row}" for row in range(2, 35)]


@pytest.mark.parametrize("file", ["en/validation", "zh/test"])
def test_a_pair_of_dev_or_test_without_a_label_is_refused(file, xnli):
    edit(xnli, file, lambda frame: frame.assign(label=[0, -1, *frame.label[2:]]))
    assert complaint(xnli) == (
        f"HERE: {file}, row 1: expected label 0, 1 or 2 (entailment, neutral, contradiction), "
        "found -1"
    )


def test_the_contents_of_a_split_are_counted_by_language_and_hashed_by_row(xnli):
    splits = load(xnli)
    found = contents(splits)
    assert found["test"]["rows"] == dict.fromkeys(("en", *toys.TARGETS), 12)
    assert found["train"]["rows"] == {"en": 36}
    for column, value in (("premise", "x"), ("label", 2), ("language", "xx")):
        changed = splits["dev"].copy()
        changed.loc[0, column] = value
        other = contents({"dev": changed})["dev"]["sha256"]
        assert other != found["dev"]["sha256"]


def test_rows_keeps_test_rows_evenly_spaced_within_labels_and_changes_nothing_else(xnli):
    whole, cut = load(xnli), load(xnli, rows=5)
    for split in ("train", "dev"):
        pd.testing.assert_frame_equal(cut[split], whole[split])
    test = whole["test"]
    # Labels alternate: 0 and 6 of the first, 1 and 10 of the second, 5 of the third.
    kept = test[test.pair_id.isin([f"test-{row}" for row in (0, 1, 5, 6, 10)])]
    assert len(kept) == 5 * (1 + len(toys.TARGETS))
    pd.testing.assert_frame_equal(cut["test"], kept.reset_index(drop=True))


@pytest.mark.parametrize("rows", [12, 13])
def test_as_many_rows_as_the_test_has_or_more_are_refused(xnli, rows):
    assert complaint(xnli, rows=rows) == (
        "params.yaml: datasets.xnli.rows: expected fewer than 12, the rows of HERE: test (or no "
        f"such key, for all), found {rows}"
    )


@pytest.mark.parametrize("rows", [3, 7, 11])
def test_a_cut_test_has_as_many_rows_of_each_label(xnli, rows):
    for _, part in load(xnli, rows=rows)["test"].groupby("language"):
        counts = part.label.value_counts().reindex(range(3), fill_value=0)
        assert counts.max() - counts.min() <= 1


def test_the_rows_of_a_cut_test_must_be_parallel_before_it_is_cut(xnli):
    edit(xnli, "sw/test", lambda frame: frame.head(8))
    assert "expected as many rows in sw as in en, 12, found 8" in complaint(xnli, rows=4)


@pytest.mark.parametrize(
    ("file", "change", "line"),
    [
        (
            "de/test",
            lambda frame: frame.assign(label=[0, None, *frame.label[2:]]),
            "HERE: de/test, row 1: expected label 0, 1 or 2 (entailment, neutral, contradiction), "
            "found -1",
        ),
        *(
            (
                "sw/test",
                lambda frame, text=text: frame.assign(hypothesis=["a", text, *frame.premise[2:]]),
                "HERE: sw/test, row 1: expected two sentences, found blank text",
            )
            for text in ("", "  ", None)
        ),
        (
            "zh/test",
            lambda frame: frame.iloc[:-1],
            "HERE: test: expected as many rows in zh as in en, 12, found 11",
        ),
        (
            "de/test",
            lambda frame: frame.iloc[::-1],
            "HERE: test: expected in de the labels of en, found 2 for 0 in row 0",
        ),
        (
            "de/test",
            lambda frame: frame.rename(columns={"premise": "sentence1"}),
            "HERE: de/test: expected a column premise, found sentence1, hypothesis, label",
        ),
        (
            "de/test",
            lambda frame: frame.assign(premise=7),
            "HERE: de/test: expected text in column premise, found int64",
        ),
        (
            "de/test",
            lambda frame: frame.assign(hypothesis=[["a"]] * len(frame)),
            "HERE: de/test: expected text in column hypothesis, found nested values",
        ),
        ("en/test", lambda frame: frame.iloc[:0], "HERE: en/test: expected rows, found none"),
    ],
    ids=["no label", "empty", "spaces", "no text", "fewer rows", "another order", "column",
         "numbers", "lists", "no rows"],
)  # fmt: skip
def test_malformed_files_are_refused_in_one_line(file, change, line, xnli):
    edit(xnli, file, change)
    assert complaint(xnli) == line


def test_a_missing_language_is_refused_by_file(xnli):
    (xnli / "sw" / "test-00000-of-00001.parquet").unlink()
    assert complaint(xnli).startswith(
        "params.yaml: datasets.xnli: expected files sw/test in HERE (parquet, csv, tsv, jsonl), "
    )


@real_data.needs(real_data.XNLI)
def test_the_real_xnli_is_read_whole():
    splits = load(real_data.XNLI, LanguageParams(source="en", targets=("de", "sw", "zh")))
    assert len(splits["train"]) == 9000
    assert len(splits["dev"]) == 2490
    test = splits["test"]
    assert len(test) == 4 * 5010
    assert (test.groupby(["language", "label"]).size() == 1670).all()
