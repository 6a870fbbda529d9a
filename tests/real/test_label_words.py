"""Label words in the real vocabulary: those of every profile, and two papers' by language."""

import pandas as pd
import pytest
import torch

from pipeline.methods.dpa import answer_losses, padded
from pipeline.params.runs import LABELS, Piece
from pipeline.params.whole import load_params
from pipeline.prompting.label_words import LISTS, words_of
from pipeline.prompting.verbalizer import label_word_ids, language_word_ids
from tests.commands import refusal
from tests.imports import ROOT
from tests.real_data import ME5, PAPER, needs

pytestmark = needs(ME5)
PROFILES = sorted(path.stem for path in (ROOT / "profiles").glob("*.yaml"))


@pytest.mark.parametrize("profile", PROFILES)
def test_every_run_of_a_profile_has_label_words_of_one_piece(
    pieces, tokenizer, profile, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_bytes((ROOT / "profiles" / f"{profile}.yaml").read_bytes())
    params = load_params()
    for run in map(params.run, params.methods):
        words = run.template.label_words
        # A word stands after a space, a piece as it is written.
        expected = [word.piece if isinstance(word, Piece) else f"▁{word}" for word in words]
        ids = label_word_ids(pieces, words, place=run.name)
        assert tokenizer.convert_ids_to_tokens(ids) == expected


@pytest.fixture(scope="module")
def published():
    """The label words of two papers, and XLM-R's pieces of each: set, language, label, word."""
    return pd.read_csv(PAPER / "label_words.csv")


@needs(PAPER)
def test_published_words_are_one_piece_where_they_are_one_of_xlm_rs(pieces, published):
    assert published.language.nunique() == 15
    for row in published.itertuples():
        ids = pieces.word(row.word)
        assert len(ids) == row.pieces, row.word
        assert pieces.shown(ids)[-1] == row.piece
    split = published[published.pieces > 1]
    assert split.groupby("set").language.unique().map(list).to_dict() == {
        "zhao-schuetze": ["el", "th", "zh"],
        "dpa": ["hi", "th", "zh"],
    }


@needs(PAPER)
def test_a_published_word_of_more_pieces_is_refused_by_name(pieces, tokenizer, published):
    for (name, language), rows in published.groupby(["set", "language"]):
        words, place = rows.word.tolist(), f"{name}.{language}"
        assert rows.label.tolist() == list(LABELS)
        if (rows.pieces == 1).all():
            ids = label_word_ids(pieces, words, place=place)
            assert pieces.shown(ids) == rows.piece.tolist()
            continue
        first = rows[rows.pieces > 1].iloc[0]
        found = " + ".join(tokenizer.tokenize(first.word))
        line = refusal(label_word_ids, pieces, words, place=place)
        assert line.startswith(f"{place}.{first.label}: expected a word of one piece in ")
        assert f"found '{first.word}', which is {found}" in line


@needs(PAPER)
def test_a_word_that_xlm_r_splits_from_its_space_can_be_named_as_a_piece(pieces, published):
    split = published[(published.pieces > 1) & (published.word == published.piece)]
    assert set(split.language) == {"hi", "th", "zh"}
    for word in split.word.unique():
        words = [Piece(piece=word), "maybe", "no"]
        assert pieces.shown(label_word_ids(pieces, words, place="here"))[0] == word


@needs(PAPER)
def test_the_lists_have_the_published_words_and_xlm_rs_pieces(pieces, published):
    assert {*published["set"]} == {*LISTS} - {"corrected"}
    for name, rows in published.groupby("set"):
        words = words_of(name)
        found = language_word_ids(pieces, name, split_words="last", place=name)
        assert found.left_out == {}
        assert list(found.ids) == list(words) == sorted(rows.language.unique())
        for row in rows.itertuples():
            assert words[row.language][row.label] == (row.word,)
            ids = found.ids[row.language][LABELS.index(row.label)]
            assert pieces.shown(ids) == [row.piece]


def test_only_the_published_greek_yes_is_of_several_pieces(pieces):
    line = refusal(language_word_ids, pieces, "zhao-schuetze", split_words="refuse", place="here")
    assert line == "here.el.entailment: expected a word of one piece, found 'Nαί', which is ▁N + αί"
    others = {code: words for code, words in words_of("zhao-schuetze").items() if code != "el"}
    language_word_ids(pieces, others, split_words="refuse", place="here")
    language_word_ids(pieces, "dpa", split_words="refuse", place="here")


def test_corrected_words_are_one_piece_each_and_no_language_is_left_out(pieces, tokenizer):
    found = language_word_ids(pieces, "corrected", split_words="refuse", place="here")
    assert found.left_out == {}
    for code, row in zip(found.ids, found.table(), strict=True):
        words = [word for (word,) in words_of("corrected")[code].values()]
        unmarked = {"th": words[:2], "zh": words}.get(code, [])
        expected = [word if word in unmarked else f"▁{word}" for word in words]
        assert tokenizer.convert_ids_to_tokens(row) == expected, code


@pytest.mark.parametrize("name", LISTS)
def test_no_piece_stands_for_two_labels_in_all_languages_together(pieces, name):
    table = language_word_ids(pieces, name, split_words="last", place="here").table()
    by_label = [set(ids) for ids in zip(*table, strict=True)]
    assert len(set.union(*by_label)) == sum(map(len, by_label))


@needs(PAPER)
def test_dpa_answers_with_the_published_pieces_some_of_which_are_of_two_languages(
    pieces, published
):
    words = language_word_ids(pieces, "dpa", split_words="last", place="here")
    ids = padded(words)
    assert ids.shape == (15, 3, 1)
    rows = published[published["set"] == "dpa"].pivot(
        index="language", columns="label", values="piece"
    )
    shared = {
        tuple(group.index) for label in LABELS for _, group in rows.groupby(label) if len(group) > 1
    }
    assert shared == {("bg", "ru"), ("en", "es")}
    for code, row in zip(words.ids, ids.squeeze(-1).tolist(), strict=True):
        assert pieces.shown(row) == rows.loc[code, list(LABELS)].tolist()
    # With p of each piece its share of the 15 answers, the loss is as low as it can be.
    for label in range(3):
        counts = torch.bincount(ids[:, label, 0])
        best = (counts / 15).log().clamp(min=-1e3)[None]
        best = torch.cat([best, best.new_full((1, int(ids.max()) + 1 - len(counts)), -1e3)], dim=1)
        assert answer_losses(best, ids)[0, label].item() == pytest.approx(2.616, abs=5e-4)
