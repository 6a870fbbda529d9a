"""The real datasets, on machines that have them beside the repository."""

from pathlib import Path

import pytest

from tests.imports import ROOT

HUB = ROOT.parent / "shared" / "hub"
XNLI = HUB / "facebook" / "xnli"
PAWS_X = HUB / "google-research-datasets" / "paws-x"
FEWSHOT = HUB / "zhao-schuetze-2021" / "xnli-fewshot"


def needs(folder: Path) -> pytest.MarkDecorator:
    """Skip a test without a copy of a dataset."""
    return pytest.mark.skipif(not folder.is_dir(), reason=f"no copy of {folder}")
