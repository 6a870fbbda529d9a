"""Few-shot splits: balanced, disjoint, and drawn from the texts alone."""

import shutil

import pandas as pd
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from pipeline import artifacts
from pipeline.artifacts import EXAMPLES, SPLITS
from pipeline.blocks import Fewshot
from pipeline.corpora.fewshot import given, require_disjoint, sampled, seeded
from pipeline.corpora.leaks import pair_texts
from pipeline.errors import InputError
from tests import toys
from tests.commands import call, only_line
from tests.imports import ROOT

REAL = ROOT.parent / "shared" / "hub" / "zhao-schuetze-2021" / "xnli-fewshot"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason=f"no given splits at {REAL}")


def pool(name, rows=36):
    return pd.DataFrame(
        {
            "pair_id": [f"{name}-{row}" for row in range(rows)],
            "premise": [f"the premise {row} of {name}" for row in range(rows)],
            "hypothesis": [f"a hypothesis {row} of {name}" for row in range(rows)],
            "label": [row % 3 for row in range(rows)],
        }
    )


POOLS = {name: pool(name) for name in ("train", "dev", "test")}


def texts(frame):
    return set(pair_texts(frame))


@pytest.mark.parametrize("shots", [1, 2, 4, 12])
def test_splits_are_balanced(shots):
    split = sampled(POOLS, shots=shots, seed=0)
    counts = split.groupby(["split", "label"]).size()
    assert counts.to_dict() == {(s, y): shots for s in ("train", "dev") for y in range(3)}
    assert not split.duplicated(["split", "pair_id"]).any()
    assert list(split.label) == [0, 1, 2] * (2 * shots)


def test_splits_are_disjoint_from_each_other_and_from_the_test():
    shared = POOLS["test"].iloc[:30]
    pools = {
        "train": pd.concat([POOLS["train"], shared, POOLS["dev"]], ignore_index=True),
        "dev": pd.concat([shared, POOLS["dev"]], ignore_index=True),
        "test": POOLS["test"],
    }
    pools["train"]["pair_id"] = [f"train-{row}" for row in range(len(pools["train"]))]
    # Spaces and case hide no pair.
    pools["train"]["premise"] = pools["train"].premise.str.upper().str.replace(" ", "  ")
    for seed in range(5):
        split = sampled(pools, shots=12, seed=seed)
        train, dev = split[split.split == "train"], split[split.split == "dev"]
        assert not texts(train) & texts(dev)
        assert not texts(split) & texts(POOLS["test"])
        require_disjoint(split, POOLS["test"], place="here")


@settings(max_examples=25, deadline=None)
@for_all(data=st.data(), shots=st.integers(1, 6), seed=st.integers(0, 9))
def test_splits_do_not_depend_on_the_order_of_rows(data, shots, seed):
    repeated = pd.concat(
        [
            POOLS["train"],
            POOLS["train"].iloc[:6].assign(pair_id=[f"again-{row}" for row in range(6)]),
            POOLS["train"].iloc[:6].assign(label=2, pair_id=[f"other-{row}" for row in range(6)]),
        ]
    )
    pools = POOLS | {"train": repeated}
    order = data.draw(st.permutations(range(len(repeated))))
    shuffled = pools | {"train": repeated.iloc[order].reset_index(drop=True)}
    columns = ["split", "premise", "hypothesis", "label"]
    ours, theirs = (sampled(one, shots=shots, seed=seed)[columns] for one in (pools, shuffled))
    pd.testing.assert_frame_equal(ours, theirs)


def test_a_pair_that_comes_twice_counts_once():
    train = pd.concat([POOLS["train"].iloc[:6]] * 2, ignore_index=True)
    train["pair_id"] = [f"train-{row}" for row in range(12)]
    split = sampled(POOLS | {"train": train}, shots=2, seed=0)
    assert not pair_texts(split[split.split == "train"]).duplicated().any()
    with pytest.raises(InputError, match="found 2"):
        sampled(POOLS | {"train": train}, shots=3, seed=0)


