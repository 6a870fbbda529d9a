"""params.yaml: what is read, and the one line that each kind of bad input gets."""

import copy
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.params.runs import METHODS
from pipeline.params.strict import Strictly, parse
from pipeline.params.whole import Params, load_params
from tests import toys
from tests.commands import refusal
from tests.imports import ROOT

WHOLE = (ROOT / "tests" / "params.yaml").read_text(encoding="utf-8")
RUNS = "ft, sp, pct, mpt, no_consistency"  # the entries of WHOLE
FILES = ", ".join(sorted(path.stem for path in METHODS.glob("[a-z]*.py") if path.stem != "base"))
LANGUAGES = "ar, bg, de, el, en, es, fr, hi, ru, sw, th, tr, ur, vi, zh"


def changed(*replacements):
    """Return WHOLE with replacements, given as old, new, old, new, ..."""
    text = WHOLE
    for old, new in zip(replacements[::2], replacements[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    return text


@pytest.fixture
def load(tmp_path):
    """Loads a text as params.yaml."""

    def write_and_load(text):
        (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
        return load_params(tmp_path / "params.yaml")

    return write_and_load


@pytest.fixture
def complaint(load, tmp_path):
    """Returns the line about a text, without the file's folder."""

    def about(text):
        line = refusal(load, text)
        assert "pydantic" not in line
        assert "http" not in line
        return line.removeprefix(f"{tmp_path}/")

    return about


def test_params_as_shipped_are_the_pocket_profile():
    assert (ROOT / "params.yaml").read_bytes() == (ROOT / "profiles" / "pocket.yaml").read_bytes()


@pytest.mark.parametrize("path", sorted((ROOT / "profiles").glob("*.yaml")), ids=lambda p: p.stem)
def test_profiles_load(path):
    params = load_params(path)
    assert params.languages.all[0] == "en"
    assert len(params.languages.all) == 15


def test_the_paper_profile_has_the_papers_grid():
    params = load_params(ROOT / "profiles" / "paper.yaml")
    assert params.grid.shots == tuple(2**n for n in range(9))
    assert len(params.grid.cells) == 4 * 9 * 5
    assert params.training.learning_rate == 4e-5
    assert params.paws15.pairs == 500


def test_numbers_and_words_are_read_as_dvc_reads_them(load):
    text = changed("learning_rate: 2e-4", "learning_rate: 4e-5")
    params = load(text.replace('"yes"', "yes").replace('"no"', "no"))
    assert isinstance(params.training.learning_rate, float)
    assert params.training.learning_rate == 4e-5
    assert params.template.label_words == ("yes", "maybe", "no")


def test_a_run_overrides_training_and_template(load):
    params = load(changed("pct: {method: pct}", "pct: {method: pct, epochs: 3, position: prefix}"))
    run = params.run("pct")
    assert (run.training.epochs, run.template.position) == (3, "prefix")
    assert run.overrides == ("epochs", "position")
    assert run.settings == {}
    assert (params.training.epochs, params.template.position) == (20, "suffix")
    assert params.run("mpt").settings["alpha"] == 0.5


def test_pairs_are_in_all_target_languages_or_in_some(load):
    assert load(WHOLE).pair_languages == load(WHOLE).languages.targets
    assert load(changed("languages: all", "languages: [sw, de]")).pair_languages == ("sw", "de")


def test_params_cannot_be_changed():
    params = parse(Params, toys.params(), place="here")
    with pytest.raises(ValueError, match="frozen"):
        params.training.epochs = 7


def test_cells_are_those_of_the_grid_then_of_the_ablations():
    grid = {"runs": ["sp", "ft"], "shots": [2, 1], "seeds": [7]}
    ablations = {"runs": ["mpt"], "shots": [1], "seeds": [3]}
    params = parse(Params, toys.params(grid=grid, ablations=ablations), place="here")
    cells = (("sp", 2, 7), ("sp", 1, 7), ("ft", 2, 7), ("ft", 1, 7))
    assert params.cells == (*cells, ("mpt", 1, 3))
    assert params.seeds == (3, 7)


def test_shots_of_blocks_without_runs_are_not_used(load):
    assert load(changed("shots: [4, 16]", "shots: [4]")).shots == {4: True, 16: False}


# Old text, new text, the line.
BAD = [
    ("languages: {source", "colour: red\nlanguages: {source",
     "colour: expected no such key, found 'red'"),
    ("languages: {source", "5: red\nlanguages: {source", "5: expected no such key, found 5"),
    ("epochs: 20", "epochs: 20\n  epoches: 3", "training.epoches: expected no such key, found 3"),
    ("epochs: 20", "epochs: twenty", "training.epochs: expected a whole number, found 'twenty'"),
    ("epochs: 20", "epochs: 20.5", "training.epochs: expected a whole number, found 20.5"),
    ("epochs: 20", "epochs: true", "training.epochs: expected a whole number, found true"),
    ("epochs: 20", "epochs:", "training.epochs: expected a whole number, found nothing"),
    ("epochs: 20", "epochs: 0", "training.epochs: expected more than 0, found 0"),
    ("epochs: 20", f"epochs: {'x' * 500}",
     f"training.epochs: expected a whole number, found '{'x' * 76}..."),
    ("epochs: 20\n  batch_size: 24", "epochs: a\n  batch_size: b",
     "training.epochs: expected a whole number, found 'a' (and 1 more)"),
    ("  epochs: 20\n", "", "training.epochs: expected this key, found nothing"),
    ("fewshot: {source: sample, split_seed: 0, per_seed: false}", "",
     "fewshot: expected this key, found nothing"),
    ("learning_rate: 2e-4", "learning_rate: -1",
     "training.learning_rate: expected more than 0, found -1"),
    ("learning_rate: 2e-4", "learning_rate: .nan",
     "training.learning_rate: expected a finite number, found nan"),
    ("learning_rate: 2e-4", "learning_rate: .inf",
     "training.learning_rate: expected a finite number, found inf"),
    ("learning_rate: 2e-4", 'learning_rate: "2e-4"',
     "training.learning_rate: expected a number, found '2e-4'"),
    ("per_seed: false", "per_seed: no", "fewshot.per_seed: expected true or false, found 'no'"),
    ("source: en", "source: 5", "languages.source: expected text, found 5"),
    ('entailment: "yes"', "entailment: true",
     "template.verbalizer.entailment: expected text, found true"),
    ("shots: [4, 16]", "shots: 4", "grid.shots: expected a list, found 4"),
    ("splits: [validation, test]", "splits: train",
     "datasets.paws_x.splits: expected a list, found 'train'"),
    ("splits: [validation, test]", "splits: []",
     "datasets.paws_x.splits: expected at least one entry, found []"),
    ("{path: data/pocket/hub/xnli}", "data/pocket/hub/xnli",
     "datasets.xnli: expected keys and values, found 'data/pocket/hub/xnli'"),
    ("{path: data/pocket/hub/xnli}", '{path: ""}',
     "datasets.xnli.path: expected some text, found ''"),
    ("ft: {method: ft}", "ft: ft", "methods.ft: expected keys and values, found 'ft'"),
    ("shots: [4, 16]", "shots: [4, 0]", "grid.shots, entry 2: expected more than 0, found 0"),
    ("shots: [4, 16]", "shots: [4, 16, 4]", "grid.shots: expected distinct values, found 4 twice"),
    ("seeds: [1, 2, 3]", "seeds: [-1]", "grid.seeds, entry 1: expected at least 0, found -1"),
    ("seeds: [1, 2, 3]", "seeds: [2147483648]",
     "grid.seeds, entry 1: expected less than 2147483648, found 2147483648"),
    ("assignment: balanced", "assignment: fair",
     "paws15.assignment: expected balanced or uniform, found 'fair'"),
    ("pairs: 240", "pairs: 0", "paws15.pairs: expected more than 0, found 0"),
    ("sample, split_seed: 0, per_seed: false", "a, split_seed: 0, per_seed: true",
     "fewshot.per_seed: expected false if source is a folder, found true"),
    # Names of runs and their methods.
    ("runs: [ft", "runs: [sp-2",
     "grid.runs, entry 1: expected a name of small letters, digits and _ that starts with a "
     "letter, found 'sp-2'"),
    ("  ft: {method: ft}", "  f-t: {method: ft}",
     "methods: expected a name of small letters, digits and _ that starts with a letter, "
     "found 'f-t'"),
    ("  ft: {method: ft}", "  ft: {method: gpt}",
     f"methods.ft.method: expected one of {FILES}, found 'gpt'"),
    ("  ft: {method: ft}", "  ft: {}",
     f"methods.ft.method: expected one of {FILES}, found nothing"),
    ("runs: [ft", "runs: [nope",
     f"grid.runs: expected entries of methods ({RUNS}), found 'nope'"),
    ("ablations: {runs: []", "ablations: {runs: [nope]",
     f"ablations.runs: expected entries of methods ({RUNS}), found 'nope'"),
    ("no-mpt: sp", "no-mpt: nope",
     f"comparison.table2.no-mpt: expected entries of methods ({RUNS}), found 'nope'"),
    ("runs: [ft", "runs: [no_consistency",
     "grid.runs: expected runs named after their method, found 'no_consistency' of method 'mpt' "
     "(variants belong in ablations.runs or sweeps.runs)"),
    ("ablations: {runs: []", "ablations: {runs: [mpt]",
     "ablations.runs: expected runs that are not in grid.runs, found 'mpt'"),
    ("ablations: {runs: []", "ablations: {runs: [sp]",
     "ablations.runs: expected variants of comparison.reference, of method 'mpt', found 'sp' of "
     "method 'sp' (it belongs in matched.runs)"),
    ("sweeps: {runs: []", "sweeps: {runs: [pct]",
     "sweeps.runs: expected variants of comparison.reference, of method 'mpt', found 'pct' of "
     "method 'pct' (it belongs in grid.runs, with a file pipeline/methods/pct.py)"),
    ("ablations: {runs: []", "ablations: {runs: [no_consistency]",
     "reference: mpt", "reference: no_consistency",
     "comparison.reference: expected a run named after its method, since the cells of "
     "ablations.runs depend on that method's file, found 'no_consistency' of method 'mpt'"),
    # Settings of a run.
    ("  ft: {method: ft}", "  ft: {method: ft, learning_rate: -1}",
     "methods.ft.learning_rate: expected more than 0, found -1"),
    ("  ft: {method: ft}", "  ft: {method: ft, position: middle}",
     "methods.ft.position: expected prefix, midfix, suffix or endfix, found 'middle'"),
    ("  ft: {method: ft}", "  ft: {method: ft, verbalizer: {entailment: a}}",
     "methods.ft.verbalizer: expected a word for each of entailment, neutral, contradiction, "
     "found none for neutral"),
    ("  ft: {method: ft}", "  ft: {method: ft, pairs: xnli}",
     "methods.ft.pairs: expected paws15 for a run in grid.runs (runs with xnli belong in "
     "ablations.runs), found xnli"),
    ("ablations: {runs: []", "ablations: {runs: [no_consistency]", "alpha: 1.0",
     "pairs: xnli", "vocabulary, pairs: paws15}\n\n", "vocabulary}\n\n",
     "methods.no_consistency.pairs: expected fewshot.translations: true, found false"),
    ("  ft: {method: ft}", "  ft: {method: ft, external_pairs: 241}",
     "methods.ft.external_pairs: expected at most 240 (paws15.pairs, or paws15.extended for runs "
     "in sweeps.runs), found 241"),
    # Label words.
    (', contradiction: "no"}', "}",
     "template.verbalizer: expected a word for each of entailment, neutral, contradiction, "
     "found none for contradiction"),
    ('contradiction: "no"}', 'contradiction: "yes"}',
     "template.verbalizer: expected distinct values, found 'yes' twice"),
    ('contradiction: "no"}', 'contradiction: "no", other: x}',
     "template.verbalizer: expected entailment, neutral or contradiction, found 'other'"),
    # Languages.
    ("targets: [ar", "targets: [en",
     "languages.targets: expected languages other than the source, found 'en'"),
    ("targets: [ar", "targets: [bg",
     "languages.targets: expected distinct values, found 'bg' twice"),
    ("targets: [ar", "targets: [xx",
     "languages.targets: expected languages of the table in pipeline/languages.py "
     f"({LANGUAGES}), found 'xx'"),
    ("source: en", "source: xx",
     "languages.source: expected languages of the table in pipeline/languages.py "
     f"({LANGUAGES}), found 'xx'"),
    ("targets: [ar", "targets: [arabic",
     "languages.targets, entry 1: expected a language code of two small letters, found 'arabic'"),
    ("targets: [ar, bg, de, el, es, fr, hi, ru, sw, th, tr, ur, vi, zh]", "targets: []",
     "languages.targets: expected at least one entry, found []"),
    ("languages: all", "languages: some", "paws15.languages: expected all or a list, found 'some'"),
    ("languages: all", "languages: ~", "paws15.languages: expected all or a list, found nothing"),
    ("languages: all", "languages: []",
     "paws15.languages: expected all or at least one entry, found []"),
    ("languages: all", "languages: [de, en]",
     "paws15.languages: expected languages in languages.targets, found 'en'"),
    ("languages: all", "languages: [de, fr, de]",
     "paws15.languages: expected distinct values, found 'de' twice"),
    ("languages: all", "languages: [de, 5]",
     "paws15.languages, entry 2: expected text, found 5"),
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=[line[:70] for *_, line in BAD])
def test_bad_input_is_one_line_of_key_expected_and_found(bad, complaint):
    *replacements, line = bad
    assert complaint(changed(*replacements)) == f"params.yaml: {line}"


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
def test_a_file_without_keys_and_values_is_one_line_with_the_place(text, line, complaint):
    assert complaint(text) == f"params.yaml{line}"


def test_a_missing_file_and_bytes_that_are_not_text_are_one_line(tmp_path):
    path = tmp_path / "params.yaml"
    assert refusal(load_params, path) == (
        f"{path}: expected the parameters in this folder, found no such file"
    )
    path.write_bytes(b"\xff\xfe")
    assert refusal(load_params, path) == f"{path}: expected text in UTF-8, found byte 0xff"


def test_an_unknown_run_is_refused_with_the_names_of_all_runs():
    params = parse(Params, toys.params(), place="here")
    names = ", ".join(toys.method_names())
    line = f"params.yaml: methods: expected one of {names}, found 'nope'"
    assert refusal(params.run, "nope") == line


def test_the_place_of_a_methods_own_settings_includes_the_key():
    class Settings(Strictly):
        prompt_length: int

    values = {"prompt_length": "four"}
    assert refusal(parse, Settings, values, place="params.yaml: methods.mpt") == (
        "params.yaml: methods.mpt.prompt_length: expected a whole number, found 'four'"
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=100),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def key_paths(values, above=()):
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from key_paths(value, (*above, key))


@settings(max_examples=300, deadline=None)
@given(keys=st.sampled_from(list(key_paths(toys.params()))), value=VALUES)
def test_any_value_anywhere_is_read_or_refused_in_one_line(keys, value):
    values = copy.deepcopy(toys.params())
    block = values
    for key in keys[:-1]:
        block = block[key]
    block[keys[-1]] = value
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
        assert not (isinstance(value, float) and math.isnan(value) and "methods" not in keys)
