"""The tokenizer: Unigram with byte fallback, as XLM-R's.

The vocabulary is not trained: it has the words of the sources, their common substrings, their
characters and the 256 bytes. Scores fall in that order, so the best segmentation uses whole words
where it can; any other text breaks into smaller pieces, if necessary into bytes.
"""

import string
from collections import Counter
from itertools import combinations

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from pipeline.pocket.grammar import Grammar, Phrase

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
"""In the order of their ids, which are XLM-R's for the first four."""

MAX_LENGTH = 256
SPACE = "▁"  # what Metaspace puts for a space
LONGEST_SUBSTRING = 4
MIN_WORDS = 6  # that contain a substring, if it is to be a piece


def build_tokenizer(grammar: Grammar) -> PreTrainedTokenizerFast:
    """Build the tokenizer: `<s> A </s>` and `<s> A </s></s> B </s>`."""
    pieces = _vocabulary(grammar)
    tokenizer = Tokenizer(Unigram(pieces, unk_id=SPECIALS.index("<unk>"), byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    # Only the mask absorbs the space before it, as in XLM-R.
    tokenizer.add_special_tokens(
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
    counts: Counter[str] = Counter()
    for word in words:
        bounds = combinations(range(len(word) + 1), 2)
        counts.update({word[i:j] for i, j in bounds if 2 <= j - i <= LONGEST_SUBSTRING})
    common = {part for part, count in counts.items() if count >= MIN_WORDS}
    scores = dict.fromkeys(SPECIALS, 0.0)
    for pieces, score in ((words, -8.0), (common, -10.0), (characters, -12.0)):
        for piece in sorted(pieces):
            scores.setdefault(piece, score)
    scores |= {f"<0x{byte:02X}>": -14.0 for byte in range(256)}
    return list(scores.items())


def _words(grammar: Grammar) -> set[str]:
    """Return every word of the sources, with SPACE before it.

    Languages without spaces between phrases have whole phrases as pieces, without SPACE.
    """
    words = {SPACE, *".?:"}
    spaced = ["yes", "maybe", "no", "right", "wrong", *".?:"]  # the templates' English words
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