def test_the_seed_and_the_shots_change_the_draw():
    drawn = {
        (shots, seed): texts(sampled(POOLS, shots=shots, seed=seed))
        for shots in (2, 4)
        for seed in (0, 1)
    }
    assert drawn[2, 0] != drawn[2, 1]
    # Like Zhao & Schuetze's, splits of different k are not nested.
    assert not drawn[2, 0] <= drawn[4, 0]
    assert drawn[2, 0] == texts(sampled(POOLS, shots=2, seed=0))


def test_each_training_seed_may_have_its_own_split():
    split = seeded(POOLS, shots=2, split_seed=0, seeds=(1, 10, 2))
    assert sorted(split.split.unique()) == sorted(
        f"{name}@{seed}" for name in ("train", "dev") for seed in (1, 10, 2)
    )
    parts = {name: texts(part) for name, part in split.groupby("split")}
    assert parts["train@1"] != parts["train@2"]
    assert (split.groupby(["split", "label"]).size() == 2).all()
    # A further seed leaves the splits of the others as they are.
    fewer = seeded(POOLS, shots=2, split_seed=0, seeds=(2,))
    assert texts(fewer[fewer.split == "train@2"]) == parts["train@2"]
    assert texts(seeded(POOLS, shots=2, split_seed=1, seeds=(2,))) != texts(fewer)
    require_disjoint(split, POOLS["test"], place="here")


def test_a_label_with_too_few_pairs_is_named():
    with pytest.raises(InputError) as caught:
        sampled(POOLS | {"train": pool("train", 35)}, shots=12, seed=0)
    assert str(caught.value) == (
        "data/corpora/train.parquet: expected at least 12 pairs of contradiction for 12 shots, "
        "found 11"
    )


def write_given(folder, *, shots=2, train=None, dev=None):
    parts = {"train": pool("train", 3 * shots), "validation": pool("dev", 3 * shots)}
    for name, changed in (("train", train), ("validation", dev)):
        frame = parts[name] if changed is None else changed(parts[name])
        columns = frame.drop(columns="pair_id")
        toys.write_parquet(columns, folder / f"k{shots}" / f"{name}-00000-of-00001.parquet")
    return Fewshot(source=str(folder), split_seed=0, per_seed=False)


def test_given_splits_are_taken_as_they_are(tmp_path):
    fewshot = write_given(tmp_path)
    translations = pd.DataFrame({"row": [0], "language": ["de"], "premise": ["x"]})
    toys.write_parquet(translations, tmp_path / "k2" / "train-translations.parquet")
    split = given(fewshot, shots=2)
    assert list(split.split) == ["train"] * 6 + ["dev"] * 6
    assert list(split.premise[:6]) == list(pool("train", 6).premise)
    assert split.pair_id[0] == "k2/train-0"


def complaint(fewshot, shots=2):
    with pytest.raises(InputError) as caught:
        given(fewshot, shots=shots)
    return str(caught.value).replace(fewshot.source, "HERE")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda frame: frame.assign(label=0),
            "HERE/k2/train: expected 2 pairs of each label, found [6, 0, 0]",
        ),
        (
            lambda frame: frame.iloc[:5],
            "HERE/k2/train: expected 2 pairs of each label, found [2, 2, 1]",
        ),
        (
            lambda frame: frame.assign(label=[0, 1, 2, 0, 1, -1]),
            "HERE/k2/train: expected 2 pairs of each label, found [2, 2, 1]",
        ),
        (
            lambda frame: frame.assign(premise=["a", " ", "b", "c", "d", "e"]),
            "HERE/k2/train, row 1: expected two sentences, found blank text",
        ),
        (
            lambda frame: frame.assign(hypothesis=["a", "z", None, "c", "d", "e"]),
            "HERE/k2/train, row 2: expected two sentences, found blank text",
        ),
        (
            lambda frame: frame.drop(columns="label"),
            "HERE/k2/train: expected a column label, found premise, hypothesis",
        ),
    ],
    ids=["one label", "too few", "placeholder", "blank", "no text", "no labels"],
)
def test_given_splits_that_are_wrong_are_one_line(change, line, tmp_path):
    assert complaint(write_given(tmp_path, train=change)) == line


