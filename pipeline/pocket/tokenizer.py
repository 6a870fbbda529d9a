"""The miniature's tokenizer: Unigram with byte fallback, shaped as XLM-R's.

The vocabulary is put together from the lexicon and not trained: whole words of the sources, then
common substrings of them, then their characters, then the 256 bytes. Scores fall in that order,
so that the best segmentation takes whole words where it can, and any other text breaks into
pieces, at worst into bytes.
"""

import string
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from pipeline.pocket.grammar import Grammar, Phrase

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
"""In the order of their ids; the first four are XLM-R's."""

LABEL_WORDS = ("yes", "maybe", "no", "right", "wrong")
"""English words that stand for labels in the methods' templates: one piece each."""

MAX_LENGTH = 256
SPACE = "▁"
WORD, SUBSTRING, CHARACTER, BYTE = -8.0, -10.0, -12.0, -14.0
MIN_WORDS = 6
"""A substring is a piece of its own where it is found in this many words."""


def vocabulary(grammar: Grammar) -> list[tuple[str, float]]:
    """Return the pieces with their scores, in the order of their ids."""
    words = _words(grammar)
    characters = sorted({*"".join(words), *string.printable.strip()})
    substrings = Counter(
        part for word in sorted(words) for part in sorted(_substrings(word)) if len(part) > 1
    )
    common = sorted(part for part, count in substrings.items() if count >= MIN_WORDS)
    scores: dict[str, float] = dict.fromkeys(SPECIALS, 0.0)
    for pieces, score in (
        (sorted(words), WORD),
        (common, SUBSTRING),
        (characters, CHARACTER),
        ([f"<0x{byte:02X}>" for byte in range(256)], BYTE),
    ):
        for piece in pieces:
            scores.setdefault(piece, score)
    return list(scores.items())


def build_tokenizer(grammar: Grammar) -> PreTrainedTokenizerFast:
    """Build the tokenizer: `<s> A </s>` and `<s> A </s></s> B </s>`."""
    pieces = vocabulary(grammar)
    tokenizer = Tokenizer(Unigram(pieces, unk_id=SPECIALS.index("<unk>"), byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Metaspace(replacement=SPACE, prepend_scheme="always")]
    )
    tokenizer.add_special_tokens(
        # Only the mask takes the space before it, as in XLM-R.
        [AddedToken(piece, special=True, lstrip=piece == "<mask>") for piece in SPECIALS]
    )
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(piece, SPECIALS.index(piece)) for piece in ("<s>", "</s>")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=MAX_LENGTH,
        model_input_names=["input_ids", "attention_mask"],
        padding_side="right",
    )


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json."""
    tokenizer.save_pretrained(str(folder))


def _words(grammar: Grammar) -> set[str]:
    """Return every word of the sources, with the sign of the space before it.

    Where a language puts no space between phrases, a phrase is what stands between two others,
    so it is a piece without that sign.
    """
    words = {SPACE + word for word in LABEL_WORDS}
    words |= {SPACE, *".?:", *(SPACE + sign for sign in ".?:")}
    for language, rules in grammar.languages.items():
        literals = [rules.question, rules.answer, *rules.answers]
        for text in literals:
            words |= {SPACE + word for word in text.split()}
        words |= {rules.end} - {""}
        negation = rules.negation.format("").split()
        words |= {SPACE + word for word in negation} if rules.join else set(negation)
        for concept in grammar.lexicon.concepts:
            for feminine in (False, True):
                phrase = grammar.phrase(Phrase(concept.name), language, feminine=feminine)
                if rules.join:
                    words |= {SPACE + word for word in phrase.split()}
                else:
                    words.add(phrase)
    return words


def _substrings(word: str) -> Iterable[str]:
    longest = 4
    return {
        word[start : start + length]
        for start in range(len(word))
        for length in range(1, longest + 1)
        if start + length <= len(word)
    }
