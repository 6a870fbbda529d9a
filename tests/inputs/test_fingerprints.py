"""What stages read outside the repository: the content that they read, and no more."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.corpora import all_languages, sources
from pipeline.hub import files
from pipeline.inputs.declared import OUTSIDE
from pipeline.inputs.fingerprints import INPUTS, write_fingerprints
from pipeline.params.whole import load_params
from pipeline.translation.engines import file as file_engine
from stages.corpora import corpora
from stages.fewshot import fewshot
from stages.paws15 import paws15
from stages.translations import translations
from stages.unlabelled import unlabelled
from tests import toys
from tests.commands import call, environment, only_line
from tests.hub_server import Repository, closed_port, serving
from tests.imports import ROOT

STAGES = {"backbone", "corpora", "fewshot", "paws15", "translations", "unlabelled"}
GIVEN = {"source": "given", "split_seed": 0, "per_seed": False, "translations": True}
FILE = {"paws15__engine": "file", "paws15__translation": {"file": "made/pairs.csv"}}
NLLB = {"paws15__engine": "nllb", "paws15__translation": {"model": {"path": "hub/nllb"}}}
OLD, NEW, OTHER = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture
def project(project):
    """The toy project with everything that a stage can read outside the repository."""
    (project / "hub/backbone").unlink()
    toys.backbone(project / "hub/backbone")
    toys.all_languages(project / "hub/xnli")
    for k, first in ((1, 0), (2, 0), (3, 10)):
        for split, start in (("train", first), ("validation", 500)):
            rows = {
                "premise": toys.sentences(3 * k, "en", start=start),
                "hypothesis": toys.sentences(3 * k, "en", start=start + 100),
                "label": [0, 1, 2] * k,
            }
            toys.write_parquet(pd.DataFrame(rows), project / f"given/k{k}/{split}-0-of-1.parquet")
        rows = [(row, code, "eins", "zwei") for row in range(3 * k) for code in toys.TARGETS]
        columns = ["row", "language", "premise", "hypothesis"]
        path = project / f"given/k{k}/train-translations.parquet"
        toys.write_parquet(pd.DataFrame(rows, columns=columns), path)
    texts = {"de": "ein Hund läuft {}", "sw": "mbwa anakimbia {}", "zh": "狗在跑步{}"}
    rows = [
        (f"validation-{row}", code, text.format(row), text.format(row + 50))
        for row in range(20)
        for code, text in texts.items()
    ]
    columns = ["pair_id", "language", "target_premise", "target_hypothesis"]
    (project / "hub/nllb").mkdir()
    for name in ("config.json", "spiece.model", "model-1-of-2.safetensors", "pytorch_model.bin"):
        (project / "hub/nllb" / name).write_text(name)
    (project / "made").mkdir()
    pd.DataFrame(rows, columns=columns).to_csv(project / "made/pairs.csv", index=False)
    return project


def params(**changes):
    values = toys.params(**{"ablations__shots": [1, 2]} | changes)
    toys.write_params(values, Path("params.yaml"))
    return load_params()


def found(**changes):
    """Return the bytes for each stage."""
    write_fingerprints(params(**changes))
    return {path.stem: path.read_bytes() for path in INPUTS.iterdir() if path != OUTSIDE}


SAMPLE = {"fewshot__translations": True}
UNLABELLED = {
    "ablations__runs": ["unlabelled"],
    "ablations__seeds": [1],
    "methods__unlabelled": {"method": "mpt", "pairs": "xnli_unlabelled"},
}
ALL_GIVEN = {"fewshot": GIVEN, **FILE}
GIVEN_UNLABELLED = ALL_GIVEN | UNLABELLED


@pytest.mark.parametrize(
    ("settings", "path", "stages"),
    [
        (SAMPLE, "hub/xnli/en/train-00000-of-00001.parquet", {"corpora"}),
        (SAMPLE, "hub/xnli/zh/test-00000-of-00001.parquet", {"corpora"}),
        (SAMPLE, "hub/xnli/all_languages/train-00001-of-00002.parquet", {"translations"}),
        ({}, "hub/xnli/all_languages/train-00001-of-00002.parquet", set()),
        (UNLABELLED, "hub/xnli/all_languages/train-00001-of-00002.parquet", {"unlabelled"}),
        (SAMPLE, "hub/xnli/de/validation-00000-of-00001.parquet", set()),
        (SAMPLE, "hub/paws-x/en/validation-00000-of-00001.parquet", {"corpora", "paws15"}),
        (SAMPLE, "hub/paws-x/zh/validation-00000-of-00001.parquet", {"paws15"}),
        ({"paws15__engine": "google"}, "hub/paws-x/zh/validation-00000-of-00001.parquet", set()),
        (SAMPLE, "hub/backbone/model.safetensors", {"backbone"}),
        (SAMPLE, "hub/backbone/tokenizer_config.json", {"backbone"}),
        (SAMPLE, "given/k1/train-0-of-1.parquet", set()),
        (ALL_GIVEN, "given/k2/validation-0-of-1.parquet", {"fewshot"}),
        (ALL_GIVEN, "given/k1/train-translations.parquet", {"translations"}),
        (ALL_GIVEN, "made/pairs.csv", {"paws15"}),
        (NLLB, "hub/nllb/config.json", {"paws15"}),
        (NLLB, "hub/nllb/spiece.model", {"paws15"}),
        (NLLB, "hub/nllb/model-1-of-2.safetensors", {"paws15"}),
        (NLLB, "hub/nllb/pytorch_model.bin", set()),  # there are safetensors
        (SAMPLE, "hub/nllb/config.json", set()),
        (ALL_GIVEN, "given/k3/train-0-of-1.parquet", set()),
        (GIVEN_UNLABELLED, "given/k3/train-0-of-1.parquet", {"unlabelled"}),
        (GIVEN_UNLABELLED, "given/k3/train-translations.parquet", {"unlabelled"}),
        (GIVEN_UNLABELLED, "given/k3/validation-0-of-1.parquet", set()),
        (GIVEN_UNLABELLED, "given/k2/validation-0-of-1.parquet", {"fewshot", "unlabelled"}),
        (GIVEN_UNLABELLED, "given/k2/train-translations.parquet", {"translations"}),
        (ALL_GIVEN, "hub/xnli/all_languages/train-00001-of-00002.parquet", set()),
    ],
)
def test_an_edit_of_a_file_changes_what_the_stages_that_read_it_depend_on(
    settings, path, stages, project
):
    before = found(**settings)
    assert set(before) == STAGES
    with (project / path).open("r+b") as file:
        file.write(b"x")  # as long as before
    after = found(**settings)
    assert {stage for stage in STAGES if before[stage] != after[stage]} == stages


def test_the_shots_in_use_and_new_splits_change_what_unlabelled_depends_on(project):
    settings = GIVEN_UNLABELLED | {"grid__shots": [1], "ablations__shots": [1]}
    seen = [found(**settings), found(**settings | {"grid__shots": [1, 2]})]
    shutil.copytree(project / "given/k3", project / "given/k5")
    seen.append(found(**settings))
    shutil.copytree(project / "given/k3", project / "given/other")
    seen.append(found(**settings))
    texts = [each["unlabelled"] for each in seen]
    assert len(set(texts[:3])) == 3
    assert texts[3] == texts[2]


@pytest.mark.parametrize(
    "path",
    [
        "hub/xnli/README.md", "hub/xnli/.DS_Store", "hub/xnli/en/.train-0.parquet.lock",
        "hub/xnli/fr/test-0.parquet", "hub/paws-x/en/train-0.parquet", "hub/backbone/tf_model.h5",
        "hub/backbone/pytorch_model.bin", "given/k4/train-0-of-1.parquet", "made/other.csv",
    ],
)  # fmt: skip
def test_files_that_no_stage_reads_change_nothing(path, project):
    before = found(**ALL_GIVEN)
    (project / path).parent.mkdir(exist_ok=True)
    (project / path).write_text("new")
    assert found(**ALL_GIVEN) == before


def test_a_new_a_renamed_and_a_lost_file_are_seen(project):
    folder, seen = project / "hub/xnli/de", [found()["corpora"]]
    shutil.copy(folder / "test-00000-of-00001.parquet", folder / "test-00001-of-00001.parquet")
    seen.append(found()["corpora"])
    (folder / "test-00000-of-00001.parquet").unlink()
    seen.append(found()["corpora"])
    (folder / "test-00001-of-00001.parquet").unlink()
    seen.append(found()["corpora"])
    assert len(set(seen)) == 4


def test_the_same_content_has_the_same_bytes_wherever_and_whenever(project, monkeypatch):
    before = found(**ALL_GIVEN)
    elsewhere = shutil.copytree(project, project.parent / "elsewhere" / "project", symlinks=True)
    (elsewhere / "hub").rename(elsewhere.parent / "hub")
    (elsewhere / "hub").symlink_to(elsewhere.parent / "hub")
    for path in elsewhere.rglob("*"):
        os.utime(path, ns=(10**18, 10**18), follow_symlinks=False)
    monkeypatch.chdir(elsewhere)
    assert found(**ALL_GIVEN) == before
    assert str(project).encode() not in b"".join(before.values())


@pytest.fixture
def opened(monkeypatch):
    """The files that stages open."""
    paths = set()

    def watched(function):
        def wrapper(files, *arguments, **options):
            paths.update(Path(file) for file in ([files] if isinstance(files, Path) else files))
            return function(files, *arguments, **options)

        return wrapper

    for module, name in (
        (sources, "opened"), (all_languages, "opened"), (file_engine, "_read"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, watched(getattr(module, name)))
    return paths


FOLDERS = {
    "datasets.xnli": "hub/xnli", "datasets.paws_x": "hub/paws-x",
    "fewshot.source": "given", "paws15.translation.file": "made",
}  # fmt: skip


@pytest.mark.parametrize(
    "settings", [SAMPLE | UNLABELLED, ALL_GIVEN, GIVEN_UNLABELLED], ids=["drawn", "given", "others"]
)
def test_they_are_exactly_the_files_that_the_stages_read(settings, project, opened):
    found = write_fingerprints(params(**settings))
    del found["backbone"]  # transformers reads it
    made = {
        stage: {Path(FOLDERS[key], name) for key, names in parts.items() for name in names}
        for stage, parts in found.items()
    }
    read = {}
    for stage in (corpora, fewshot, translations, paws15, unlabelled):
        opened.clear()
        for shots in (1, 2) if stage is translations else (None,):
            stage(**({"shots": shots} if shots else {}))
        read[stage.__name__] = set(opened)
    assert made == read


def test_the_places_of_hub_ids_are_their_commits(project, monkeypatch, tmp_path):
    """A whole commit needs no network; a branch is asked for, or is what it was last."""
    pinned = {"path": "owner/data", "revision": OLD}
    branch = {"path": "owner/data"}
    xnli = project / "hub/xnli"
    repositories = [Repository("datasets", "owner/data", OLD, xnli)]
    with serving(*repositories) as hub:
        hub.use(monkeypatch, tmp_path / "cache")
        assert commits(datasets__xnli=pinned) == [OLD, OLD]
        assert hub.requests == []
        assert commits(datasets__xnli=branch) == [OLD, OLD]
    with serving(*repositories, Repository("datasets", "owner/data", NEW, xnli)) as hub:
        hub.use(monkeypatch, tmp_path / "cache")
        assert commits(datasets__xnli=branch) == [NEW, NEW]
        assert commits(datasets__xnli=pinned) == [OLD, OLD]
        assert call(monkeypatch, "corpora") == 0  # of the commit OLD
        params(datasets__xnli=branch)
        assert call(monkeypatch, "corpora") == 0
        for broken in ({"url": closed_port()}, {"offline": True}):
            hub.use(monkeypatch, tmp_path / "cache", **broken)
            assert commits(datasets__xnli=branch) == [NEW, NEW]
            assert call(monkeypatch, "corpora") == 0
        hub.use(monkeypatch, tmp_path / "cache")
        for hub.status in (429, 503):
            files._commit.cache_clear()
            assert commits(datasets__xnli=branch) == [NEW, NEW]


def test_the_model_of_engine_nllb_is_its_commit(project):
    model = {"path": "owner/nllb", "revision": OLD}
    found(paws15__engine="nllb", paws15__translation={"model": model})
    assert json.loads((INPUTS / "paws15.json").read_text()) == {
        "paws15.translation.model": {"commit": OLD}
    }


def commits(**settings):
    """Return the commits of datasets.xnli for the stages that read it."""
    parts = write_fingerprints(params(**SAMPLE, **settings)).values()
    return [part["datasets.xnli"]["commit"] for part in parts if "datasets.xnli" in part]


@pytest.mark.parametrize(
    ("settings", "code", "line"),
    [
        (
            {"datasets__xnli": {"path": "./none"}}, 2,
            "params.yaml: datasets.xnli.path: expected a Hub id (owner/name) or a folder in the "
            "Hub's layout, found no folder ./none",
        ),
        (
            {"datasets__paws_x__path": "../a/hub/paws-x", "paws15__engine": "google"}, 2,
            "params.yaml: datasets.paws_x.path: expected a Hub id (owner/name) or a folder in the "
            "Hub's layout, found no folder ../a/hub/paws-x",
        ),
        (
            {"backbone": {"path": "/none", "revision": OLD}}, 2,
            "params.yaml: backbone.path: expected a Hub id (owner/name) or a folder with a model, "
            "found no folder /none",
        ),
        (
            {"fewshot": GIVEN | {"source": "none"}}, 2,
            "params.yaml: fewshot.source: expected sample, or a folder of given splits, "
            "found no folder none",
        ),
        (
            {"paws15__engine": "file"}, 2,
            "params.yaml: paws15.translation.file: expected a file of translations for engine "
            "file, found nothing",
        ),
        (
            {"paws15__engine": "file", "paws15__translation": {"file": "none.csv"}}, 2,
            "params.yaml: paws15.translation.file: expected a file of translations, found no "
            "none.csv",
        ),
        (
            {"backbone": {"path": "owner/none"}}, 1,  # tests/conftest.py switches the network off
            "backbone: expected owner/none on the Hugging Face Hub (there is no such folder), "
            "found the network switched off (HF_HUB_OFFLINE)",
        ),
    ],
    ids=["dataset", "pairs", "backbone", "splits", "no file", "file", "Hub"],
)  # fmt: skip
def test_what_is_missing_is_named_and_nothing_written(  # noqa: PLR0917
    settings, code, line, project, monkeypatch, capsys
):
    params(**settings)
    assert call(monkeypatch, "inputs") == code
    assert only_line(capsys.readouterr().err) == line
    assert not INPUTS.exists()


def test_the_command_prints_what_it_found_and_imports_little(project, monkeypatch):
    params(datasets__xnli={"path": "owner/data", "revision": OLD})
    code = """
