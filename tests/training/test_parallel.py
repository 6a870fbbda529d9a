"""Which pairs a run reads."""

import pandas as pd
import pytest

from pipeline.artifacts import write_table
from pipeline.corpora.files import PARALLEL_PAIRS, PAWS15, TRANSLATED, TRANSLATED_SPLITS
from pipeline.errors import InputError
from pipeline.params.strict import parse
from pipeline.params.whole import Params
from pipeline.training.parallel import read_parallel
from tests import toys


def run(**block):
    blocks = toys.params()["methods"] | {"other": {"method": "mpt", **block}}
    return parse(Params, toys.params(methods=blocks), place="params.yaml").run("other")


def read(*, shots=1, seed=2, **block):
    return read_parallel(run(**block), shots=shots, seed=seed)


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
    parts = [pairs(3).assign(split=split, premise=split) for split in splits]
    frame = pd.concat(parts) if parts else pairs(0).assign(split="")
    write_table(frame, TRANSLATED / "k1.parquet", TRANSLATED_SPLITS)


@pytest.mark.parametrize(
    ("block", "ids"),
    [
        ({}, range(9)),
        ({"pairs": "paws15"}, range(9)),
        ({"external_pairs": 4}, range(4)),
        ({"external_pairs": 9}, range(9)),
        ({"external_pairs": 10}, range(10)),
        ({"external_pairs": 14}, range(14)),
    ],
)
def test_the_first_so_many_pairs_are_read(block, ids):
    assert list(read(**block).pair_id) == [f"p-{n}" for n in ids]


def test_the_extended_pairs_are_read_only_where_more_are_asked_for(folder):
    (folder / PAWS15 / "extended.parquet").unlink()
    assert len(read(external_pairs=9)) == 9
    with pytest.raises(InputError) as error:
        read(external_pairs=10)
    assert str(error.value) == (
        "data/paws15/extended.parquet: expected the output of an earlier stage, found no such file"
    )


def test_too_few_pairs_are_an_error():
    with pytest.raises(InputError) as error:
        read(external_pairs=15)
    assert str(error.value) == (
        "data/paws15/extended.parquet: expected at least the 15 pairs of "
        "methods.other.external_pairs in params.yaml, found 14"
    )


def test_translations_of_the_split_are_read():
    write_translations("train")
    found = read(pairs="xnli")
    assert (len(found), set(found.premise)) == (3, {"train"})


def test_a_seeds_own_translations_are_read():
    write_translations("train@1", "train@2")
    assert set(read(pairs="xnli", seed=2).premise) == {"train@2"}
    with pytest.raises(InputError) as error:
        read(pairs="xnli", seed=3)
    assert str(error.value) == (
        "data/translated/k1.parquet: expected a train split for seed 3, found "
        "train@1, train@2 (is the seed in params.yaml's grid.seeds?)"
    )


def test_no_translations_are_an_error():
    write_translations()
    with pytest.raises(InputError) as error:
        read(pairs="xnli")
    assert str(error.value) == (
        "data/translated/k1.parquet: expected translations of the labelled pairs, since "
        "methods.other.pairs is xnli, found none (params.yaml: fewshot.translations must be true, "
        "and fewshot.source must have them)"
    )


def test_a_missing_file_of_translations_is_an_error():
    with pytest.raises(InputError, match=r"translated/k2\.parquet: expected the output of an"):
        read(pairs="xnli", shots=2)
