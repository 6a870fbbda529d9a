"""Few-shot splits: balanced, disjoint, and drawn from the texts alone."""

import hashlib
import shutil

import pandas as pd
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from pipeline import artifacts
from pipeline.corpora.fewshot import given, require_disjoint, sampled, seeded, split_sha256
from pipeline.corpora.files import CORPORA, EXAMPLES, FEWSHOT, SPLITS
from pipeline.corpora.leaks import pair_texts
from pipeline.errors import InputError
from pipeline.params.text import Fewshot
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
        path = CORPORA / f"{name}.parquet"
        artifacts.write_table(pd.concat(frames), path, EXAMPLES)
    return project


def test_the_stage_writes_one_split_or_one_a_seed(with_corpora, monkeypatch):
    assert call(monkeypatch, "fewshot", "--shots", "2") == 0
    split = artifacts.read_table(FEWSHOT / "k2.parquet", SPLITS)
    assert texts(split) == texts(sampled(POOLS, shots=2, seed=0))
    toys.write_params(toys.params(fewshot__per_seed=True), with_corpora / "params.yaml")
    assert call(monkeypatch, "fewshot", "--shots", "2") == 0
    split = artifacts.read_table(FEWSHOT / "k2.parquet", SPLITS)
    assert set(split.split) == {"train@1", "dev@1", "train@2", "dev@2"}


def test_the_hash_is_of_the_sorted_lines_and_of_nothing_else(tmp_path):
    rows = [("train", "b", "Über", 2), ("train", "a", "z", 0), ("dev", "a", "y", 1)]
    split = pd.DataFrame(rows, columns=["split", "premise", "hypothesis", "label"])
    text = "dev\x1fa\x1fy\x1f1\ntrain\x1fa\x1fz\x1f0\ntrain\x1fb\x1fÜber\x1f2\n"
    expected = hashlib.sha256(text.encode()).hexdigest()
    assert split_sha256(split) == expected
    assert split_sha256(split.iloc[::-1].assign(pair_id=["x", "y", "z"])) == expected
    path = tmp_path / "split.parquet"
    artifacts.write_table(split.assign(pair_id=["1", "2", "3"]), path, SPLITS)
    assert split_sha256(artifacts.read_table(path, SPLITS)) == expected
    for column, value in (("split", "dev"), ("premise", "B"), ("hypothesis", "z"), ("label", 1)):
        other = split.copy()
        other.loc[0, column] = value
        assert split_sha256(other) != expected


def notes_of(shots=2):
    return artifacts.read_notes(FEWSHOT / f"k{shots}.parquet")


@pytest.mark.parametrize("per_seed", [False, True], ids=["fixed", "per seed"])
def test_the_stage_notes_how_a_split_came_about(per_seed, with_corpora, monkeypatch, capsys):
    changes = {"fewshot__per_seed": per_seed, "fewshot__split_seed": 7}
    toys.write_params(toys.params(**changes), with_corpora / "params.yaml")
    assert call(monkeypatch, "fewshot", "--shots", "2") == 0
    notes = notes_of()
    drawn = (
        seeded(POOLS, shots=2, split_seed=7, seeds=(1, 2))
        if per_seed
        else sampled(POOLS, shots=2, seed=7)
    )
    assert notes == {
        "source": "sample",
        "split_seed": "7",
        "per_seed": "true" if per_seed else "false",
        "sha256": split_sha256(drawn),
    }
    assert notes["sha256"][:12] in capsys.readouterr().out
    first = (FEWSHOT / "k2.parquet").read_bytes()
    assert call(monkeypatch, "fewshot", "--shots", "2") == 0
    assert (FEWSHOT / "k2.parquet").read_bytes() == first
    # The order in which the corpus lies changes nothing of what is drawn.
    for name, frame in POOLS.items():
        shuffled = frame.iloc[::-1].assign(language="en")
        artifacts.write_table(shuffled, CORPORA / f"{name}.parquet", EXAMPLES)
    assert call(monkeypatch, "fewshot", "--shots", "2") == 0
    assert notes_of() == notes
    toys.write_params(
        toys.params(**changes | {"fewshot__split_seed": 8}), with_corpora / "params.yaml"
    )
    assert call(monkeypatch, "fewshot", "--shots", "2") == 0
    assert notes_of()["sha256"] != notes["sha256"]


def test_the_same_given_split_has_the_same_hash_wherever_it_lies(with_corpora, monkeypatch):
    found = []
    for folder, order in (("one", 1), ("two", -1)):
        write_given(with_corpora / folder, train=lambda frame, order=order: frame.iloc[::order])
        toys.write_params(toys.params(fewshot__source=folder), with_corpora / "params.yaml")
        assert call(monkeypatch, "fewshot", "--shots", "2") == 0
        assert notes_of()["source"] == folder
        found.append(notes_of()["sha256"])
    assert found[0] == found[1]


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
    assert not FEWSHOT.exists()


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
@pytest.mark.parametrize(
    ("shots", "sha256"),
    [
        (1, "826beba6d44fbc9cd170b89c6517df6d6439bc3baf1d8ea79e912a309e51d90c"),
        (16, "e71194a7c07d374971448c7956e9b53953b8098b127e49ca17d1eb8aab4459c7"),
        (256, "016fd60f09905beb76f981e4b0fb2a99de1d5b2b276081ce40ca9cb43a90d288"),
    ],
)
def test_the_splits_of_zhao_and_schuetze_have_their_hash(
    shots, sha256, with_corpora, monkeypatch, tmp_path
):
    toys.write_params(toys.params(fewshot__source=str(REAL)), with_corpora / "params.yaml")
    assert call(monkeypatch, "fewshot", "--shots", str(shots)) == 0
    assert notes_of(shots) == {
        "source": str(REAL),
        "split_seed": "0",
        "per_seed": "false",
        "sha256": sha256,
    }
    # By the files alone, as somebody without this code would.
    lines = []
    for name, split in (("train", "train"), ("dev", "validation")):
        frame = pd.read_parquet(REAL / f"k{shots}" / f"{split}-00000-of-00001.parquet")
        rows = zip(frame.premise, frame.hypothesis, frame.label, strict=True)
        lines += [(name, premise, hypothesis, str(label)) for premise, hypothesis, label in rows]
    text = "".join("\x1f".join(line) + "\n" for line in sorted(lines))
    assert hashlib.sha256(text.encode()).hexdigest() == sha256


@needs_real
def test_the_splits_of_zhao_and_schuetze_hold_no_test_pair():
    english = REAL.parent.parent / "facebook" / "xnli" / "en" / "test-00000-of-00001.parquet"
    if not english.is_file():
        pytest.skip(f"no XNLI test set at {english}")
    test = pd.read_parquet(english)
    fewshot = Fewshot(source=str(REAL), split_seed=0, per_seed=False)
    for shots in (1, 16, 256):
        require_disjoint(given(fewshot, shots=shots), test, place="here")
