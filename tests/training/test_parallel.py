"""The parallel pairs that a run reads."""

import pandas as pd
import pytest

from pipeline.artifacts import write_table
from pipeline.corpora.files import PARALLEL_PAIRS, PAWS15, TRANSLATED, TRANSLATED_SPLITS
from pipeline.params.runs import LanguageParams
from pipeline.training.parallel import read_parallel
from tests import toys
from tests.commands import refusal

LANGUAGES = LanguageParams(source="en", targets=toys.TARGETS)


def read(*, shots=1, seed=2, **entry):
    run = toys.run(method="mpt", **entry)
    return read_parallel(run, LANGUAGES, shots=shots, seed=seed)


def pairs(number):
    texts = ["premise", "hypothesis", "target_premise", "target_hypothesis"]
    rows = [
        {"pair_id": f"p-{n}", "language": "de", "engine": "dataset"}
        | {column: f"{column} {n}" for column in texts}
        for n in range(number)
    ]
    return pd.DataFrame(rows, columns=PARALLEL_PAIRS.schema.names)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_table(pairs(9), PAWS15 / "pairs.parquet", PARALLEL_PAIRS)
    write_table(pairs(14), PAWS15 / "extended.parquet", PARALLEL_PAIRS)
    return tmp_path


def write_translations(*splits):
    parts = [pairs(3).assign(split=split, target_premise=split) for split in splits]
    frame = pd.concat(parts) if parts else pairs(0).assign(split="")
    write_table(frame, TRANSLATED / "k1.parquet", TRANSLATED_SPLITS)


@pytest.mark.parametrize(("wanted", "number"), [(None, 9), (4, 4), (9, 9), (10, 10), (14, 14)])
def test_the_first_pairs_are_read(wanted, number):
    pairs = read(pairs="paws15", external_pairs=wanted)
    assert list(pairs.pair_id) == [f"p-{n}" for n in range(number)]


def test_the_extended_pairs_are_read_only_if_more_are_asked_for(folder):
    (folder / PAWS15 / "extended.parquet").unlink()
    assert len(read(external_pairs=9)) == 9
    assert refusal(read, external_pairs=10) == (
        "data/paws15/extended.parquet: expected the output of an earlier stage, found no such file"
    )


def test_too_few_pairs_are_refused():
    assert refusal(read, external_pairs=15) == (
        "data/paws15/extended.parquet: expected at least the 15 pairs of "
        "methods.other.external_pairs in params.yaml, found 14"
    )


def test_translations_of_the_split_are_read():
    write_translations("train")
    translations = read(pairs="xnli")
    assert (len(translations), set(translations.target_premise)) == (3, {"train"})


def test_each_seed_reads_its_own_translations():
    write_translations("train@1", "train@2")
    assert set(read(pairs="xnli", seed=2).target_premise) == {"train@2"}
    assert refusal(read, pairs="xnli", seed=3) == (
        "data/translated/k1.parquet: expected a train split for seed 3, found "
        "train@1, train@2 (is the seed in params.yaml's grid.seeds?)"
    )


def test_missing_translations_are_refused():
    write_translations()
    assert refusal(read, pairs="xnli") == (
        "data/translated/k1.parquet: expected translations of the labelled pairs, since "
        "methods.other.pairs is xnli, found none (params.yaml: fewshot.translations must be true, "
        "and fewshot.source must have them)"
    )
    assert refusal(read, pairs="xnli", shots=2).startswith(
        "data/translated/k2.parquet: expected the output of an earlier stage"
    )


def test_translations_of_other_shots_are_refused():
    write_translations("train")
    (TRANSLATED / "k1.parquet").rename(TRANSLATED / "k2.parquet")
    assert refusal(read, pairs="xnli", shots=2) == (
        "data/translated/k2.parquet: expected a translation of each of 6 pairs in train, found 3 "
        "(stage translations)"
    )
