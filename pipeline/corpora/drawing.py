"""Seeded draws that depend on what is drawn from, not on the order in which it lies."""

import hashlib
from collections.abc import Iterable


def draw_key(*parts: object) -> str:
    """Return a hexadecimal digest by which to sort: a random number fixed by its parts.

    Sorting by such a key shuffles rows independently of their order in a file, and the first n
    of the order are a prefix of the first n + 1.
    """
    text = "\x1f".join(map(str, parts))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def content_hash(rows: Iterable[tuple[str, ...]]) -> str:
    """Return the SHA-256 of rows of text, in their order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update("\x1f".join(row).encode() + b"\n")
    return digest.hexdigest()
