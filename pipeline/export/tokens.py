"""Soft prompts as further tokens of a tokenizer, and rows as one text with them."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from tokenizers import AddedToken, Tokenizer
from torch import Tensor

from pipeline.backbone.tokens import Ids, Pieces, ids_of


def token_names(prompts: Mapping[str, Tensor]) -> list[list[str]]:
    """Return the tokens of each soft prompt: `<p_1>` and so on, or `<p^S_1>` and `<p^T_1>`.

    The letter is the initial of the prompt's name; if two have the same, the name itself.
    """
    initials = [name[0].upper() for name in prompts]
    marks = initials if len(set(initials)) == len(initials) else list(prompts)
    marks = [f"^{mark}" for mark in marks] if len(marks) > 1 else [""]
    return [
        [f"<p{mark}_{number}>" for number in range(1, len(vectors) + 1)]
        for mark, vectors in zip(marks, prompts.values(), strict=False)
    ]


def extended(tokenizer: Tokenizer, names: Sequence[str], *, vocabulary: int) -> None:
    """Add tokens to a tokenizer, whose ids begin at the size of the model's vocabulary.

    If the model has more rows than the tokenizer pieces, further tokens fill it up.

    Raises:
        ValueError: the tokenizer numbers them otherwise.
    """
    if not names:
        return
    used = max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1
    filling = [f"<unused_{number}>" for number in range(used, vocabulary)]
    # White space before a token belongs to it, as before the mask.
    tokens = [AddedToken(name, lstrip=True, special=True) for name in (*filling, *names)]
    tokenizer.add_special_tokens(tokens)
    ids = [tokenizer.token_to_id(name) for name in names]
    if ids != list(range(vocabulary, vocabulary + len(names))):
        raise ValueError(f"expected tokens from {vocabulary} on, found {ids}")


def text_of(start: Ids, middle: Ids, end: Ids, pieces: Pieces) -> str:
    """Return a row as one text, without the tokens that the tokenizer puts around texts.

    `{premise}` and `{hypothesis}` are the sentences in the template's forms.
    """
    around = pieces.frame
    before = _text(start[len(around.start) :], pieces)
    after = _text(end[: len(end) - len(around.end)], pieces)
    return f"{before}{{premise}}{_text(middle, pieces)}{{hypothesis}}{after.rstrip()}".strip()


def _text(ids: Ids, pieces: Pieces) -> str:
    """Return pieces as text that ends where a sentence may begin.

    If a text's first word has no mark, the sentence's form adds the space where it should.
    """
    frame = {*pieces.frame.start, *pieces.frame.between, *pieces.frame.end}
    text = ""
    for is_special, run in groupby(ids, key=lambda number: number in pieces.special):
        part = ids_of(run)
        if is_special:  # not all tokenizers give the white space before a special token to it
            text += "".join(pieces.shown(part))
        else:
            written = pieces.text(part).strip()
            text += " " * _begins_word(part, written, pieces) + written
    text = text.replace("{", "{{").replace("}", "}}")
    return text + " " * bool(ids and ids[-1] not in frame and not pieces.space)


def _begins_word(part: Ids, written: str, pieces: Pieces) -> bool:
    """Return whether pieces of a text are those that it has after a word and a space."""
    before, whole = pieces.of(["a", f"a {written}"])
    return whole == before + part
