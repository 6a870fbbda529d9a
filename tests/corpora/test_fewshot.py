"""Few-shot splits: balanced, disjoint, and dependent only on the texts."""

import hashlib
import shutil

import pandas as pd
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from pipeline import artifacts
from pipeline.corpora.fewshot import given, require_disjoint, sampled, seeded, usable
from pipeline.corpora.files import CORPORA, EXAMPLES, FEWSHOT, SPLITS
from pipeline.corpora.leaks import pair_texts
from pipeline.corpora.reading import split_sha256
from pipeline.errors import InputError
from pipeline.params.runs import LABELS
from pipeline.params.text import Fewshot
from tests import real_data, toys
from tests.commands import call, only_line, refusal

COLUMNS = ["split", "premise", "hypothesis", "label"]


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


def texts(frame, split=""):
    return set(pair_texts(frame[frame.split.str.startswith(split)] if split else frame))


@pytest.mark.parametrize("shots", [1, 2, 4, 12])
def test_splits_are_balanced(shots):
    split = sampled(POOLS, shots=shots, seed=0)
    counts = split.groupby(["split", "label"]).size()
    assert counts.to_dict() == {(s, y): shots for s in ("train", "dev") for y in range(3)}
    assert not split.duplicated(["split", "pair_id"]).any()
    assert list(split.label) == [0, 1, 2] * (2 * shots)


def test_splits_are_disjoint_from_each_other_and_from_the_test():
    shared = POOLS["test"].iloc[:30]
    train = pd.concat([POOLS["train"], shared, POOLS["dev"]], ignore_index=True)
    # Spaces, case and signs hide no pair.
    train["premise"] = train.premise.str.upper().str.replace(" ", "  ") + "\u200b!"
    pools = {
        "train": train.assign(pair_id=[f"train-{row}" for row in range(len(train))]),
        "dev": pd.concat([shared, POOLS["dev"]], ignore_index=True),
        "test": POOLS["test"],
    }
    clean, left_out = usable(pools)
    assert left_out["train"] == {"held out": 66, "of two labels": 0}
    assert left_out["dev"] == {"held out": 30, "of two labels": 0}
    for seed in range(5):
        split = sampled(clean, shots=12, seed=seed)
        assert not texts(split, "train") & texts(split, "dev")
        assert not texts(split) & texts(POOLS["test"])
        require_disjoint(split, POOLS["test"], place="here")


@settings(max_examples=25, deadline=None)
@for_all(data=st.data(), shots=st.integers(1, 6), seed=st.integers(0, 9))
def test_splits_do_not_depend_on_the_order_of_rows(data, shots, seed):
    head = POOLS["train"].iloc[:6]
    again = head.assign(pair_id=[f"again-{row}" for row in range(6)])
    repeated = pd.concat([POOLS["train"], again])
    order = data.draw(st.permutations(range(len(repeated))))
    ours, theirs = (
        sampled(POOLS | {"train": train}, shots=shots, seed=seed)[COLUMNS]
        for train in (repeated, repeated.iloc[order].reset_index(drop=True))
    )
    pd.testing.assert_frame_equal(ours, theirs)


def test_a_pair_of_two_labels_is_left_out_and_counted():
    head = POOLS["train"].iloc[:4]
    other = head.assign(label=(head.label + 1) % 3, premise=head.premise + ".")
    clean, left_out = usable(POOLS | {"train": pd.concat([POOLS["train"], other])})
    assert left_out["train"] == {"held out": 0, "of two labels": 8}
    assert list(clean["train"].pair_id) == [f"train-{row}" for row in range(4, 36)]


def test_a_repeated_pair_counts_once():
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
    names = {f"{name}@{seed}" for name in ("train", "dev") for seed in (1, 10, 2)}
    assert set(split.split) == names
    assert (split.groupby(["split", "label"]).size() == 2).all()
    assert texts(split, "train@1") != texts(split, "train@2")
    # The splits of other seeds do not matter.
    fewer = seeded(POOLS, shots=2, split_seed=0, seeds=(2,))
    assert texts(fewer, "train@2") == texts(split, "train@2")
    assert texts(seeded(POOLS, shots=2, split_seed=1, seeds=(2,))) != texts(fewer)
    require_disjoint(split, POOLS["test"], place="here")


def test_a_label_with_too_few_pairs_is_named():
    assert refusal(sampled, POOLS | {"train": pool("train", 35)}, shots=12, seed=0) == (
        "data/corpora/train.parquet: expected at least 12 of label contradiction for k = 12, "
        "found 11"
    )


def same(frame):
    return frame


def write_given(folder, *, shots=2, train=same, dev=same):
    for name, split, change in (("train", "train", train), ("dev", "validation", dev)):
        rows = change(pool(name, 3 * shots)).drop(columns="pair_id")
        toys.write_parquet(rows, folder / f"k{shots}/{split}-00000-of-00001.parquet")
    return Fewshot(source=str(folder), split_seed=0, per_seed=False)


