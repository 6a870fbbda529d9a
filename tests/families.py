"""Small random models of many classes, each with a tokenizer of the form that its models have."""

import string
from pathlib import Path

import torch
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import AutoConfig, AutoModelForMaskedLM, PreTrainedTokenizerFast

from pipeline.languages import LANGUAGES
from pipeline.prompting.label_words import LISTS
from tests import toys

SMALL = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 130, "initializer_range": 0.2,
}  # fmt: skip
GEMMA = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
LLAMA = ("<|begin_of_text|>", "<|end_of_text|>", "<|mask|>", "<|pad|>")
BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Llama 3's."""


def characters() -> list[str]:
    """Return every character of label words and templates, and of ASCII."""
    words = "".join(f"{one.question}{one.answer}" for one in LANGUAGES.values())
    return sorted({*string.printable.strip(), *words, *toys.TEXT.replace(" ", ""), *str(LISTS)})


def wordpiece() -> PreTrainedTokenizerFast:
    """Return multilingual BERT's form: cased, `##` for what continues a word, two token types."""
    letters = characters()
    continued = [f"##{letter}" for letter in letters]
    vocabulary = dict.fromkeys([*BERT, *dict.fromkeys(toys.TEXT.split()), *letters, *continued])
    numbered = {piece: number for number, piece in enumerate(vocabulary)}
    made = Tokenizer(models.WordPiece(numbered, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=False)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    return _framed(made, BERT, types=True)


def unigram() -> PreTrainedTokenizerFast:
    """Return RemBERT's and DeBERTa's form: SentencePiece's pieces in BERT's frame."""
    pieces = [*BERT, *dict.fromkeys(f"▁{word}" for word in toys.TEXT.split()), "▁", *characters()]
    scores = [(piece, -float(rank) / 100) for rank, piece in enumerate(dict.fromkeys(pieces))]
    made = Tokenizer(models.Unigram(scores, unk_id=1))
    made.normalizer = normalizers.Sequence([normalizers.Strip(), normalizers.NFC()])
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    return _framed(made, BERT, types=True)


def gemma() -> PreTrainedTokenizerFast:
    """Return Gemma 2's form, which mmBERT has: a space is `▁`, and a text's first word has none."""
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.normalizer = normalizers.Replace(" ", "▁")
    made.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    made = _trained(made, [*GEMMA, *bytes_], keep=GEMMA)
    made.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    made.decoder = decoders.Sequence(steps)
    return _framed(made, ("<pad>", "<unk>", "<bos>", "<eos>", "<mask>"))


def bytelevel() -> PreTrainedTokenizerFast:
    """Return Llama 3's form, which EuroBERT has: bytes, and no mark for a text's first word."""
    made = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(SPLIT), "isolated")
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    made.decoder = decoders.ByteLevel()
    made = _trained(made, LLAMA, keep=LLAMA, initial_alphabet=level.alphabet())
    start, end, mask, pad = LLAMA
    return _framed(made, (pad, None, start, end, mask))


def _trained(made: Tokenizer, tokens, *, keep, **options) -> Tokenizer:
    trainer = trainers.BpeTrainer(
        vocab_size=800, special_tokens=[*tokens], show_progress=False, **options
    )
    made.train_from_iterator([f" {toys.TEXT}"] * 20, trainer)
    return toys.without_added(made, keep)


def _framed(made: Tokenizer, names, *, types: bool = False) -> PreTrainedTokenizerFast:
    """Return a tokenizer that puts special tokens around texts: padding, unknown, start, end, mask.

    In BERT's frame, the second text and its separator have another type.
    """
    pad, unknown, start, end, mask = names
    made.add_special_tokens([AddedToken(name, special=True) for name in names if name])
    made.post_processor = processors.TemplateProcessing(
        single=f"{start}:0 $A:0 {end}:0",
        pair=f"{start}:0 $A:0 {end}:0 $B:{int(types)} {end}:{int(types)}",
        special_tokens=[(name, made.token_to_id(name)) for name in (start, end)],
    )
    options = {"pad_token": pad, "cls_token": start, "sep_token": end}
    options |= {"unk_token": unknown} if unknown else {}
    mask = AddedToken(mask, special=True, lstrip=not types)
    return PreTrainedTokenizerFast(tokenizer_object=made, mask_token=mask, **options)


FAMILIES = {
    "bert": (wordpiece, {}),
    "distilbert": (wordpiece, {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}),
    # Every layer but the first sees four tokens at each side.
    "modernbert": (gemma, {"global_attn_every_n_layers": 2, "local_attention": 8}),
    "eurobert": (bytelevel, {"num_key_value_heads": 2, "head_dim": 8}),
    "xlm-roberta-xl": (toys.tokenizer, {"type_vocab_size": 1}),
    "rembert": (unigram, {"input_embedding_size": 12, "output_embedding_size": 20}),
    "deberta-v2": (unigram, {
        "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "norm_rel_ebd": "layer_norm",
        "position_biased_input": False, "share_att_key": True, "position_buckets": 16,
    }),
}  # fmt: skip
"""By model_type: the tokenizer, and what config.json has beside SMALL."""


def write(kind: str, folder: Path, *, seed: int = 0, **changes: object) -> Path:
    """Write a small random model of a family with its tokenizer, and return its folder."""
    tokenizer, more = FAMILIES[kind]
    made = tokenizer()
    torch.manual_seed(seed)
    special = {
        f"{name}_token_id": getattr(made, f"{name}_token_id") for name in ("pad", "cls", "sep")
    }
    special |= {"bos_token_id": made.cls_token_id, "eos_token_id": made.sep_token_id}
    options = SMALL | special | more | {"vocab_size": len(made) + 3} | changes
    model = AutoModelForMaskedLM.from_config(AutoConfig.for_model(kind, **options))
    return toys.save(model, made, folder)
