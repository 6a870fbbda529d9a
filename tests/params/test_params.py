"""params.yaml: what is read, and the one line that each kind of bad input gets."""

import copy
import functools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from pipeline.params.runs import LABELS, METHODS
from pipeline.params.strict import parse
from pipeline.params.whole import Params, load_params
from tests import toys
from tests.commands import refusal
from tests.imports import ROOT

WHOLE = (ROOT / "tests" / "params.yaml").read_text(encoding="utf-8")
VALUES_OF_WHOLE = YAML(typ="safe").load(WHOLE)
RUNS = "ft, sp, pct, mpt, no_consistency"  # the entries of WHOLE
FILES = ", ".join(sorted(path.stem for path in METHODS.glob("[a-z]*.py")))


def changed(*replacements):
    """Return WHOLE with replacements, given as old, new, old, new, ..."""
    text = WHOLE
    for old, new in zip(replacements[::2], replacements[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    return text


def read_all(values):
    """Check every rule about these values."""
    params = parse(Params, values, place="params.yaml")
    for name in params.methods:
        params.run(name)


@pytest.fixture
def load(tmp_path):
    """Loads a text as params.yaml."""

    def write_and_load(text):
        (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
        return load_params(tmp_path / "params.yaml")

    return write_and_load


@pytest.mark.parametrize(
    "path",
    [ROOT / "params.yaml", *sorted((ROOT / "profiles").glob("*.yaml"))],
    ids=lambda path: path.stem,
)
def test_params_and_profiles_load(path):
    assert load_params(path).grid.cells


def test_the_paper_profile_has_the_papers_grid():
    params = load_params(ROOT / "profiles" / "paper.yaml")
    assert params.grid.shots == tuple(2**n for n in range(9))
    assert len(params.grid.cells) == 5 * 9 * 5
    assert len(params.matched.cells) == 3 * 9 * 5
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


ABSENT = object()
AN_EPOCH = "expected longest, labelled, pairs or a number of updates"
TESTED = "en, ar, bg, de, el, es, fr, hi, ru, sw, th, tr, ur, vi, zh"
TABLE = f"expected languages of the table in pipeline/languages.py ({', '.join(LANGUAGES)})"
A_NAME = "expected a name of small letters, digits and _ that starts with a letter"
WORDS = "expected a word for each of entailment, neutral, contradiction"
# Key, value, the rest of the line.
BAD = [
    ("colour", "red", "expected no such key, found 'red'"),
    ("training.epoches", 3, "expected no such key, found 3"),
    ("training.epochs", "twenty", "expected a whole number, found 'twenty'"),
    ("training.epochs", 20.5, "expected a whole number, found 20.5"),
    ("training.epochs", True, "expected a whole number, found true"),
    ("training.epochs", None, "expected this key, or updates, found neither"),
    ("training.updates", 100, "expected either epochs or updates, found 20 epochs and 100 updates"),
    ("training.epoch", "all", f"{AN_EPOCH}, found 'all'"),
    ("training.epoch", 0, f"{AN_EPOCH}, found 0"),
    ("training.epochs", -1, "expected at least 0, found -1"),
    ("training.epochs", "x" * 500, f"expected a whole number, found '{'x' * 76}..."),
    ("training.epochs", ABSENT, "expected this key, or updates, found neither"),
    ("fewshot", ABSENT, "expected this key, found nothing"),
    ("training.learning_rate", -1, "expected more than 0, found -1"),
    ("training.learning_rate", math.nan, "expected a finite number, found nan"),
    ("training.learning_rate", math.inf, "expected a finite number, found inf"),
    ("training.learning_rate", "2e-4", "expected a number, found '2e-4'"),
    ("fewshot.per_seed", "no", "expected true or false, found 'no'"),
    ("languages.source", 5, "expected text, found 5"),
    ("template.verbalizer.entailment", True, "expected text, found true"),
    ("grid.shots", 4, "expected a list, found 4"),
    ("datasets.paws_x.splits", "train", "expected a list, found 'train'"),
    ("datasets.paws_x.splits", [], "expected at least one entry, found []"),
    ("datasets.xnli", "a/folder", "expected keys and values, found 'a/folder'"),
    ("datasets.xnli.path", "", "expected some text, found ''"),
    ("datasets.xnli.rows", 0, "expected more than 0, found 0"),
    ("datasets.paws_x.rows", 9, "expected no such key, found 9"),
    ("methods.ft", "ft", "expected keys and values, found 'ft'"),
    ("grid.shots", [4, 16, 4], "expected distinct values, found 4 twice"),
    ("paws15.assignment", "fair", "expected balanced or uniform, found 'fair'"),
    ("paws15.pairs", 0, "expected more than 0, found 0"),
    ("methods.ft.method", "gpt", f"expected one of {FILES}, found 'gpt'"),
    ("methods.ft.method", ABSENT, f"expected one of {FILES}, found nothing"),
    ("methods.ft.method", "sp",
     "expected ft, since the run has the name of this method, found 'sp'"),
    ("grid.runs", ["nope"], f"expected entries of methods ({RUNS}), found 'nope'"),
    ("ablations.runs", ["nope"], f"expected entries of methods ({RUNS}), found 'nope'"),
    ("comparison.table2.no-mpt", "nope", f"expected entries of methods ({RUNS}), found 'nope'"),
    ("ablations.runs", ["mpt"], "expected runs that are not in grid.runs, found 'mpt'"),
    ("ablations.runs", ["sp"],
     "expected variants of comparison.reference, of method 'mpt', found 'sp' of method 'sp' "
     "(it belongs in grid.runs)"),
    ("sweeps.runs", ["pct"],
     "expected variants of comparison.reference, of method 'mpt', found 'pct' of method 'pct' "
     "(it belongs in grid.runs)"),
    ("methods.mpt.backbone", "mm", "expected one of base, found 'mm'"),
    ("methods.mpt.backbone", ["base"], "expected one of base, found ['base']"),
    ("backbone", ABSENT, "expected either this key or backbones, found neither"),
    ("backbone.paht", "a", "expected no such key, found 'a'"),
    ("methods.ft.learning_rate", -1, "expected more than 0, found -1"),
    ("methods.ft.position", "middle",
     "expected prefix, midfix, suffix or endfix, found 'middle'"),
    ("methods.ft.verbalizer", {"entailment": "a"}, f"{WORDS}, found none for neutral"),
    ("methods.ft.pairs", "xnli",
     "expected paws15 for a run in grid.runs (runs with xnli belong in ablations.runs), "
     "found xnli"),
    ("methods.ft.external_pairs", 241,
     "expected at most 240 (paws15.pairs, or paws15.extended for runs in sweeps.runs), found 241"),
    ("template.verbalizer", {"entailment": "yes", "neutral": "maybe"},
     f"{WORDS}, found none for contradiction"),
    ("template.verbalizer", {"entailment": "yes", "neutral": "maybe", "contradiction": "yes"},
     "expected distinct values, found 'yes' twice"),
    ("template.verbalizer", {label: {"piece": "a"} for label in LABELS},
     "expected distinct values, found {piece: 'a'} twice"),
    ("training.batch_size", [4, 8], "expected a whole number, found [4, 8]"),
    ("training.batch_size", {"8": 4}, "expected a number of shots such as k8, found '8'"),
    ("training.select_from", 0, "expected more than 0, found 0"),
    ("training.select_from", True, "expected a whole number, found true"),
    ("methods.ft.floor", 0.1, "expected 0 with schedule: constant, found 0.1"),
    ("languages.targets", ["en", "de"],
     "expected languages other than the source, found 'en'"),
    ("languages.targets", ["bg", "de", "bg"], "expected distinct values, found 'bg' twice"),
    ("languages.targets", ["xx"], f"{TABLE}, found 'xx'"),
    ("languages.source", "xx", f"{TABLE}, found 'xx'"),
    ("languages.targets", [], "expected at least one entry, found []"),
    ("paws15.languages", "some", "expected all or a list, found 'some'"),
    ("paws15.languages", None, "expected all or a list, found nothing"),
    ("paws15.languages", [], "expected all or at least one entry, found []"),
    ("paws15.languages", ["de", "en"], "expected languages in languages.targets, found 'en'"),
    ("paws15.languages", ["de", "fr", "de"], "expected distinct values, found 'de' twice"),
    ("comparison.languages", None, "expected all or a list, found nothing"),
    ("comparison.languages", ["de", "de"], "expected distinct values, found 'de' twice"),
    ("comparison.languages", ["de", "it"], f"expected test languages ({TESTED}), found 'it'"),
]  # fmt: skip
MATCHED = {"runs": ["sp"], "shots": [4], "seeds": [1]}
# Changes, the whole line.
BAD_ELSEWHERE = [
    ({5: "red"}, "5: expected no such key, found 5"),
    ({"training.epochs": "a", "training.batch_size": "b"},
     "training.epochs: expected a whole number, found 'a' (and 1 more)"),
    ({"grid.shots": [4, 0]}, "grid.shots, entry 2: expected more than 0, found 0"),
    ({"grid.seeds": [-1]}, "grid.seeds, entry 1: expected at least 0, found -1"),
    ({"grid.seeds": [2**31]},
     "grid.seeds, entry 1: expected less than 2147483648, found 2147483648"),
    ({"fewshot.source": "a", "fewshot.per_seed": True},
     "fewshot.per_seed: expected false if source is a folder, found true"),
    ({"matched": MATCHED | {"runs": ["mpt"]}},
     "matched.runs: expected runs other than comparison.reference, found 'mpt'"),
    ({"backbones": {"mm": {"path": "a/b"}}},
     "backbone: expected either this key or backbones, found both"),
    ({"backbone": ABSENT, "backbones": {}},
     "backbones: expected at least one entry, found {}"),
    ({"backbone": ABSENT, "backbones": {"mm": {}}},
     "backbones.mm.path: expected this key, found nothing"),
    ({"backbone": ABSENT, "backbones": {"m-m": {"path": "a"}}},
     f"backbones: {A_NAME}, found 'm-m'"),
    ({"matched": MATCHED, "methods.sp_matched": {"method": "sp"}},
     "methods.sp_matched: expected another name, since sp is in matched.runs, found 'sp_matched'"),
    ({"grid.runs": ["sp-2"]}, f"grid.runs, entry 1: {A_NAME}, found 'sp-2'"),
    ({"methods.f-t": {"method": "ft"}}, f"methods: {A_NAME}, found 'f-t'"),
    ({"methods.no_consistency.pairs": "xnli", "ablations.runs": ["no_consistency"]},
     "methods.no_consistency.pairs: expected fewshot.translations: true, found false"),
    ({"template.verbalizer.other": "x"},
     "template.verbalizer: expected entailment, neutral or contradiction, found 'other'"),
    ({"template.verbalizer.neutral": {"piece": ""}},
     "template.verbalizer.neutral.piece: expected some text, found ''"),
    ({"template.verbalizer.neutral": {"pice": "may"}},
     "template.verbalizer.neutral.piece: expected this key, found nothing (and 1 more)"),
    ({"training.batch_size": {"k1": 0}}, "training.batch_size.k1: expected more than 0, found 0"),
    ({"training.batch_size": {"k2": 8}},
     "training.batch_size.k1: expected this key, found nothing"),
    ({"languages.targets": ["arabic", "de"]},
     "languages.targets, entry 1: expected a language code of two small letters, found 'arabic'"),
    ({"datasets.paws_x.splits": ["test", "../../xnli/en/test"]},
     "datasets.paws_x.splits, entry 2: expected the name of a split, of letters, digits and _.-, "
     "found '../../xnli/en/test'"),
    ({"paws15.languages": ["de", 5]}, "paws15.languages, entry 2: expected text, found 5"),
]  # fmt: skip
BAD_ELSEWHERE += [({key: value}, f"{key}: {rest}") for key, value, rest in BAD]


@pytest.mark.parametrize(("changes", "line"), BAD_ELSEWHERE, ids=[x[:70] for _, x in BAD_ELSEWHERE])
def test_bad_input_is_one_line_of_key_expected_and_found(changes, line):
    values = copy.deepcopy(VALUES_OF_WHOLE)
    for keys, value in changes.items():
        *path, key = keys.split(".") if isinstance(keys, str) else [keys]
        block = functools.reduce(dict.__getitem__, path, values)
        block[key] = value
        if value is ABSENT:
            del block[key]
    assert refusal(read_all, values) == f"params.yaml: {line}"


END = WHOLE.count("\n") + 2
FAULTY = {
    "key twice": (changed("epochs: 20", "epochs: 20\n  epochs: 3"),
                  ', line 19: expected YAML, found duplicate key "epochs"'),
    "block twice": (WHOLE + "\ngrid: {runs: [], shots: [], seeds: []}\n",
                    f', line {END}: expected YAML, found duplicate key "grid"'),
    "tab": (changed("  epochs: 20", "\tepochs: 20"),
            ", line 18: expected YAML, found character '\\t' that cannot start any token"),
    "colon twice": (changed("epochs: 20", "epochs: 20: 3"),
                    ", line 18: expected YAML, found a fault: mapping values are not allowed here"),
    "open bracket": (changed("epochs: 20", "epochs: [20"),
                     ", line 19: expected YAML, found a fault: expected ',' or ']', but got ':'"),
    "tag": (changed("epochs: 20", "epochs: !!python/object:os.system 20"),
            ", line 18: expected YAML, found a fault: could not determine a constructor for the "
            "tag 'tag:yaml.org,2002:python/object:os.system'"),
    "control character": ("a: \x07",
                          ": expected YAML, found unacceptable character #x0007: special "
                          'characters are not allowed in "<unicode string>", position 3'),
    "empty": ("", ": expected keys and values, found nothing"),
    "comment": ("# nothing\n", ": expected keys and values, found nothing"),
    "list": ("[1, 2]", ": expected keys and values, found [1, 2]"),
    "word": ("hello", ": expected keys and values, found 'hello'"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line"), FAULTY.values(), ids=FAULTY.keys())
def test_a_file_without_keys_and_values_is_one_line_with_the_place(text, line, load, tmp_path):
    assert refusal(load, text) == f"{tmp_path}/params.yaml{line}"


def test_a_missing_file_and_bytes_that_are_not_text_are_one_line(tmp_path):
    path = tmp_path / "params.yaml"
    assert refusal(load_params, path) == (
        f"{path}: expected the parameters in this folder, found no such file"
    )
    path.write_bytes(b"\xff\xfe")
    assert refusal(load_params, path) == f"{path}: expected text in UTF-8, found byte 0xff"


@pytest.mark.parametrize(
    ("languages", "compared"),
    [({}, ("en", *toys.TARGETS)), ({"languages": "all"}, ("en", *toys.TARGETS)),
     ({"languages": ["zh", "en"]}, ("en", "zh"))],
)  # fmt: skip
def test_the_compared_languages_are_in_the_order_of_the_test_languages(languages, compared):
    values = toys.params()
    values["comparison"] |= languages
    assert parse(Params, values, place="here").compared_languages == compared


def test_an_unknown_run_is_refused_with_the_names_of_all_runs():
    params = parse(Params, toys.params(), place="here")
    names = ", ".join(toys.method_names())
    line = f"params.yaml: methods: expected one of {names}, found 'nope'"
    assert refusal(params.run, "nope") == line


def test_the_key_of_one_backbone_is_short_for_a_mapping_with_the_name_base():
    values = toys.params()
    short = parse(Params, values, place="here")
    values["backbones"] = {"base": values.pop("backbone")}
    whole = parse(Params, values, place="here")
    assert short.sources == whole.sources
    assert (short.backbone_key("base"), whole.backbone_key("base")) == (
        "backbone", "backbones.base"
    )  # fmt: skip
    assert short.run("mpt") == whole.run("mpt")


def test_a_run_is_on_the_first_backbone_or_on_the_one_that_it_names():
    values = toys.params(methods__other={"method": "mpt", "backbone": "mm"})
    values["backbones"] = {"large": values.pop("backbone"), "mm": {"path": "a"}}
    values["grid"]["runs"] = ["mpt", "other"]  # a run need not be named as its method
    values["matched"] = MATCHED | {"runs": ["other"]}
    values["comparison"]["reference"] = "mpt"
    params = parse(Params, values, place="here")
    assert [params.run(name).backbone for name in ("mpt", "other")] == ["large", "mm"]
    assert [params.backbone_of(name) for name in ("mpt", "other_matched")] == ["large", "mm"]
    assert {params.run(name).first_backbone for name in ("mpt", "other")} == {"large"}
    assert "backbone" not in params.run("other").settings


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
    values = toys.params(**{"__".join(keys): value})
    try:
        read_all(values)
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