def test_given_splits_are_read_unchanged(tmp_path):
    fewshot = write_given(tmp_path)
    translations = pd.DataFrame({"row": [0], "language": ["de"], "premise": ["x"]})
    toys.write_parquet(translations, tmp_path / "k2" / "train-translations.parquet")
    split = given(fewshot, shots=2)
    assert list(split.split) == ["train"] * 6 + ["dev"] * 6
    assert list(split.premise[:6]) == list(pool("train", 6).premise)
    assert split.pair_id[0] == "k2/train-0"


def complaint(fewshot, shots=2):
    return refusal(given, fewshot, shots=shots).replace(fewshot.source, "HERE")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"label": 0}, ": expected 2 of each label, found [6, 0, 0]"),
        ({"label": [*LABELS, *LABELS[:2], "Neutral"]},
         ", row 5: expected label 0, 1 or 2 (entailment, neutral, contradiction), "
         "found 'Neutral'"),
        ({"premise": ["a", " ", *"bcde"]}, ", row 1: expected two sentences, found blank text"),
        ({"hypothesis": ["a", "z", None, *"cde"]},
         ", row 2: expected two sentences, found blank text"),
        ({"premise": ["a", "b", "c", "d", "A ", "e"], "hypothesis": ["x", *"yzu", "x", "v"]},
         ", row 4: expected each pair once, found 'A ', 'x' again"),
    ],
    ids=["one label", "placeholder", "blank", "no text", "repeated"],
)  # fmt: skip
def test_given_splits_that_are_wrong_are_refused(changes, line, tmp_path):
    wrong = write_given(tmp_path, train=lambda frame: frame.assign(**changes))
    assert complaint(wrong) == f"HERE: k2/train{line}"


def test_given_splits_that_lack_pairs_or_labels_are_refused(tmp_path):
    assert complaint(write_given(tmp_path, train=lambda frame: frame.iloc[:5])) == (
        "HERE: k2/train: expected 2 of each label, found [2, 2, 1]"
    )
    assert complaint(write_given(tmp_path, train=lambda frame: frame.drop(columns="label"))) == (
        "HERE: k2/train: expected a column label, found premise, hypothesis"
    )


def test_missing_given_splits_are_named(tmp_path):
    fewshot = write_given(tmp_path)
    assert complaint(fewshot, shots=4) == (
        "params.yaml: fewshot.source: expected files k4/train in HERE (parquet, csv, tsv, jsonl), "
        "found k2/train, k2/validation"
    )
    shutil.rmtree(tmp_path)
    assert complaint(fewshot) == (
        "params.yaml: fewshot.source: expected sample, or a folder of given splits, found no "
        "folder HERE"
    )
    assert complaint(Fewshot(source="splits", split_seed=0, per_seed=False)).endswith(
        "no folder HERE"
    )


@pytest.mark.parametrize(
    ("changed", "other", "of", "pair_id"),
    [
        ("train", "test", "the test set", "k2/train-3"),
        ("dev", "test", "the test set", "k2/dev-3"),
        ("train", "dev", "its dev split", "k2/train-3"),
    ],
)
def test_a_test_pair_or_a_dev_pair_in_training_is_refused(changed, other, of, pair_id, tmp_path):
    leaked = {changed: lambda frame: pd.concat([frame.iloc[:3], POOLS[other].iloc[3:6]])}
    split = given(write_given(tmp_path, **leaked), shots=2)
    assert refusal(require_disjoint, split, POOLS["test"], place="HERE") == (
        f"HERE: expected no text of {of}, found the pair {pair_id} in it "
        f"('the premise 3 of {other}', 'a hypothesis 3 of {other}')"
    )


def test_the_hash_is_that_of_the_sorted_lines(tmp_path):
    rows = [("train", "b", "Über", 2), ("train", "a", "z", 0), ("dev", "a", "y", 1)]
    split = pd.DataFrame(rows, columns=COLUMNS)
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


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """Run `mpt fewshot` by some parameters, in a folder with a corpus; return its exit code."""
    monkeypatch.chdir(tmp_path)
    write_corpora(same)

    def fewshot(shots=2, **changes):
        values = toys.params(**{f"fewshot__{key}": value for key, value in changes.items()})
        toys.write_params(values, tmp_path / "params.yaml")
        return call(monkeypatch, "fewshot", "--shots", str(shots))

    return fewshot


def write_corpora(change):
    for name, frame in POOLS.items():
        frames = [change(frame).assign(language=code) for code in ("en", "de")]
        artifacts.write_table(pd.concat(frames), CORPORA / f"{name}.parquet", EXAMPLES)


def read():
    return artifacts.read_table(FEWSHOT / "k2.parquet", SPLITS)


def notes_of(shots=2):
    return artifacts.read_notes(FEWSHOT / f"k{shots}.parquet")


