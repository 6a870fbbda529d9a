"""What Table II and Figures 4 and 5 lack when params.yaml trains fewer cells."""

import pytest
from ruamel.yaml import YAML

from pipeline.evaluation.gaps import sweep_gaps, table2_gaps
from pipeline.params.strict import parse
from pipeline.params.whole import Params


@pytest.fixture
def edited(params_text):
    def edit(*changes: tuple[str, str]) -> Params:
        text = params_text + "  prefix: {method: mpt, position: prefix}\n"
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return parse(Params, YAML(typ="safe", pure=True).load(text), place="params.yaml")

    return edit


SWEPT = ("sweeps: {runs: []", "sweeps: {runs: [prefix]")


def test_nothing_is_said_if_nothing_lacks(edited):
    assert table2_gaps(edited()) == ""
    assert sweep_gaps(edited(SWEPT)) == ""


def test_shots_without_the_reference_are_named(edited):
    params = edited(("shots: [1, 16], seeds: [1, 2]", "shots: [4], seeds: [1, 2]"), SWEPT)
    assert table2_gaps(params) == "Not in Table II: 16 shots (mpt is not trained there)."
    assert sweep_gaps(params) == "Not in Figures 4 and 5: 16 shots (mpt is not trained there)."


def test_fewer_runs_and_seeds_are_named_by_variant(edited):
    params = edited(("runs: [sp, mpt]", "runs: [mpt]"), ("seeds: [1, 2]}", "seeds: [2]}"))
    assert table2_gaps(params) == (
        "Not in Table II: the p-values of no-translator at 16 shots (no_translator and mpt have "
        "no seed in common); no-mpt at 16 shots (sp is not trained there)."
    )


def test_shots_of_a_block_without_runs_do_not_matter(edited):
    params = edited(
        ("ablations: {runs: [no_translator], shots: [16]", "ablations: {runs: [], shots: [99]"),
        ("sweeps: {runs: [], shots: [16]", "sweeps: {runs: [], shots: [98]"),
    )
    assert table2_gaps(params) == sweep_gaps(params) == ""
    assert params.shots == {1: True, 16: True, 98: False, 99: False}
