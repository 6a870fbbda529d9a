"""The tokenizer beside transformers' own of the same files: the same ids."""

import json
import shutil

import pandas as pd
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, CamembertTokenizer, RobertaTokenizer, XLMRobertaTokenizer

from pipeline.backbone.tokens import load_pieces
from pipeline.languages import LANGUAGES
from tests import toys
from tests.commands import refusal
from tests.imports import ROOT

POCKET = ROOT / "data" / "pocket"
AWKWARD = [
    "", " ", "  two  spaces\tand\na line ", "a dog<mask>", "<s> a dog </s><pad> <unk> <mask>.",
    "ﬁ ½ é ü ０１ ㎏ 〜", "Ω🐕‍🦺 naïve co\u0301te", "word " * 700,
]  # fmt: skip


def bpe():
    """Return a byte-level vocabulary with its merges, as RoBERTa's."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet, specials = pre_tokenizers.ByteLevel.alphabet(), [*toys.SPECIALS]
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator([toys.TEXT] * 5, trainer)
    model = json.loads(made.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def unigram(specials):
    words = sorted(set(toys.TEXT.split()))
    return [(piece, 0.0) for piece in specials] + [
        (f"▁{word}", -1.0 - rank / 100) for rank, word in enumerate(words)
    ]


def saved(kind, folder):
    if kind == "roberta":
        vocab, merges = bpe()
        made = RobertaTokenizer(vocab=vocab, merges=merges)
    elif kind == "camembert":
        specials = ("<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>")
        made = CamembertTokenizer(vocab=[*unigram(specials), ("<mask>", 0.0)])
    elif kind == "xlm-roberta":
        made = XLMRobertaTokenizer(vocab=[*unigram(toys.SPECIALS[:4]), ("<mask>", 0.0)])
    else:
        made = toys.tokenizer(specials=toys.OTHER_SPECIALS if kind == "other" else toys.SPECIALS)
    made.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=["toy", "other", "xlm-roberta", "roberta", "camembert"])
def folder(request, tmp_path_factory):
    return saved(request.param, tmp_path_factory.mktemp("tokenizer"))


def same(folder, texts):
    ours, theirs = load_pieces(folder), AutoTokenizer.from_pretrained(folder)
    assert (ours.mask, ours.pad) == (theirs.mask_token_id, theirs.pad_token_id)
    pieces = [list(ids) for ids in ours.of(texts)]
    assert pieces == theirs(texts, add_special_tokens=False)["input_ids"]
    frame, (a, b) = ours.frame, ours.of(["a dog", "two men"])
    assert [*frame.start, *a, *frame.end] == theirs("a dog")["input_ids"]
    pair = theirs("a dog", "two men")["input_ids"]
    assert [*frame.start, *a, *frame.between, *b, *frame.end] == pair


def test_ids_are_those_of_transformers(folder):
    words = [f"{words.question}: {words.answer} <mask>" for words in LANGUAGES.values()]
    same(folder, [*AWKWARD, *words, toys.TEXT])


def test_pocket_in_every_language():
    files = sorted((POCKET / "hub" / "xnli").glob("??/validation-*.parquet"))
    assert len(files) == 15
    rows = pd.concat(pd.read_parquet(file) for file in files)
    same(POCKET / "backbone", [*rows.premise, *rows.hypothesis, *AWKWARD])


def set_keys(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def change(folder, out, **values):
    shutil.copytree(folder, out)
    set_keys(out / "tokenizer_config.json", **values)
    return out


def test_truncation_and_padding_in_the_file_are_ignored(folder, tmp_path):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=20)
    shutil.copytree(folder, tmp_path / "cut")
    tokenizer.save(str(tmp_path / "cut" / "tokenizer.json"))
    same(tmp_path / "cut", AWKWARD)


def test_a_token_may_have_flags_as_in_older_files(folder, tmp_path):
    mask = {"content": "<mask>", "lstrip": True, "__type": "AddedToken"}
    same(change(folder, tmp_path / "old", mask_token=mask), AWKWARD)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"mask_token": None}, "mask_token, found none"),
        ({"pad_token": "<no>"}, "pad_token, found '<no>', which is not in its vocabulary"),
    ],
)
def test_a_tokenizer_without_mask_or_padding_is_refused(changes, line, folder, tmp_path):
    lacking = change(folder, tmp_path / "lacking", **changes)
    assert refusal(load_pieces, lacking) == f"data/backbones: expected a tokenizer with a {line}"


def test_a_broken_tokenizer_is_one_line(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "broken")
    (copy / "tokenizer.json").write_text("{}{")
    line = refusal(load_pieces, copy)
    assert line.startswith(f"{copy}/tokenizer.json: expected a tokenizer, found ")


def test_files_are_read_once_and_again_when_they_have_changed(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    first = load_pieces(copy)
    assert load_pieces(copy) is first
    set_keys(copy / "tokenizer_config.json", mask_token="<pad>")
    assert load_pieces(copy).mask == first.pad
