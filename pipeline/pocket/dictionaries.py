"""data/pocket/dictionary/en-XX.txt: the lexicon's single words as bilingual dictionaries."""

from pathlib import Path

from pipeline.artifacts import write_text
from pipeline.pocket.lexicon import CODES, Lexicon


def write_dictionaries(lexicon: Lexicon, folder: Path) -> None:
    """Write an English dictionary of each other language, in MUSE's format.

    A line is a word and its translation. Phrases of several words, such as nouns with their
    article, have no place in this format, on either side.
    """
    for code in CODES:
        pairs = [
            f"{source} {target}\n"
            for concept in lexicon.concepts
            for source in concept.forms["en"].split("|")
            for target in concept.forms[code].split("|")
            if len(source.split()) == len(target.split()) == 1
        ]
        if code != "en":
            write_text("".join(pairs), folder / f"en-{code}.txt")
