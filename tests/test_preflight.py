"""`mpt check`: every mistake in params.yaml is one line before anything runs."""

import pytest

from pipeline.preflight import CHECKED
from stages.train import train
from tests import toys
from tests.commands import call, only_line, refusal

WORDS = {"entailment": "yes", "neutral": "maybe", "contradiction": "no"}
ONE_PIECE = "expected a word of one piece in the backbone's vocabulary"
PIECE = "expected a piece of text in the backbone's vocabulary"
SHORT = "expected room for two pieces of text beside the template's 10 tokens"

# Changes, and the line after "params.yaml: ".
MISTAKES = [
    ({"methods__mpt__alhpa": 0.5}, "methods.mpt.alhpa: expected no such key, found 0.5"),
    ({"methods__pct__alpha": 1}, "methods.pct.alpha: expected no such key, found 1"),
    ({"methods__mpt__learning_rate": "fast"},
     "methods.mpt.learning_rate: expected a number, found 'fast'"),
    ({"training__epochs": -1}, "training.epochs: expected at least 0, found -1"),
    ({"training__max_length": 129},
     "training.max_length: expected at most the backbone's 128 tokens, found 129"),
    ({"training__epochs": 5, "training__select_from": 3, "methods__sp__epochs": 2},
     "training.select_from: expected at most the number of epochs of run sp, 2, found 3"),
    ({"methods__mpt__select_from": 3},
     "methods.mpt.select_from: expected at most the number of epochs of run mpt, 2, found 3"),
    ({"training__select_from": 2, "methods__sp__selection": "last"},
     "methods.sp.select_from: expected 1 with selection: last, found 2"),
    ({"methods__sp__max_length": 11}, f"methods.sp.max_length: {SHORT}, found 11 (run sp)"),
    *(({f"{key}__path": path},
       f"{key.replace('__', '.')}.path: expected a Hub id (owner/name) or a folder {kind}, "
       f"found no folder {path}")
      for key, kind in {"datasets__xnli": "in the Hub's layout",
                        "datasets__paws_x": "in the Hub's layout",
                        "backbone": "with a model"}.items()
      for path in ("../none", "/none", "a/b/c")),
    ({"fewshot__source": "../none"},
     "fewshot.source: expected sample, or a folder of given splits, found no folder ../none"),
    ({"grid__shots": 16}, "grid.shots: expected a list, found 16"),
    ({"methods__pct__trainable": "prompt"},
     "methods.pct: expected something to train, found nothing in method pct with "
     "trainable: prompt"),
    ({"grid__runs": []}, "grid.runs: expected at least one run, found []"),
    ({"grid__seeds": []}, "grid.seeds: expected at least one entry beside runs, found []"),
    ({"grid__runs": ["mtp"]},
     f"grid.runs: expected entries of methods ({', '.join(toys.method_names())}), found 'mtp'"),
    ({"methods__mpt__method": "mtp"},
     f"methods.mpt.method: expected one of {', '.join(sorted(toys.method_names()))}, found 'mtp'"),
    ({"template__verbalizer": WORDS | {"neutral": "perhaps"}},
     f"template.verbalizer.neutral: {ONE_PIECE}, found 'perhaps', which is "
     "▁ + p + er + h + a + ps"),
    ({"methods__pct__verbalizer": WORDS | {"neutral": "maybes"}},
     f"methods.pct.verbalizer.neutral: {ONE_PIECE}, found 'maybes', which is ▁m + ay + b + es "
     "(of one piece: maybe)"),
    ({"methods__sp__verbalizer": WORDS | {"neutral": {"piece": "maybe"}}},
     f"methods.sp.verbalizer.neutral.piece: {PIECE}, found 'maybe' (there is no such piece)"),
    ({"template__verbalizer": WORDS | {"neutral": {"piece": "<mask>"}}},
     f"template.verbalizer.neutral.piece: {PIECE}, found '<mask>' (which stands for no text)"),
    ({"template__verbalizer": WORDS | {"neutral": {"piece": "▁yes"}}},
     "template.verbalizer: expected different pieces, found 'yes', {piece: '▁yes'}, 'no' as "
     "[356, 356, 307]"),
    ({"template__verbalizer": WORDS | {"neutral": "?" * 99}},
     f"template.verbalizer.neutral: {ONE_PIECE}, found '{'?' * 76}..., which is "
     f"▁? + {'? + ' * 18}..."),
    *(({"template__verbalizer": WORDS | {"entailment": word}},
       f"template.verbalizer.entailment: {ONE_PIECE}, found '{word}', which is {piece}")
      for word, piece in {"<mask>": "<mask>", "<pad>": "<pad>", "</s>": "</s>", "<unk>": "<unk>",
                          " ": "▁", "▁": "▁"}.items()),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), MISTAKES, ids=lambda value: str(value)[:60])
def test_a_mistake_is_one_line_with_exit_code_2(changes, message, project, monkeypatch, capsys):
    toys.write_params(toys.params(**changes), project / "params.yaml")
    assert call(monkeypatch, "check") == 2
    assert only_line(capsys.readouterr().err) == f"params.yaml: {message}"
    assert not (project / CHECKED).exists()


def test_the_out_has_the_same_bytes_whenever_all_is_well(project, monkeypatch):
    outs = set()
    for epochs in (1, 2):
        toys.write_params(toys.params(training__epochs=epochs), project / "params.yaml")
        assert call(monkeypatch, "check") == 0
        outs.add((project / CHECKED).read_bytes())
    assert len(outs) == 1


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_a_backbone_without_weights_can_be_checked_and_one_without_the_rest_not(
    name, project, toy_backbone, monkeypatch, capsys
):
    (project / "hub/backbone").unlink()
    (project / "hub/backbone").mkdir()
    for path in toy_backbone.glob("*.json"):
        (project / "hub/backbone" / path.name).write_bytes(path.read_bytes())
    assert call(monkeypatch, "check") == 0
    (project / "hub/backbone" / name).unlink()
    capsys.readouterr()
    assert call(monkeypatch, "check") == 2
    line = only_line(capsys.readouterr().err)
    assert line.startswith("params.yaml: backbone: hub/backbone: expected ")


@pytest.mark.parametrize(
    ("key", "value", "path", "found"),
    [
        ("backbone__path", "elsewhere", "data/backbones/base", "hub/backbone"),
        ("backbone__revision", "abc", "data/backbones/base", "None"),
        ("fewshot__split_seed", 1, "data/fewshot/k1.parquet", "0"),
        ("fewshot__source", "given", "data/fewshot/k1.parquet", "sample"),
        ("fewshot__per_seed", True, "data/fewshot/k1.parquet", "false"),
        ("paws15__seed", 1, "data/paws15/pairs.parquet", "0"),
        ("paws15__pairs", 8, "data/paws15/pairs.parquet", "9"),
        ("paws15__engine", "google", "data/paws15/pairs.parquet", "dataset"),
    ],
)
def test_a_cell_refuses_inputs_made_for_other_parameters(prepared, key, value, path, found):
    toys.write_params(toys.params(**{key: value}), prepared / "params.yaml")
    block = key.partition("__")[0]
    asked = str(value).lower() if value is True else value
    assert refusal(train, "sp", shots=1, seed=1) == (
        f"{path}: expected {key.replace('__', '.')} {asked} as in params.yaml, found one made "
        f"with {found} (stage {block})"
    )
    assert not (prepared / "data/runs").exists()
