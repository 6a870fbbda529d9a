"""Exported folders of a real backbone: the template as text, and answers in all languages."""

import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer

from pipeline.backbone.tokens import load_pieces
from pipeline.export import folder
from pipeline.inference.model import load_exported, template_of
from pipeline.inference.prediction import judge
from pipeline.languages import LANGUAGES
from pipeline.prompting.nli import Nli
from pipeline.training.registry import build
from tests import toys
from tests.export.models import answers_alone
from tests.real.pairs import of_all_lengths
from tests.real_data import ME5, XNLI, needs

pytestmark = [needs(ME5), needs(XNLI)]
PAIRS = 1_000
"""Of each language."""
CASES = [(name, "suffix", PAIRS) for name in ("mpt", "ft", "up")]
CASES += [("sp", "prefix", 50), ("sp", "midfix", 50), ("sp", "endfix", 50), ("mp", "suffix", 50)]
"""The last ones differ from the first only between the sentences."""


@pytest.fixture
def exported(tmp_path):
    """Exports a run on the real backbone, untrained, in all languages."""
    languages = {"source": "en", "targets": [code for code in LANGUAGES if code != "en"]}

    def export(name, *, position="suffix", max_length=512):
        torch.manual_seed(0)
        changes = {"template__position": position, "training__max_length": max_length}
        method = build(toys.context(ME5, name, languages=languages, **changes))
        place = tmp_path / f"{name}-{position}"
        place.mkdir()
        folder.write_model(place, method, backbone=ME5, dtype="float32")
        return place

    return export


@pytest.fixture
def otherwise(exported, xnli, monkeypatch):
    """Returns the hypotheses by language for which a template's text has other tokens."""
    monkeypatch.setattr(folder, "_write_weights", lambda *_, **__: None)

    def differing(name, *, position="suffix", number=PAIRS):
        place = exported(name, position=position)
        nli = Nli.model_validate_json((place / "nli.json").read_bytes())
        pieces, found = load_pieces(place), {}
        tokenizer = Tokenizer.from_file(str(place / "tokenizer.json"))
        for form in nli.templates:
            template = template_of(form, pieces, max_length=nli.max_length)
            first, second = template.forms
            for code in form.languages:
                frame = xnli[code].head(number)
                rows = map(template.row, template.pairs(frame.premise, frame.hypothesis))
                texts = [
                    form.text.format(premise=first(premise), hypothesis=second(hypothesis))
                    for premise, hypothesis in zip(frame.premise, frame.hypothesis, strict=True)
                ]
                both = zip(rows, tokenizer.encode_batch_fast(texts), strict=True)
                differ = [list(row.ids) != whole.ids for row, whole in both]
                assert len(differ) == number
                if any(differ):
                    found[code] = frame.hypothesis[differ].tolist()
        return found

    return differing


@pytest.mark.parametrize(("name", "position", "number"), CASES)
def test_the_template_as_one_text_has_the_rows_tokens(otherwise, name, position, number):
    assert otherwise(name, position=position, number=number) == {}


def test_only_chinese_questions_with_a_mark_of_their_own_are_joined(otherwise, xnli):
    """There PCT's question mark and that of the hypothesis, made ASCII, are the piece ??."""
    found = otherwise("pct")
    assert found.keys() == {"zh"}
    asked = xnli["zh"].head(PAIRS).hypothesis
    assert found["zh"] == asked[asked.str.endswith("？")].tolist()
    assert len(found["zh"]) == 23


def test_the_cards_code_answers_pairs_of_all_lengths_as_we_do(exported, xnli, monkeypatch):
    rows = pd.DataFrame(of_all_lengths(xnli), columns=["premise", "hypothesis"])
    rows["language"] = [*xnli]
    monkeypatch.setattr("tests.export.models.examples", lambda: rows)
    places = {name: exported(name, max_length=48) for name in ("mpt", "ft")}
    answers = answers_alone(places, max_length=48)
    for name, place in places.items():
        pairs = list(zip(rows.premise, rows.hypothesis, strict=True))
        judged = judge(load_exported(place), pairs, rows.language.tolist())
        assert judged.cut > 3
        found = judged.probabilities.numpy()
        np.testing.assert_allclose(answers[name], found, rtol=0, atol=1e-5, err_msg=name)
        assert np.ptp(found, axis=0).max() > 1e-3
