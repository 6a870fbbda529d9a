"""params.yaml: what is read, and the one line that each kind of bad input gets."""

import copy
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.params.strict import Strictly, parse
from pipeline.params.whole import Params, load_params
from tests import toys
from tests.imports import ROOT

WHOLE = (ROOT / "tests" / "params.yaml").read_text(encoding="utf-8")


def complaint(path):
    with pytest.raises(InputError) as caught:
        load_params(path)
    line = str(caught.value)
    assert "\n" not in line
    assert "pydantic" not in line
    assert "http" not in line
    assert line.startswith(str(path))
    return line.removeprefix(str(path))


def complaint_about(text, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return complaint(path)


def changed(old, new):
    assert WHOLE.count(old) >= 1
    return WHOLE.replace(old, new, 1)


def test_params_as_shipped_are_the_pocket_profile():
    assert (ROOT / "params.yaml").read_bytes() == (ROOT / "profiles" / "pocket.yaml").read_bytes()


@pytest.mark.parametrize("path", sorted((ROOT / "profiles").glob("*.yaml")), ids=lambda p: p.stem)
def test_profiles_load(path):
    params = load_params(path)
    assert params.languages.all[0] == "en"
    assert len(params.languages.all) == 15


def test_paper_profile_has_the_papers_grid():
    params = load_params(ROOT / "profiles" / "paper.yaml")
    assert params.grid.shots == tuple(2**n for n in range(9))
    assert len(params.grid.cells) == 4 * 9 * 5
    assert params.training.learning_rate == 4e-5
    assert params.paws15.pairs == 500


def test_numbers_and_words_are_read_as_dvc_reads_them(tmp_path):
    text = changed("learning_rate: 2e-4", "learning_rate: 4e-5")
    text = text.replace('"yes"', "yes").replace('"no"', "no")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    params = load_params(tmp_path / "params.yaml")
    assert isinstance(params.training.learning_rate, float)
    assert params.training.learning_rate == 4e-5
    assert params.template.label_words == ("yes", "maybe", "no")


def test_a_run_overrides_training_and_template(tmp_path):
    text = changed("pct: {method: pct}", "pct: {method: pct, epochs: 3, position: prefix}")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    params = load_params(tmp_path / "params.yaml")
    run = params.run("pct")
    assert (run.training.epochs, run.template.position) == (3, "prefix")
    assert run.overrides == ("epochs", "position")
    assert run.settings == {}
    assert (params.training.epochs, params.template.position) == (20, "suffix")
    assert params.run("mpt").settings["alpha"] == 0.5


def test_params_cannot_be_changed():
    params = parse(Params, toys.params(), place="here")
    with pytest.raises(ValueError, match="frozen"):
        params.training.epochs = 7


def test_cells_are_those_of_the_grid_then_of_the_ablations():
    params = parse(
        Params,
        toys.params(
            grid__runs=["sp", "ft"],
            grid__shots=[2, 1],
            grid__seeds=[7],
            ablations__runs=["mpt"],
            ablations__shots=[1],
            ablations__seeds=[3],
        ),
        place="here",
    )
    grid = (("sp", 2, 7), ("sp", 1, 7), ("ft", 2, 7), ("ft", 1, 7))
    assert params.cells == (*grid, ("mpt", 1, 3))
    assert params.seeds == (3, 7)


UNKNOWN_LABEL = 'contradiction: "no", other: x}'
BAD = {
    "unknown key at the top": (
        ("languages: {source", "colour: red\nlanguages: {source"),
        "colour: expected no such key, found 'red'",
    ),
    "unknown nested key": (
        ("epochs: 20", "epochs: 20\n  epoches: 3"),
        "training.epoches: expected no such key, found 3",
    ),
    "word for a whole number": (
        ("epochs: 20", "epochs: twenty"),
        "training.epochs: expected a whole number, found 'twenty'",
    ),
    "fraction for a whole number": (
        ("epochs: 20", "epochs: 20.5"),
        "training.epochs: expected a whole number, found 20.5",
    ),
    "bool for a whole number": (
        ("epochs: 20", "epochs: true"),
        "training.epochs: expected a whole number, found true",
    ),
    "nothing for a whole number": (
        ("epochs: 20", "epochs:"),
        "training.epochs: expected a whole number, found nothing",
    ),
    "zero epochs": (("epochs: 20", "epochs: 0"), "training.epochs: expected more than 0, found 0"),
    "missing key": (
        ("  epochs: 20\n", ""),
        "training.epochs: expected this key, found nothing",
    ),
    "missing block": (
        ("fewshot: {source: sample, split_seed: 0, per_seed: false}", ""),
        "fewshot: expected this key, found nothing",
    ),
    "negative rate": (
        ("learning_rate: 2e-4", "learning_rate: -1"),
        "training.learning_rate: expected more than 0, found -1",
    ),
    "rate that is no number": (
        ("learning_rate: 2e-4", "learning_rate: .nan"),
        "training.learning_rate: expected a finite number, found nan",
    ),
    "endless rate": (
        ("learning_rate: 2e-4", "learning_rate: .inf"),
        "training.learning_rate: expected a finite number, found inf",
    ),
    "text for a number": (
        ("learning_rate: 2e-4", 'learning_rate: "2e-4"'),
        "training.learning_rate: expected a number, found '2e-4'",
    ),
    "word for a bool": (
        ("per_seed: false", "per_seed: no"),
        "fewshot.per_seed: expected true or false, found 'no'",
    ),
    "number for text": (("source: en", "source: 5"), "languages.source: expected text, found 5"),
    "bool for a label word": (
        ('entailment: "yes"', "entailment: true"),
        "template.verbalizer.entailment: expected text, found true",
    ),
    "number for a list": (("shots: [4, 16]", "shots: 4"), "grid.shots: expected a list, found 4"),
    "text for a list": (
        ("splits: [validation, test]", "splits: train"),
        "datasets.paws_x.splits: expected a list, found 'train'",
    ),
    "text for a block": (
        ("{path: data/pocket/hub/xnli}", "data/pocket/hub/xnli"),
        "datasets.xnli: expected keys and values, found 'data/pocket/hub/xnli'",
    ),
    "text for a run": (
        ("ft: {method: ft}", "ft: ft"),
        "methods.ft: expected keys and values, found 'ft'",
    ),
    "zero shots": (
        ("shots: [4, 16]", "shots: [4, 0]"),
        "grid.shots, entry 2: expected more than 0, found 0",
    ),
    "shots twice": (
        ("shots: [4, 16]", "shots: [4, 16, 4]"),
        "grid.shots: expected distinct values, found 4 twice",
    ),
    "negative seed": (
        ("seeds: [1, 2, 3]", "seeds: [-1]"),
        "grid.seeds, entry 1: expected at least 0, found -1",
    ),
    "seed too large": (
        ("seeds: [1, 2, 3]", "seeds: [2147483648]"),
        "grid.seeds, entry 1: expected less than 2147483648, found 2147483648",
    ),
    "dash in the grid": (
        ("runs: [ft", "runs: [sp-2"),
        "grid.runs, entry 1: expected a name of small letters, digits and _ that starts with a "
        "letter, found 'sp-2'",
    ),
    "dash in a run's name": (
        ("  ft: {method: ft}", "  f-t: {method: ft}"),
        "methods: expected a name of small letters, digits and _ that starts with a letter, "
        "found 'f-t'",
    ),
    "run without an entry": (
        ("runs: [ft", "runs: [nope"),
        "grid.runs: expected entries of methods (ft, sp, pct, mpt, no_consistency), found 'nope'",
    ),
    "ablation without an entry": (
        ("ablations: {runs: []", "ablations: {runs: [nope]"),
        "ablations.runs: expected entries of methods (ft, sp, pct, mpt, no_consistency), "
        "found 'nope'",
    ),
    "variant in the grid": (
        ("runs: [ft", "runs: [no_consistency"),
        "grid.runs: expected runs named as their method, found 'no_consistency' of method 'mpt' "
        "(variants belong in ablations.runs or sweeps.runs)",
    ),
    "run in the grid and the ablations": (
        ("ablations: {runs: []", "ablations: {runs: [mpt]"),
        "ablations.runs: expected no run of grid.runs, found 'mpt'",
    ),
    "unknown method": (
        ("  ft: {method: ft}", "  ft: {method: gpt}"),
        "methods.ft.method: expected one of ft, mpt, pct, sp, found 'gpt'",
    ),
    "no method": (
        ("  ft: {method: ft}", "  ft: {}"),
        "methods.ft.method: expected one of ft, mpt, pct, sp, found nothing",
    ),
    "bad override of training": (
        ("  ft: {method: ft}", "  ft: {method: ft, learning_rate: -1}"),
        "methods.ft.learning_rate: expected more than 0, found -1",
    ),
    "bad override of the template": (
        ("  ft: {method: ft}", "  ft: {method: ft, position: middle}"),
        "methods.ft.position: expected prefix, midfix, suffix or endfix, found 'middle'",
    ),
    "override that lacks a label": (
        ("  ft: {method: ft}", "  ft: {method: ft, verbalizer: {entailment: a}}"),
        "methods.ft.verbalizer: expected a word for each of entailment, neutral, contradiction, "
        "found none for neutral",
    ),
    "word of no choice": (
        ("assignment: balanced", "assignment: fair"),
        "paws15.assignment: expected balanced or uniform, found 'fair'",
    ),
    "source among the targets": (
        ("targets: [ar", "targets: [en"),
        "languages.targets: expected languages other than the source, found 'en'",
    ),
    "target twice": (
        ("targets: [ar", "targets: [bg"),
        "languages.targets: expected distinct values, found 'bg' twice",
    ),
    "unknown target": (
        ("targets: [ar", "targets: [xx"),
        "languages.targets: expected languages of the table in pipeline/languages.py "
        "(ar, bg, de, el, en, es, fr, hi, ru, sw, th, tr, ur, vi, zh), found 'xx'",
    ),
    "unknown source": (
        ("source: en", "source: xx"),
        "languages.source: expected languages of the table in pipeline/languages.py "
        "(ar, bg, de, el, en, es, fr, hi, ru, sw, th, tr, ur, vi, zh), found 'xx'",
    ),
    "language by name": (
        ("targets: [ar", "targets: [arabic"),
        "languages.targets, entry 1: expected a language code of two small letters, found 'arabic'",
    ),
    "no targets": (
        ("targets: [ar, bg, de, el, es, fr, hi, ru, sw, th, tr, ur, vi, zh]", "targets: []"),
        "languages.targets: expected at least one entry, found []",
    ),
    "pairs in some languages": (
        ("languages: all", "languages: some"),
        "paws15.languages: expected all or a list, found 'some'",
    ),
    "pairs in no language": (
        ("languages: all", "languages: []"),
        "paws15.languages: expected all or at least one entry, found []",
    ),
    "pairs in a language that is no target": (
        ("languages: all", "languages: [de, en]"),
        "paws15.languages: expected some of languages.targets, found 'en'",
    ),
    "pairs in a language twice": (
        ("languages: all", "languages: [de, fr, de]"),
        "paws15.languages: expected distinct values, found 'de' twice",
    ),
    "pairs in a number": (
        ("languages: all", "languages: [de, 5]"),
        "paws15.languages, entry 2: expected text, found 5",
    ),
    "no pairs": (("pairs: 240", "pairs: 0"), "paws15.pairs: expected more than 0, found 0"),
    "given splits per seed": (
        (
            "source: sample, split_seed: 0, per_seed: false",
            "source: a, split_seed: 0, per_seed: true",
        ),
        "fewshot.per_seed: expected false where source is a folder, found true",
    ),
    "empty path": (
        ("{path: data/pocket/hub/xnli}", '{path: ""}'),
        "datasets.xnli.path: expected some text, found ''",
    ),
    "no splits": (
        ("splits: [validation, test]", "splits: []"),
        "datasets.paws_x.splits: expected at least one entry, found []",
    ),
    "label without a word": (
        (', contradiction: "no"}', "}"),
        "template.verbalizer: expected a word for each of entailment, neutral, contradiction, "
        "found none for contradiction",
    ),
    "labels of one word": (
        ('contradiction: "no"}', 'contradiction: "yes"}'),
        "template.verbalizer: expected distinct values, found 'yes' twice",
    ),
    "label that there is not": (
        ('contradiction: "no"}', UNKNOWN_LABEL),
        "template.verbalizer: expected entailment, neutral or contradiction, found 'other'",
    ),
    "two faults": (
        ("epochs: 20\n  batch_size: 24", "epochs: a\n  batch_size: b"),
        "training.epochs: expected a whole number, found 'a' (and 1 more)",
    ),
    "number for a key": (
        ("languages: {source", "5: red\nlanguages: {source"),
        "5: expected no such key, found 5",
    ),
    "long value": (
        ("epochs: 20", f"epochs: {'x' * 500}"),
        f"training.epochs: expected a whole number, found '{'x' * 76}...",
    ),
}


@pytest.mark.parametrize(("change", "line"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_line_of_key_expected_and_found(change, line, tmp_path):
    assert complaint_about(changed(*change), tmp_path) == f": {line}"


FAULTY = {
    "key twice": (
        changed("epochs: 20", "epochs: 20\n  epochs: 3"),
        ', line 19: expected YAML, found duplicate key "epochs"',
    ),
    "block twice": (
        WHOLE + "\ngrid: {runs: [], shots: [], seeds: []}\n",
        f', line {WHOLE.count(chr(10)) + 2}: expected YAML, found duplicate key "grid"',
    ),
    "tab": (
        changed("  epochs: 20", "\tepochs: 20"),
        ", line 18: expected YAML, found character '\\t' that cannot start any token",
    ),
    "colon twice": (
        changed("epochs: 20", "epochs: 20: 3"),
        ", line 18: expected YAML, found a fault: mapping values are not allowed here",
    ),
    "open bracket": (
        changed("epochs: 20", "epochs: [20"),
        ", line 19: expected YAML, found a fault: expected ',' or ']', but got ':'",
    ),
    "tag": (
        changed("epochs: 20", "epochs: !!python/object:os.system 20"),
        ", line 18: expected YAML, found a fault: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object:os.system'",
    ),
    "control character": (
        "a: \x07",
        ": expected YAML, found unacceptable character #x0007: special characters are not allowed "
        'in "<unicode string>", position 3',
    ),
    "empty": ("", ": expected keys and values, found nothing"),
    "comment": ("# nothing\n", ": expected keys and values, found nothing"),
    "list": ("[1, 2]", ": expected keys and values, found [1, 2]"),
    "word": ("hello", ": expected keys and values, found 'hello'"),
}


@pytest.mark.parametrize(("text", "line"), FAULTY.values(), ids=FAULTY.keys())
def test_a_file_that_is_no_mapping_is_one_line_with_the_place(text, line, tmp_path):
    assert complaint_about(text, tmp_path) == line


def test_bytes_that_are_no_text_are_one_line(tmp_path):
    (tmp_path / "params.yaml").write_bytes(b"\xff\xfe")
    line = complaint(tmp_path / "params.yaml")
    assert line == ": expected text in UTF-8, found byte 0xff"


def test_a_missing_file_is_one_line(tmp_path):
    line = complaint(tmp_path / "params.yaml")
    assert line == ": expected the parameters in this folder, found no such file"


def test_a_run_that_there_is_not_is_named_with_those_that_there_are():
    params = parse(Params, toys.params(), place="here")
    with pytest.raises(InputError) as caught:
        params.run("nope")
    assert str(caught.value) == (
        "params.yaml: methods: expected a run of ft, sp, pct, mpt, found 'nope'"
    )


def test_the_place_of_a_methods_own_settings_runs_down_to_the_key():
    class Settings(Strictly):
        prompt_length: int

    with pytest.raises(InputError) as caught:
        parse(Settings, {"prompt_length": "four"}, place="params.yaml: methods.mpt")
    assert str(caught.value) == (
        "params.yaml: methods.mpt.prompt_length: expected a whole number, found 'four'"
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=100),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(values, above=()):
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from places(value, (*above, key))


@settings(max_examples=300, deadline=None)
@given(place=st.sampled_from(list(places(toys.params()))), value=VALUES)
def test_any_value_anywhere_is_read_or_refused_in_one_line(place, value):
    values = copy.deepcopy(toys.params())
    block = values
    for key in place[:-1]:
        block = block[key]
    block[place[-1]] = value
    try:
        params = parse(Params, values, place="params.yaml")
        for name in params.methods:
            params.run(name)
    except InputError as error:
        line = str(error)
        assert line == " ".join(line.split())
        assert line.startswith("params.yaml: ")
        assert "expected" in line
        assert "found" in line
        assert "pydantic" not in line
        assert len(line) < 400
    else:
        assert not (isinstance(value, float) and math.isnan(value) and "methods" not in place)
