"""The file in which answers of translation servers are kept for good."""

from pathlib import Path

JOURNAL = Path("data/translations/journal.sqlite")
