"""The real datasets and a real tokenizer, on machines that have them beside the repository."""

from pathlib import Path

import pytest

from tests.imports import ROOT

HUB = ROOT.parent / "shared" / "hub"
XNLI = HUB / "facebook" / "xnli"
PAWS_X = HUB / "google-research-datasets" / "paws-x"
ME5 = ROOT.parent / "shared" / "backbones" / "me5-mlm"
"""A small backbone with 93,036 of XLM-R's pieces; its ids are others."""
PAPER = ROOT.parent / "shared" / "paper"
"""The paper's tables, and label words by language of two other papers."""
FEWSHOT = HUB / "zhao-schuetze-2021" / "xnli-fewshot"


def needs(folder: Path) -> pytest.MarkDecorator:
    """Skip a test without a copy of a dataset or tokenizer."""
    return pytest.mark.skipif(not folder.is_dir(), reason=f"no copy of {folder}")
