"""Unlabelled parallel pairs from a folder of given splits: those that no run uses."""

from copy import deepcopy
from pathlib import Path

import pandas as pd
import pytest

from pipeline.corpora.files import PARALLEL_PAIRS
from pipeline.corpora.leaks import shared_with
from tests import real_data, toys
from tests.commands import call, only_line

PATH = Path("data/unlabelled/pairs.parquet")
BLOCK = {"shots": [2], "seeds": [1]}
SETTINGS = {
    "fewshot__source": "given",
    "grid": {"runs": ["mpt"], **BLOCK},
    "ablations": {"runs": ["unlabelled"], **BLOCK},
    "sweeps": {"runs": [], "shots": [4], "seeds": []},  # trains nothing, so k4 is free
    "methods__unlabelled": {"method": "mpt", "pairs": "xnli_unlabelled"},
    "paws15__pairs": 15,
}
STARTS = {2: 0, 4: 10, 3: 30}
"""Of the sentences of each split."""


def write(shots, name, rows):
    toys.write_parquet(rows, Path(f"given/k{shots}/{name}.parquet"))


def translations(train):
    """Return a file of translations: sentences that name their language."""
    rows = [
        (row, code, *(text.replace(" en ", f" {code} ") for text in texts))
        for row, texts in enumerate(zip(train.premise, train.hypothesis, strict=True))
        for code in toys.TARGETS
    ]
    return pd.DataFrame(rows, columns=["row", "language", "premise", "hypothesis"])


def write_split(shots, train, start):
    write(shots, "train-00000-of-00001", train)
    write(shots, "train-translations", translations(train))
    write(shots, "validation-00000-of-00001", pairs(shots, 500 + start))


def pairs(shots, start):
    return pd.DataFrame(
        {
            "premise": toys.sentences(3 * shots, "en", start=start),
            "hypothesis": toys.sentences(3 * shots, "en", start=start + 100),
            "label": [0, 1, 2] * shots,
        }
    )


@pytest.fixture
def given(prepared):
    """The toy project with three given splits; k2 is in use."""
    for shots, start in STARTS.items():
        write_split(shots, pairs(shots, start), start)
    Path("given/README.md").write_text("not a split")
    return prepared


@pytest.fixture
def stage(given, monkeypatch, capsys):
    """Run `mpt unlabelled` and return its exit code and what it printed."""

    def run(**changes):
        toys.write_params(toys.params(**deepcopy(SETTINGS | changes)), Path("params.yaml"))
        capsys.readouterr()
        code, printed = call(monkeypatch, "unlabelled"), capsys.readouterr()
        return code, printed.out + printed.err

    return run


def test_pairs_are_drawn_from_the_splits_that_no_run_uses(stage):
    assert stage(paws15__languages=["de"]) == (
        0,
        "data/unlabelled/pairs.parquet: 15 of 21 pairs of given: the splits that no run uses (of "
        "21, left out: in a split of a run 0, blank 0, repeated 0, in dev or test 0): de 5, sw 5, "
        "zh 5\n",
    )
    drawn = pd.read_parquet(PATH)
    assert list(drawn.columns) == PARALLEL_PAIRS.schema.names
    assert drawn.pair_id.is_unique
    texts = {shots: pairs(shots, start) for shots, start in STARTS.items()}
    for pair in drawn.itertuples():
        shots, row = map(int, pair.pair_id.removeprefix("k").split("/train-"))
        assert shots != 2
        assert pair.premise == texts[shots].premise[row]
        assert pair.hypothesis == texts[shots].hypothesis[row]
        assert pair.target_premise == pair.premise.replace(" en ", f" {pair.language} ")
        assert pair.target_hypothesis == pair.hypothesis.replace(" en ", f" {pair.language} ")
    assert {id_.partition("/")[0] for id_ in drawn.pair_id} == {"k3", "k4"}


