"""The files under results/."""

from pathlib import Path

RESULTS = Path("results")
