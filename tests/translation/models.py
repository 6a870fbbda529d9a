"""Tiny translation models: NLLB-200's, M2M-100's and MADLAD's form, random or taught by heart."""

import json
from collections.abc import Sequence
from pathlib import Path

import sentencepiece
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    M2M100Config,
    M2M100ForConditionalGeneration,
    M2M100Tokenizer,
    NllbTokenizer,
    PreTrainedModel,
    T5Config,
    T5ForConditionalGeneration,
    T5Tokenizer,
)

from pipeline.languages import LANGUAGES
from pipeline.translation.seq2seq import Tokens

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
Lesson = tuple[str, str, str]
"""An English sentence, a language, and the translation."""


def nllb_tokenizer(texts: Sequence[str], languages: Sequence[str]) -> NllbTokenizer:
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=2000, special_tokens=list(SPECIALS), show_progress=False
    )
    made.train_from_iterator([*texts], trainer)
    bpe = json.loads(made.to_str())["model"]
    codes = [LANGUAGES[code].codes["nllb"] for code in languages]
    merges = [tuple(merge) for merge in bpe["merges"]]
    return NllbTokenizer(vocab=bpe["vocab"], merges=merges, extra_special_tokens=codes)


def m2m100_tokenizer(texts: Sequence[str], folder: Path) -> M2M100Tokenizer:
    """Return a tokenizer of a model of sentencepiece and a vocabulary, without tokenizer.json."""
    made = folder / "made"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_prefix=str(made), vocab_size=300,
        hard_vocab_limit=False, character_coverage=1.0, bos_id=0, pad_id=1, eos_id=2, unk_id=3,
        minloglevel=2,
    )  # fmt: skip
    spm = sentencepiece.SentencePieceProcessor(model_file=f"{made}.model")
    vocabulary = {spm.id_to_piece(number): number for number in range(spm.get_piece_size())}
    (folder / "words.json").write_text(json.dumps(vocabulary))
    return M2M100Tokenizer(str(folder / "words.json"), f"{made}.model")


def madlad_tokenizer(texts: Sequence[str], languages: Sequence[str]) -> T5Tokenizer:
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<pad>", "</s>", "<unk>", *(f"<2{code}>" for code in languages)]
    trainer = trainers.UnigramTrainer(
        vocab_size=500, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    made.train_from_iterator([*texts], trainer)
    pieces = [(piece, score) for piece, score in json.loads(made.to_str())["model"]["vocab"]]
    tokenizer = T5Tokenizer(vocab=pieces, extra_ids=0)
    tokenizer.add_tokens([f"<2{code}>" for code in languages])
    return tokenizer


def m2m100(size: int, *, hidden: int = 32) -> M2M100ForConditionalGeneration:
    """Return a random model of the architecture of NLLB-200 and M2M-100."""
    config = M2M100Config(
        vocab_size=size, d_model=hidden, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=2 * hidden,
        decoder_ffn_dim=2 * hidden, max_position_embeddings=256, dropout=0.0,
        attention_dropout=0.0, activation_dropout=0.0, encoder_layerdrop=0.0,
        decoder_layerdrop=0.0, init_std=0.5, scale_embedding=False,
    )  # fmt: skip
    return M2M100ForConditionalGeneration(config)


def t5(size: int, *, hidden: int = 32) -> T5ForConditionalGeneration:
    config = T5Config(
        vocab_size=size, d_model=hidden, d_kv=hidden // 4, d_ff=2 * hidden, num_layers=1,
        num_heads=4, dropout_rate=0.0, tie_word_embeddings=False, decoder_start_token_id=0,
        feed_forward_proj="gated-gelu",
    )  # fmt: skip
    return T5ForConditionalGeneration(config)


def write(family: str, folder: Path, lessons: Sequence[Lesson], *, steps: int = 0) -> Path:
    """Write a model of a family to a folder, taught the lessons in a number of steps."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = [text for english, _, translation in lessons for text in (english, translation)]
    languages = ["en", *dict.fromkeys(language for _, language, _ in lessons)]
    torch.manual_seed(0)
    if family == "madlad":
        tokenizer = madlad_tokenizer(texts, languages[1:])
        model = t5(len(tokenizer))
    else:
        tokenizer = (
            nllb_tokenizer(texts, languages)
            if family == "nllb"
            else m2m100_tokenizer(texts, folder)
        )
        model = m2m100(len(tokenizer) + 110)  # M2M-100's 100 languages come after its pieces
    tokenizer.save_pretrained(folder)
    _teach(model, Tokens(folder, place="here"), lessons, steps=steps)
    model.save_pretrained(folder)
    return folder


def _teach(
    model: PreTrainedModel, tokens: Tokens, lessons: Sequence[Lesson], *, steps: int
) -> None:
    tokenizer, pad = tokens.tokenizer, tokens.tokenizer.pad_token_id
    sources, answers = [], []
    for english, language, translation in lessons:
        sources += tokens.ids([english], source="en", target=language)
        words = tokenizer(translation, add_special_tokens=False)["input_ids"]
        first = tokens.first(language)
        answers.append([first] * (first is not None) + words + [tokenizer.eos_token_id])
    given = tokenizer.pad({"input_ids": sources}, return_tensors="pt")
    longest = max(map(len, answers))
    wanted = torch.tensor([answer + [pad] * (longest - len(answer)) for answer in answers])
    start = torch.full((len(answers), 1), model.config.decoder_start_token_id)
    shifted = torch.cat([start, wanted[:, :-1]], dim=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        logits = model(**given, decoder_input_ids=shifted).logits
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), wanted.flatten(), ignore_index=pad
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