import sys
from stages.inputs import inputs
inputs()
slow = ("torch", "pandas", "pyarrow", "datasets", "transformers", "huggingface_hub", "numpy")
print([name for name in slow if name in sys.modules])
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines() == [
        "data/inputs/backbone.json: base (4 of its files)",
        f"data/inputs/corpora.json: datasets.xnli {OLD}, datasets.paws_x (1 of its files)",
        "data/inputs/fewshot.json: nothing",
        "data/inputs/paws15.json: datasets.paws_x (4 of its files)",
        "data/inputs/translations.json: nothing",
        "data/inputs/unlabelled.json: nothing",
        "data/inputs/declared.json: nothing",
        "[]",
    ]


def test_each_stage_depends_on_its_own_part():
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    parts = {
        name: {dep for dep in stage["deps"] if dep.startswith(str(INPUTS))}
        for name, stage in stages.items()
    }
    expected = {name: {f"{INPUTS}/{name}.json"} for name in STAGES}
    expected["paws15_extended"] = expected["paws15"]
    expected["check"] = expected["tables"] = expected["backbone"]
    expected["declared"] = {f"{INPUTS}/declared.json"}
    assert {name: deps for name, deps in parts.items() if deps} == expected
    assert set(stages["inputs"]["outs"]) == set().union(*expected.values())
    assert stages["inputs"]["always_changed"]