def test_given_splits_that_are_not_there_are_one_line(tmp_path):
    fewshot = write_given(tmp_path)
    assert complaint(fewshot, shots=4) == (
        "params.yaml: fewshot.source: expected k4/train-*.parquet in HERE, "
        "found k2/train, k2/validation"
    )
    shutil.rmtree(tmp_path)
    assert complaint(fewshot) == (
        "params.yaml: fewshot.source: expected sample, or a folder of given splits, found no HERE"
    )
    assert complaint(Fewshot(source="splits", split_seed=0, per_seed=False)).endswith("no HERE")


def test_a_test_pair_or_a_dev_pair_in_training_is_refused(tmp_path):
    def copy(frame, other):
        return pd.concat([frame.iloc[:3], other.iloc[3:6]])

    split = given(write_given(tmp_path, train=lambda f: copy(f, POOLS["test"])), shots=2)
    with pytest.raises(InputError) as caught:
        require_disjoint(split, POOLS["test"], place="HERE")
    assert str(caught.value) == (
        "HERE: expected no text of the test set, found the pair k2/train-3 in it "
        "('the premise 3 of test', 'a hypothesis 3 of test')"
    )
    split = given(write_given(tmp_path, dev=lambda f: copy(f, POOLS["test"])), shots=2)
    with pytest.raises(InputError, match="no text of the test set, found the pair k2/dev-3"):
        require_disjoint(split, POOLS["test"], place="HERE")
    split = given(write_given(tmp_path, train=lambda f: copy(f, POOLS["dev"])), shots=2)
    with pytest.raises(InputError, match="no text of its dev split, found the pair k2/train-3"):
        require_disjoint(split, POOLS["test"], place="HERE")


@pytest.fixture
def with_corpora(project):
    for name, frame in POOLS.items():
        frames = [frame.assign(language=code) for code in ("en", "de")]
        path = artifacts.CORPORA / f"{name}.parquet"
        artifacts.write_table(pd.concat(frames), path, EXAMPLES)
    return project


def test_the_stage_writes_one_split_or_one_a_seed(with_corpora, monkeypatch):
    assert call(monkeypatch, "fewshot", "--shots", "2") == 0
    split = artifacts.read_table(artifacts.FEWSHOT / "k2.parquet", SPLITS)
    assert texts(split) == texts(sampled(POOLS, shots=2, seed=0))
    toys.write_params(toys.params(fewshot__per_seed=True), with_corpora / "params.yaml")
    assert call(monkeypatch, "fewshot", "--shots", "2") == 0
    split = artifacts.read_table(artifacts.FEWSHOT / "k2.parquet", SPLITS)
    assert set(split.split) == {"train@1", "dev@1", "train@2", "dev@2"}


def test_the_stage_refuses_given_splits_with_test_text(with_corpora, monkeypatch, capsys):
    def leak(frame):
        return pd.concat([frame.iloc[:5], POOLS["test"].iloc[5:6]])

    write_given(with_corpora / "given", train=leak)
    toys.write_params(toys.params(fewshot__source="given"), with_corpora / "params.yaml")
    assert call(monkeypatch, "fewshot", "--shots", "2") == 2
    assert only_line(capsys.readouterr().err) == (
        "given: expected no text of the test set, found the pair k2/train-5 in it "
        "('the premise 5 of test', 'a hypothesis 5 of test')"
    )
    assert not artifacts.FEWSHOT.exists()


@needs_real
def test_the_splits_of_zhao_and_schuetze_are_read():
    fewshot = Fewshot(source=str(REAL), split_seed=0, per_seed=False)
    splits = {shots: given(fewshot, shots=shots) for shots in (1, 4, 256)}
    for shots, split in splits.items():
        assert len(split) == 6 * shots
        train, dev = split[split.split == "train"], split[split.split == "dev"]
        assert not texts(train) & texts(dev)
    assert not texts(splits[4]) & texts(splits[256])


@needs_real
def test_the_splits_of_zhao_and_schuetze_hold_no_test_pair():
    english = REAL.parent.parent / "facebook" / "xnli" / "en" / "test-00000-of-00001.parquet"
    if not english.is_file():
        pytest.skip(f"no XNLI test set at {english}")
    test = pd.read_parquet(english)
    fewshot = Fewshot(source=str(REAL), split_seed=0, per_seed=False)
    for shots in (1, 16, 256):
        require_disjoint(given(fewshot, shots=shots), test, place="here")
