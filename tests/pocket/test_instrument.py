"""The miniature as an instrument: a short run of MPT whose result a broken part would move.

The run is fixed to the last draw, and noise of 1e-4 on all weights moves its mean accuracy by
less than 0.1: the bands are as narrow as that allows. They have to be. The backbone can do without
a good prompt, so a broken prompt or translator costs half a point, a broken loss many. Seed, split
and pairs are those of no reported run, and the text is validation's.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from pipeline import methods
from pipeline.backbone import backbone as backbone_file
from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.slots import fill_slots
from pipeline.backbone.tokens import load_pieces
from pipeline.corpora.fewshot import sample_split
from pipeline.corpora.pairs import draw_pairs, read_paws_x
from pipeline.corpora.xnli import load_xnli
from pipeline.methods import mpt
from pipeline.methods.base import Context, Example, TrainingText, WordMethod
from pipeline.params.text import Source
from pipeline.params.whole import Params, load_params
from pipeline.progress import silent
from pipeline.prompting.soft_prompt import SoftPrompt
from pipeline.prompting.template import ClozeTemplate
from pipeline.prompting.translator import ARCHITECTURES, linear_2
from pipeline.training.loop import fit
from pipeline.training.prediction import accuracy, predict
from pipeline.training.reproducibility import make_deterministic, set_threads
from pipeline.translation import engines
from pipeline.translation.checks import Checks
from pipeline.translation.sample import Sample, translated

SEED = 101
SHOTS = 16
EPOCHS = 3
PAIRS_A_LANGUAGE = 200

ACCURACY = (77.9, 78.25)
"""Mean over 15 languages, percent."""

ALIGNMENT = (0.336, 0.339)
"""Of the last epoch, nats."""


@dataclass(frozen=True)
class Instrument:
    """All that a short run starts from."""

    params: Params
    folder: Path
    text: TrainingText
    dev: pd.DataFrame
    validation: pd.DataFrame


@pytest.fixture(scope="module")
def instrument(pocket):
    params = load_params(pocket.parents[1] / "profiles" / "pocket.yaml")
    datasets = params.datasets.model_copy(
        update={
            "xnli": Source(path=str(pocket / "hub" / "xnli")),
            "paws_x": params.datasets.paws_x.model_copy(
                update={"path": str(pocket / "hub" / "paws-x")}
            ),
        }
    )
    paws15 = params.paws15.model_copy(update={"seed": SEED})
    params = params.model_copy(update={"datasets": datasets, "paws15": paws15})
    xnli = load_xnli(datasets.xnli, params.languages)
    pool = read_paws_x(datasets.paws_x, "en")
    drawn = draw_pairs(pool, paws15, params.pair_languages)
    check = Checks(paws15.translation.length, held_out=xnli["test"])
    sample = Sample(drawn, spares=drawn.head(0))
    standing, _ = translated(engines.build(params), sample, check, progress=silent)
    split = sample_split(xnli["train"], shots=SHOTS, split="train", seed=SEED)
    validation = xnli["dev"].groupby("language", sort=False).head(PAIRS_A_LANGUAGE)
    dev = validation[validation.language == "en"].head(12)
    text = TrainingText.of(split, standing.clean)
    return Instrument(params, pocket / "backbone", text, dev, validation)


def measured(instrument: Instrument) -> tuple[float, float]:
    """Return the mean accuracy (percent) and the last epoch's alignment loss (nats)."""
    run = instrument.params.run("mpt")
    training = run.training.model_copy(update={"epochs": EPOCHS})
    run = run.model_copy(update={"training": training})
    generator = make_deterministic(SEED)
    backbone = load_backbone(instrument.folder)
    set_threads(sum(one.numel() for one in backbone.parameters()))
    pieces = load_pieces(instrument.folder)
    method = methods.build(Context(run, instrument.params.languages, backbone, pieces))
    history = fit(method, instrument.text, instrument.dev, generator=generator)
    return accuracy(predict(method, instrument.validation)), float(history.epochs.kld.iloc[-1])


def in_band(found: tuple[float, float]) -> bool:
    bands = (ACCURACY, ALIGNMENT)
    return all(low <= value <= high for (low, high), value in zip(bands, found, strict=True))


@pytest.mark.slow
def test_a_short_run_ends_where_it_always_did(instrument):
    found = measured(instrument)
    assert in_band(found), found


def no_alignment(monkeypatch):
    monkeypatch.setattr(mpt, "symmetric_kl", lambda source, target: (source * 0).sum())


def shifted_labels(monkeypatch):
    right = mpt.CROSS_ENTROPIES["vocabulary"]

    def shifted(logits, labels, *, word_ids):
        return right(logits, (labels + 1) % 3, word_ids=word_ids)

    monkeypatch.setitem(mpt.CROSS_ENTROPIES, "vocabulary", shifted)


def swapped_sentences(monkeypatch):
    right = ClozeTemplate.rows

    def swapped(self, premises, hypotheses, *, prompt=0):
        return right(self, hypotheses, premises, prompt=prompt)

    monkeypatch.setattr(ClozeTemplate, "rows", swapped)


def turned_verbalizer(monkeypatch):
    right = WordMethod.label_logits
    monkeypatch.setattr(WordMethod, "label_logits", lambda self, batch: right(self, batch).flip(-1))


def frozen_prompt(monkeypatch):
    monkeypatch.setattr(
        mpt, "SoftPrompt", lambda *size: SoftPrompt(*size).requires_grad_(requires_grad=False)
    )


def empty_prompt(monkeypatch):
    monkeypatch.setattr(
        backbone_file,
        "fill_slots",
        lambda *places, prompts: fill_slots(*places, prompts=prompts * 0),
    )


def untrained_translator(monkeypatch):
    monkeypatch.setitem(
        ARCHITECTURES, "linear-2", lambda d: linear_2(d).requires_grad_(requires_grad=False)
    )


def translator_left_out_of_training(monkeypatch):
    right = mpt.Model.streams

    def streams(self, text, generator):
        found = right(self, text, generator)
        found["pairs"] = [
            Example((one.rows[0], replace(one.rows[1], prompt=mpt.SOURCE)))
            for one in found["pairs"]
        ]
        return found

    monkeypatch.setattr(mpt.Model, "streams", streams)


@pytest.mark.slow
@pytest.mark.parametrize(
    "breaks",
    [
        no_alignment,
        shifted_labels,
        swapped_sentences,
        turned_verbalizer,
        frozen_prompt,
        empty_prompt,
        untrained_translator,
        translator_left_out_of_training,
    ],
)
def test_a_broken_part_moves_it_out(instrument, monkeypatch, breaks):
    breaks(monkeypatch)
    found = measured(instrument)
    assert not in_band(found), found
