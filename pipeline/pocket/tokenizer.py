"""The miniature's tokenizer: Unigram with byte fallback, shaped as XLM-R's.

The vocabulary is built from the lexicon, not trained: whole words of the sources, then their
common substrings, then their characters, then the 256 bytes. Scores fall in that order, so the
best segmentation uses whole words where it can. Any other text breaks into smaller pieces, and
if necessary into bytes.
"""

import string
from collections import Counter

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from pipeline.pocket.grammar import Grammar, Phrase

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
"""In the order of their ids; the first four are XLM-R's."""

LABEL_WORDS = ("yes", "maybe", "no", "right", "wrong")
"""English label words of the methods' templates, one piece each."""

MAX_LENGTH = 256
SPACE = "▁"
WORD, SUBSTRING, CHARACTER, BYTE = -8.0, -10.0, -12.0, -14.0
LONGEST_SUBSTRING = 4
MIN_WORDS = 6
"""A substring becomes a piece if it occurs in at least this many words."""


def build_tokenizer(grammar: Grammar) -> PreTrainedTokenizerFast:
    """Build the tokenizer: `<s> A </s>` and `<s> A </s></s> B </s>`."""
    pieces = _vocabulary(grammar)
    tokenizer = Tokenizer(Unigram(pieces, unk_id=SPECIALS.index("<unk>"), byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Metaspace(replacement=SPACE, prepend_scheme="always")]
    )
    tokenizer.add_special_tokens(
        # Only the mask absorbs the space before it, as in XLM-R.
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


def _vocabulary(grammar: Grammar) -> list[tuple[str, float]]:
    """Return the pieces with their scores, in the order of their ids."""
    words = _words(grammar)
    characters = {*"".join(words), *string.printable.strip()}
    counts = Counter(part for word in words for part in _substrings(word))
    common = {part for part, count in counts.items() if count >= MIN_WORDS and len(part) > 1}
    scores = dict.fromkeys(SPECIALS, 0.0)
    for pieces, score in ((words, WORD), (common, SUBSTRING), (characters, CHARACTER)):
        for piece in sorted(pieces):
            scores.setdefault(piece, score)
    scores |= {f"<0x{byte:02X}>": BYTE for byte in range(256)}
    return list(scores.items())


def _words(grammar: Grammar) -> set[str]:
    """Return every word of the sources, with the sign for the space before it.

    Languages without spaces between phrases have whole phrases as pieces, without that sign.
    """
    words = {SPACE, *".?:"}
    spaced = [*LABEL_WORDS, *".?:"]
    for language, rules in grammar.languages.items():
        spaced += [rules.question, rules.answer, *rules.answers]
        words |= {rules.end} - {""}
        phrases = [
            grammar.phrase(Phrase(concept), language, feminine=feminine)
            for concept in grammar.lexicon.concepts
            for feminine in (False, True)
        ]
        if rules.join:
            spaced += [rules.negation.format(""), *phrases]
        else:
            words |= {*rules.negation.format("").split(), *phrases}
    return words | {SPACE + word for text in spaced for word in text.split()}


def _substrings(word: str) -> set[str]:
    return {
        word[start:end]
        for start in range(len(word))
        for end in range(start + 1, min(start + LONGEST_SUBSTRING, len(word)) + 1)
    }
