"""Where the journal is: one for all clones, worktrees and temporary folders of a user."""

import os
from contextlib import closing
from pathlib import Path

from platformdirs import user_data_path

from pipeline.translation.journal import locked, named_errors, opened

FORMER = Path("data/translations/journal.sqlite")
"""The place of a journal that only its own clone could find."""

PATIENCE = 20.0  # seconds, for another process that moves it

_COLUMNS = "engine, version, source, target, sha256, sentence, answer, reason, at, counts"
# Nothing is added twice, so the whole may be repeated after a kill.
_MERGE = (
    "INSERT OR IGNORE INTO accepted SELECT * FROM former.accepted",
    f"INSERT INTO refused ({_COLUMNS}) SELECT {_COLUMNS} FROM former.refused "
    f"EXCEPT SELECT {_COLUMNS} FROM refused ORDER BY at",
)


def journal_path() -> Path:
    """Return the file that MPT_JOURNAL names, or the one in the user's folder for data."""
    named = os.environ.get("MPT_JOURNAL")
    return Path(named).absolute() if named else user_data_path("mpt-xnli") / "journal.sqlite"


def move_former() -> Path | None:
    """Add the answers in FORMER to the user's journal, and give FORMER another name.

    A kill at any moment loses nothing: the next call repeats the whole.

    Returns:
        The new name, or None if there is nothing to move.

    Raises:
        InputError: one of the two is no journal.
        RunError: another process translates into FORMER, or one of the two cannot be used.
    """
    path, moved = journal_path(), FORMER.with_suffix(".moved.sqlite")
    if not FORMER.exists() or (path.exists() and path.samefile(FORMER)):
        return None
    with locked(FORMER, seconds=PATIENCE):
        if not FORMER.exists():  # another process has moved it meanwhile
            return None
        # Closing it takes its write-ahead log into the file itself.
        with named_errors(FORMER):
            opened(FORMER).close()
        with named_errors(path), closing(opened(path)) as connection:
            connection.execute("ATTACH ? AS former", (str(FORMER),))
            with connection:
                for statement in _MERGE:
                    connection.execute(statement)
        FORMER.replace(moved)
    return moved
