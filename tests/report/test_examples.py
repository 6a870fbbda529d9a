"""Which pairs are shown as examples."""

from dataclasses import dataclass, field
from hashlib import sha256

import pytest

from pipeline.artifacts import write_table
from pipeline.cells.files import PREDICTIONS, run_folder
from pipeline.corpora.files import CORPORA, EXAMPLES
from pipeline.errors import InputError
from pipeline.params.runs import LABELS
from pipeline.report.examples import compared_cells, disagreements
from tests.evaluation.conftest import frame


@dataclass
class Case:
    """Five pairs of label 0 in German; by run and seed the predicted labels as a string."""

    params: object
    predicted: dict[tuple[str, int], str] = field(default_factory=dict)

    def write(self) -> None:
        for (run, seed), labels in self.predicted.items():
            rows = [
                (code, f"p{i}", 0, int(label))
                for code in ("de", "en")
                for i, label in enumerate(labels if code == "de" else "0" * len(labels))
            ]
            path = run_folder(run, 16, seed) / "predictions.parquet"
            # The order of rows is nobody's business.
            write_table(frame(rows[::-1] if seed == 2 else rows), path, PREDICTIONS)
        texts = frame([(code, f"p{i}", 0, 0) for code in ("de", "en") for i in range(5)])
        texts["premise"] = [f"premise {code} {pair}" for code, pair in
                            zip(texts["language"], texts["pair_id"], strict=True)]  # fmt: skip
        write_table(texts.assign(hypothesis="h"), CORPORA / "test.parquet", EXAMPLES)

    def german(self):
        self.write()
        return next(one for one in disagreements(self.params, 16, (1, 2)) if one.language == "de")


@pytest.fixture
def case(home, params) -> Case:
    return Case(params)


def test_both_kinds_are_counted_and_shown_equally_often(case):
    # mpt alone is right on p0, p1 and p2, sp alone on p3.
    case.predicted = {("mpt", 1): "00010", ("mpt", 2): "00020",
                      ("sp", 1): "12100", ("sp", 2): "12100"}  # fmt: skip
    found = case.german()
    assert (found.ahead, found.behind, found.direction) == (3, 1, "ltr")
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


def test_what_half_of_the_seeds_get_right_is_neither(case):
    case.predicted = {("mpt", 1): "01111", ("mpt", 2): "11111",
                      ("sp", 1): "11111", ("sp", 2): "11111"}  # fmt: skip
    found = case.german()
    assert (found.ahead, found.behind, found.right, found.wrong) == (0, 0, (), ())


def test_pairs_on_which_more_seeds_agree_come_first(home, params):
    case = Case(params)
    digest = {pair: sha256(pair.encode()).hexdigest() for pair in ("p0", "p1")}
    # The pair with the smaller hash is the one on which a seed disagrees.
    weak, strong = sorted(digest, key=digest.get)
    rows = dict.fromkeys((weak, strong), ("000", "111"))
    rows[weak] = ("001", "111")
    columns = [rows["p0"], rows["p1"]]
    for seed in (1, 2, 3):
        mpt = "".join(one[0][seed - 1] for one in columns) + "1" * 3
        sp = "".join(one[1][seed - 1] for one in columns) + "100"
        case.predicted |= {("mpt", seed): mpt, ("sp", seed): sp}
    case.write()
    german = next(one for one in disagreements(params, 16, (1, 2, 3)) if one.language == "de")
    assert [one.pair_id for one in german.right] == [strong, weak]
    assert german.right[1].reference == ("entailment", 2)


def test_the_largest_shots_with_seeds_in_common(params):
    assert compared_cells(params) == (16, (1, 2))


def test_other_rows_are_refused(case):
    case.predicted = {("mpt", 1): "00010", ("mpt", 2): "0002",
                      ("sp", 1): "12100", ("sp", 2): "12100"}  # fmt: skip
    with pytest.raises(InputError, match=r"mpt/k16/s2/predictions.parquet: expected the test rows"):
        case.german()


def test_a_pair_without_text_is_refused(case):
    case.predicted = {(run, seed): labels for run, labels in (("mpt", "00010"), ("sp", "12100"))
                      for seed in (1, 2)}  # fmt: skip
    case.write()
    texts = frame([("de", "other", 0, 0)]).assign(premise="p", hypothesis="h")
    write_table(texts, CORPORA / "test.parquet", EXAMPLES)
    with pytest.raises(InputError, match=r"test.parquet: expected the test pairs"):
        disagreements(case.params, 16, (1, 2))