@pytest.mark.parametrize("per_seed", [False, True], ids=["fixed", "per seed"])
def test_the_stage_writes_splits_and_how_they_were_made(per_seed, stage, capsys):
    assert stage(per_seed=per_seed, split_seed=7) == 0
    drawn = (
        seeded(POOLS, shots=2, split_seed=7, seeds=(1, 2))
        if per_seed
        else sampled(POOLS, shots=2, seed=7)
    )
    assert read()[COLUMNS].astype({"split": str}).to_dict("list") == drawn[COLUMNS].to_dict("list")
    notes = notes_of()
    assert notes == {
        "source": "sample",
        "split_seed": "7",
        "per_seed": "true" if per_seed else "false",
        "sha256": split_sha256(drawn),
    }
    assert notes["sha256"][:12] in capsys.readouterr().out
    first = (FEWSHOT / "k2.parquet").read_bytes()
    assert stage(per_seed=per_seed, split_seed=7) == 0
    assert (FEWSHOT / "k2.parquet").read_bytes() == first
    # The order of the corpus does not matter.
    write_corpora(lambda frame: frame.iloc[::-1])
    assert stage(per_seed=per_seed, split_seed=7) == 0
    assert notes_of() == notes
    assert stage(per_seed=per_seed, split_seed=8) == 0
    assert notes_of()["sha256"] != notes["sha256"]


def test_a_given_split_has_the_same_hash_in_any_folder_and_order(stage, tmp_path):
    hashes = set()
    for folder, order in (("one", 1), ("two", -1)):
        write_given(tmp_path / folder, train=lambda frame, order=order: frame.iloc[::order])
        assert stage(source=folder) == 0
        assert notes_of()["source"] == folder
        hashes.add(notes_of()["sha256"])
    assert len(hashes) == 1


def test_the_stage_refuses_given_splits_with_test_text(stage, tmp_path, capsys):
    leak = POOLS["test"].iloc[5:6]
    write_given(tmp_path / "given", train=lambda frame: pd.concat([frame.iloc[:5], leak]))
    assert stage(source="given") == 2
    assert only_line(capsys.readouterr().err) == (
        "given: expected no text of the test set, found the pair k2/train-5 in it "
        "('the premise 5 of test', 'a hypothesis 5 of test')"
    )
    assert not FEWSHOT.exists()


REAL = real_data.FEWSHOT


@real_data.needs(REAL)
def test_the_splits_of_zhao_and_schuetze_are_read():
    fewshot = Fewshot(source=str(REAL), split_seed=0, per_seed=False)
    splits = {shots: given(fewshot, shots=shots) for shots in (1, 4, 256)}
    for shots, split in splits.items():
        assert len(split) == 6 * shots
        assert not texts(split, "train") & texts(split, "dev")
    assert not texts(splits[4]) & texts(splits[256])


@real_data.needs(REAL)
@pytest.mark.parametrize(
    ("shots", "sha256"),
    [
        (1, "826beba6d44fbc9cd170b89c6517df6d6439bc3baf1d8ea79e912a309e51d90c"),
        (16, "e71194a7c07d374971448c7956e9b53953b8098b127e49ca17d1eb8aab4459c7"),
        (256, "016fd60f09905beb76f981e4b0fb2a99de1d5b2b276081ce40ca9cb43a90d288"),
    ],
)
def test_the_splits_of_zhao_and_schuetze_have_their_hash(shots, sha256, stage):
    assert stage(shots, source=str(REAL)) == 0
    assert notes_of(shots) == {
        "source": str(REAL),
        "split_seed": "0",
        "per_seed": "false",
        "sha256": sha256,
    }
    # The same from the files, as somebody without this code would compute it.
    lines = []
    for name, split in (("train", "train"), ("dev", "validation")):
        frame = pd.read_parquet(REAL / f"k{shots}" / f"{split}-00000-of-00001.parquet")
        rows = zip(frame.premise, frame.hypothesis, frame.label, strict=True)
        lines += [(name, premise, hypothesis, str(label)) for premise, hypothesis, label in rows]
    text = "".join("\x1f".join(line) + "\n" for line in sorted(lines))
    assert hashlib.sha256(text.encode()).hexdigest() == sha256


@real_data.needs(REAL)
@real_data.needs(real_data.XNLI)
def test_the_splits_of_zhao_and_schuetze_hold_no_test_pair():
    test = pd.read_parquet(real_data.XNLI / "en" / "test-00000-of-00001.parquet")
    fewshot = Fewshot(source=str(REAL), split_seed=0, per_seed=False)
    for shots in (1, 16, 256):
        split = given(fewshot, shots=shots)
        require_disjoint(split, test, place="here")
        leaking = test.head(1).assign(pair_id="test-0")
        assert "test-0" in refusal(require_disjoint, pd.concat([split, leaking]), test, place="h")
