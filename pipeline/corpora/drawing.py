"""Seeded draws that depend on the items, not on their order."""

import hashlib
from collections.abc import Iterable, Sequence


def draw_key(*parts: object) -> str:
    """Return a hexadecimal digest of the parts, to sort by.

    Such a sort shuffles rows regardless of their order in a file; the first n are a prefix of the
    first n + 1.
    """
    text = "\x1f".join(map(str, parts))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def dealt(number: int, languages: Sequence[str], *draw: object) -> list[str]:
    """Return a language for each of `number` pairs, dealt out in shuffled rounds.

    Counts differ by at most one, and a smaller number gets a prefix of the same languages. The
    order of `languages` does not matter; `draw` is the seed and what distinguishes this draw.
    """
    languages_dealt: list[str] = []
    while len(languages_dealt) < number:
        turn = len(languages_dealt) // len(languages)
        languages_dealt += sorted(languages, key=lambda code: draw_key(*draw, "round", turn, code))
    return languages_dealt[:number]


def content_hash(rows: Iterable[tuple[str, ...]]) -> str:
    """Return the SHA-256 of rows of text, in their order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update("\x1f".join(row).encode() + b"\n")
    return digest.hexdigest()
