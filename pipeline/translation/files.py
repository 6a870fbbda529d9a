"""What engines of translation answered, kept for good."""

from pathlib import Path

JOURNAL = Path("data/translations/journal.sqlite")
