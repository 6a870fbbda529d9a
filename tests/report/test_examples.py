"""Which pairs are shown as examples."""

from hashlib import sha256

import pytest

from pipeline.artifacts import write_table
from pipeline.corpora.files import CORPORA, EXAMPLES
from pipeline.errors import InputError
from pipeline.params.runs import LABELS
from pipeline.report.examples import compared_cells, disagreements
from tests.evaluation.project import frame, write_files


@pytest.fixture
def german(home, params):
    """Write the labels, or - for none, that the seeds predict for German pairs of label 0.

    Returns the disagreements in German.
    """

    def write(mpt: list[str], sp: list[str]):
        codes = params.languages.all
        for run, of_seeds in (("mpt", mpt), ("sp", sp)):
            for seed, labels in enumerate(of_seeds, start=1):
                rows = [
                    (code, f"p{i}", 0, int(label.replace("-", "-1")) * (code == "de"))
                    for code in codes
                    for i, label in enumerate(labels)
                ]
                # The order of rows does not matter.
                table = frame(rows[::-1] if seed == 2 else rows)
                write_files((run, 16, seed), table, updates=0)
        test = frame([(code, f"p{i}", 0, 0) for code in codes for i in range(len(mpt[0]))])
        test["premise"] = "premise " + test["language"] + " " + test["pair_id"]
        write_table(test.assign(hypothesis="h"), CORPORA / "test.parquet", EXAMPLES)
        return disagreements(params, 16, range(1, len(mpt) + 1))[codes.index("de") - 1]

    return write


MPT, SP = ["00010", "00020"], ["12100", "12100"]
"""Only mpt is right on p0, p1 and p2, only sp on p3."""


def test_both_kinds_are_counted_and_shown_equally_often(german):
    found = german(MPT, SP)
    assert (found.language, found.direction) == ("de", "ltr")
    assert (found.ahead, found.behind) == (3, 1)
    assert len(found.right) == len(found.wrong) == 1
    first = min(("p0", "p1", "p2"), key=lambda pair: sha256(pair.encode()).hexdigest())
    assert found.right[0].pair_id == first
    (wrong,) = found.wrong
    assert wrong.pair_id == "p3"
    assert wrong.gold == LABELS[0]
    assert wrong.reference == ("neutral", 1)
    assert wrong.baseline == ("entailment", 2)
    assert wrong.premise == "premise de p3"
    assert wrong.source == ("premise en p3", "h")


def test_a_pair_that_half_of_the_seeds_get_right_is_neither(german):
    found = german(["01111", "11111"], ["11111", "11111"])
    assert (found.ahead, found.behind, found.right, found.wrong) == (0, 0, (), ())


def test_a_pair_that_half_of_the_others_seeds_get_right_is_neither(german):
    # On p0 mpt is right with both seeds and sp with one; on p1 the other way round.
    found = german(["00", "01"], ["00", "10"])
    assert (found.ahead, found.behind) == (0, 0)


def test_no_label_is_an_answer(german):
    assert german(["01", "01"], ["-0", "-0"]).right[0].baseline == ("no label", 2)


def test_pairs_on_which_more_seeds_agree_come_first(german):
    digest = {pair: sha256(pair.encode()).hexdigest() for pair in ("p0", "p1")}
    # The pair with the smaller hash is the one on which a seed disagrees.
    weak, strong = sorted(digest, key=digest.get)
    rows = dict.fromkeys((weak, strong), ("000", "111"))
    rows[weak] = ("001", "111")
    mpt, sp = (
        [f"{rows['p0'][run][seed]}{rows['p1'][run][seed]}{rest}" for seed in range(3)]
        for run, rest in ((0, "111"), (1, "100"))
    )
    found = german(mpt, sp)
    assert [example.pair_id for example in found.right] == [strong, weak]
    assert found.right[1].reference == ("entailment", 2)


def test_the_largest_shots_with_seeds_in_common(params):
    assert compared_cells(params) == (16, (1, 2, 3))


def test_other_rows_are_refused(german):
    with pytest.raises(InputError, match=r"mpt/k16/s2/predictions.parquet: .* found 4"):
        german(["00010", "0002"], SP)
