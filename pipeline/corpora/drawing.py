"""Seeded draws that depend on what is drawn from, not on the order in which it lies."""

import hashlib
from collections.abc import Iterable, Sequence


def draw_key(*parts: object) -> str:
    """Return a hexadecimal digest by which to sort: a random number fixed by its parts.

    Sorting by such a key shuffles rows independently of their order in a file, and the first n
    of the order are a prefix of the first n + 1.
    """
    text = "\x1f".join(map(str, parts))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def dealt(number: int, languages: Sequence[str], *draw: object) -> list[str]:
    """Return a language for each of so many pairs, dealt out in shuffled rounds.

    The counts differ by one at most, and fewer pairs get the first languages of more.

    Args:
        number: how many pairs.
        languages: the languages, in any order.
        draw: the seed, and what tells this draw from others.
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
