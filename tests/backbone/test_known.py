"""Text that is tokenized once for all cells: the rows are the same with it and without."""

import shutil
import string
from unittest.mock import Mock

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.artifacts import write_table
from pipeline.backbone.files import TOKENIZED
from pipeline.backbone.tokens import Pieces, load_pieces, notes_of, read_known, tokenize
from pipeline.prompting.forms import FORMS, every_form
from pipeline.prompting.template import ClozeTemplate, PairTemplate, QuestionTemplate
from pipeline.training.registry import build
from tests import toys
from tests.commands import refusal

PREMISES = [
    "a dog runs.",
    " two men play ",
    "a dog runs.",
    "...",
    "",
    "问题 答案。",
    "the cat " * 60,
]
HYPOTHESES = ["the cat?!", "a dog", "cat -- ", " ", "!?", "Ω🐕‍🦺 co\u0301te.", "a dog runs."]


@pytest.fixture(scope="module")
def known(toy_backbone, tmp_path_factory):
    """A file of every text that templates make of the sentences above."""
    path = tmp_path_factory.mktemp("tokens") / "test.parquet"
    return written(toy_backbone, every_form([*PREMISES, *HYPOTHESES], space=""), path)


def written(folder, texts, path):
    frame = tokenize(load_pieces(folder), texts)
    write_table(frame, path, TOKENIZED, notes=notes_of(folder))
    return path


@pytest.fixture
def recorded(toy_backbone, known):
    """Pieces that know the file, and the list of texts that they tokenized nevertheless."""
    tokenizer = toys.tokenizer().backend_tokenizer
    recorder, texts = Mock(wraps=tokenizer), []

    def encode(unknown, **options):
        texts.extend(unknown)
        return tokenizer.encode_batch_fast(unknown, **options)

    recorder.encode_batch_fast = encode
    known_texts = read_known(known, toy_backbone)
    return Pieces(recorder, mask="<mask>", pad="<pad>", known=known_texts), texts


@pytest.mark.parametrize("method", toys.method_names())
def test_every_method_makes_the_same_rows(method, toy_backbone, known):
    unknowing = build(toys.context(toy_backbone, method))
    knowing = build(toys.context(toy_backbone, method, known=known))
    for language in ("en", *toys.TARGETS):
        expected = unknowing.rows(PREMISES, HYPOTHESES, language=language)
        assert knowing.rows(PREMISES, HYPOTHESES, language=language) == expected


@pytest.mark.parametrize(
    ("template", "options"),
    [
        (ClozeTemplate, {"position": "suffix", "prompt_length": 4}),
        (QuestionTemplate, {"language": "sw"}),
        (PairTemplate, {}),
    ],
)
def test_no_template_tokenizes_a_known_text(template, options, recorded):
    pieces, tokenized = recorded
    made = template(pieces, max_length=64, **options)
    tokenized.clear()  # the template's own words
    made.rows(PREMISES, HYPOTHESES)
    assert tokenized == [], "a form of a sentence that is missing in pipeline/prompting/forms.py"


def test_unknown_texts_are_tokenized(recorded, toy_backbone):
    pieces, tokenized = recorded
    texts = ["a dog runs.", "two cats", "", "two cats", "a dog runs."]
    assert pieces.of(texts) == load_pieces(toy_backbone).of(texts)
    assert tokenized == ["two cats", "two cats"]


WORDS = st.text(alphabet=string.ascii_lowercase + " .?é猫", max_size=20)


@given(data=st.data(), texts=st.lists(WORDS, max_size=12, unique=True))
def test_any_mixture_has_its_own_pieces(data, texts, toy_backbone, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "some.parquet"
    some = data.draw(st.lists(st.sampled_from(texts), unique=True)) if texts else []
    written(toy_backbone, some, path)
    asked = data.draw(st.permutations(texts * 2))
    assert load_pieces(toy_backbone, known=path).of(asked) == load_pieces(toy_backbone).of(asked)


def test_a_file_in_several_row_groups_reads_as_one(known, toy_backbone, tmp_path):
    table = pq.read_table(known)
    pq.write_table(table, tmp_path / "parts.parquet", row_group_size=3)
    pieces = load_pieces(toy_backbone, known=tmp_path / "parts.parquet")
    assert [list(ids) for ids in pieces.of(table["text"].to_pylist())] == table["ids"].to_pylist()


def test_progress_is_reported_up_to_the_last_text(toy_backbone, monkeypatch):
    monkeypatch.setattr("pipeline.backbone.tokens.CHUNK", 4)
    reports, texts = [], [f"dog {n}" for n in range(10)]
    pieces = load_pieces(toy_backbone)
    frame = tokenize(pieces, texts, progress=lambda *report: reports.append(report))
    assert reports == [("tokenizing", done, 10) for done in (4, 8, 10)]
    assert frame.to_dict("list") == {"text": texts, "ids": pieces.of(texts)}


@given(st.lists(WORDS, max_size=5))
def test_every_form_of_every_sentence_occurs_once(sentences):
    texts = every_form(sentences, space="")
    assert set(texts) == {form(sentence) for form in FORMS for sentence in sentences}
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("notes", [{"tokenizer": "another"}, {}], ids=["another", "no notes"])
def test_tokens_of_another_tokenizer_are_refused(notes, toy_backbone, tmp_path):
    path = tmp_path / "test.parquet"
    write_table(pd.DataFrame({"text": ["a"], "ids": [[1]]}), path, TOKENIZED, notes=notes)
    assert refusal(load_pieces, toy_backbone, known=path) == (
        f"{path}: expected tokens of {toy_backbone}/tokenizer.json, found those of another "
        f"tokenizer (stage tokens)"
    )


def test_a_backbone_with_another_tokenizer_refuses_them(known, toy_backbone, tmp_path):
    folder = shutil.copytree(toy_backbone, tmp_path / "backbone")
    toys.tokenizer(specials=toys.OTHER_SPECIALS).save_pretrained(folder)
    line = refusal(load_pieces, folder, known=known)
    assert line.endswith("found those of another tokenizer (stage tokens)")


def test_a_missing_file_is_one_line(toy_backbone, tmp_path):
    line = refusal(load_pieces, toy_backbone, known=tmp_path / "no.parquet")
    assert "no.parquet: expected the output of an earlier stage" in line


@pytest.mark.parametrize(
    ("ids", "actual"),
    [
        ([1], "int64"),
        (pa.array([[1]], pa.list_(pa.int64())), "list<element: int64>"),
        (pa.array([[None]], pa.list_(pa.int32())), "list<element: int32>"),
    ],
    ids=["no lists", "other ids", "a hole in a list"],
)
def test_a_file_of_another_form_is_one_line(ids, actual, toy_backbone, tmp_path):
    path = tmp_path / "test.parquet"
    table = pa.table({"text": ["a"], "ids": ids})
    pq.write_table(table.replace_schema_metadata(notes_of(toy_backbone)), path)
    line = f"{path}: column ids: expected list<element: int32 not null>, found {actual}"
    assert refusal(load_pieces, toy_backbone, known=path) == line