def test_pairs_of_splits_in_use_and_of_dev_and_test_and_repeated_pairs_are_left_out(stage):
    train, used = pairs(4, 10), pairs(2, 0)
    train.loc[0, ["premise", "hypothesis"]] = list(used.loc[3, ["hypothesis", "premise"]])
    dev = pd.read_parquet("given/k2/validation-00000-of-00001.parquet")
    train.loc[1, "premise"] = dev.premise[0].upper()
    train.loc[1, "hypothesis"] = dev.hypothesis[0]
    train.loc[2, "premise"] = toys.sentences(1, "en", start=2000)[0]  # of XNLI's dev
    train.loc[3, "hypothesis"] = toys.sentences(1, "en", start=4000)[0]  # of XNLI's test
    train.loc[4, ["premise", "hypothesis"]] = list(pairs(3, 30).loc[5, ["premise", "hypothesis"]])
    write_split(4, train, 10)
    code, said = stage(paws15__pairs=16)
    counts = "of 21, left out: in a split of a run 2, blank 0, repeated 1, in dev or test 2"
    assert (code, counts in said) == (0, True)
    drawn = pd.read_parquet(PATH)
    assert not {f"k4/train-{row}" for row in range(5)} & set(drawn.pair_id)
    assert not shared_with(pd.concat([used, dev]), drawn).any()
    code, said = stage(paws15__pairs=17)
    assert (code, only_line(said)) == (
        2,
        "params.yaml: paws15.pairs: expected at most 16, the usable pairs of given: the splits "
        f"that no run uses ({counts}), found 17",
    )


def test_if_runs_use_every_given_split_pairs_are_drawn_from_xnli(stage):
    toys.all_languages(Path("hub/xnli"))
    code, said = stage(grid={"runs": ["mpt"], "shots": [2, 3, 4], "seeds": [1]}, paws15__pairs=5)
    assert code == 0, said
    frame = pd.read_parquet(PATH)
    assert frame.pair_id.str.fullmatch(r"train-[0-9]+").all()
    labelled = pd.concat([pairs(shots, start) for shots, start in STARTS.items()])
    assert not shared_with(labelled, frame).any()


def test_the_draw_depends_on_texts_and_not_on_the_order_of_rows(stage):
    def drawn():
        assert stage()[0] == 0
        frame = pd.read_parquet(PATH).drop(columns="pair_id")
        return frame.sort_values("premise", ignore_index=True)

    first = drawn()
    for shots in (3, 4):
        shuffled = pairs(shots, STARTS[shots]).sample(frac=1, random_state=shots)
        write_split(shots, shuffled.reset_index(drop=True), STARTS[shots])
        path = Path(f"given/k{shots}/train-translations.parquet")
        toys.write_parquet(pd.read_parquet(path).sample(frac=1, random_state=0), path)
    pd.testing.assert_frame_equal(drawn(), first)


def test_a_run_with_other_shots_draws_from_other_splits(stage):
    assert stage(grid__shots=[4], ablations__shots=[4])[0] == 0
    assert {id_.partition("/")[0] for id_ in pd.read_parquet(PATH).pair_id} == {"k2", "k3"}


def test_what_a_split_lacks_is_named(stage):
    Path("given/k3/train-translations.parquet").unlink()
    code, said = stage()
    assert (code, only_line(said)) == (
        2,
        "given/k3/train-translations.parquet: expected the training pairs' translations, found no "
        "such file",
    )
    Path("given/k4/train-00000-of-00001.parquet").unlink()
    code, said = stage()
    assert code == 2
    assert only_line(said).startswith(
        "params.yaml: fewshot.source: expected files k4/train in given (parquet, csv, tsv, jsonl), "
        "found k2/train, "
    )


@real_data.needs(real_data.FEWSHOT)
def test_zhao_and_schuetzes_other_splits_have_500_pairs(stage):
    targets = ["ar", "bg", "de", "el", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh"]
    code, _ = stage(
        fewshot__source=str(real_data.FEWSHOT),
        languages__targets=targets,
        grid__shots=[16, 64, 256],
        ablations__shots=[64],
        paws15__pairs=500,
    )
    assert code == 0
    drawn = pd.read_parquet(PATH)
    counts = drawn.language.value_counts()
    assert (len(drawn), set(counts.index), set(counts)) == (500, set(targets), {35, 36})
    for shots in (16, 64, 256):
        for split in ("train", "validation"):
            used = real_data.FEWSHOT / f"k{shots}/{split}-00000-of-00001.parquet"
            assert not shared_with(pd.read_parquet(used), drawn).any()
