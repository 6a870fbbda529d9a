"""The real tokenizer, the real model and real text: each read once, and only if a test needs it."""

import pandas as pd
import pytest
import torch
from transformers import AutoTokenizer, XLMRobertaForMaskedLM

from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.tokens import load_pieces
from pipeline.languages import LANGUAGES
from tests.real.pairs import some_pairs
from tests.real_data import ME5, XNLI


@pytest.fixture(scope="session")
def pieces():
    """Our reading of the tokenizer."""
    return load_pieces(ME5)


@pytest.fixture(scope="session")
def tokenizer():
    """The tokenizer as transformers reads it."""
    return AutoTokenizer.from_pretrained(ME5)


@pytest.fixture(scope="session")
def backbone():
    """Our model, in float32; not to be changed."""
    return load_backbone(ME5)


@pytest.fixture(scope="session")
def reference():
    """transformers' model of the same files, in float32; not to be changed."""
    return XLMRobertaForMaskedLM.from_pretrained(ME5, dtype=torch.float32).eval()


@pytest.fixture(scope="session")
def xnli():
    """XNLI's test pairs by language: premise, hypothesis, label."""
    name = "test-00000-of-00001.parquet"
    return {code: pd.read_parquet(XNLI / code / name) for code in LANGUAGES}


@pytest.fixture(scope="session")
def samples(xnli):
    """Premises and hypotheses of some test pairs, unusual ones among them, by language."""
    return {code: some_pairs(frame) for code, frame in xnli.items()}
