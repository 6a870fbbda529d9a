"""`mpt profile` replaces params.yaml with a ready-made one, unless that loses edits."""

import re
import shutil
import subprocess
from operator import attrgetter

import pytest
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import load_yaml

from pipeline.artifacts import write_json
from pipeline.cells.files import circumstances_path
from pipeline.forecast import foresee
from pipeline.params.runs import METHODS
from pipeline.params.strict import parse
from pipeline.params.text import BackboneSource
from pipeline.params.whole import Params, load_params
from pipeline.profiles import cost
from tests import families, real_data, toys
from tests.commands import call, only_line
from tests.imports import ROOT

NAMES = sorted(path.stem for path in (ROOT / "profiles").glob("*.yaml"))


def git(*arguments):
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "profiles", "profiles")
    shutil.copy("profiles/pocket.yaml", "params.yaml")
    return tmp_path


@pytest.fixture
def repository(folder):
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "start")
    return folder


def edit(folder):
    path = folder / "params.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    return path.read_bytes()


def holds(folder, name):
    profile = folder / "profiles" / f"{name}.yaml"
    return (folder / "params.yaml").read_bytes() == profile.read_bytes()


def test_a_profile_replaces_params_and_shows_the_size_of_its_run(repository, monkeypatch, capsys):
    assert call(monkeypatch, "profile", "paper") == 0
    assert holds(repository, "paper")
    assert capsys.readouterr().out.splitlines() == [
        "params.yaml is now profiles/paper.yaml",
        "languages: 15, backbone: FacebookAI/xlm-roberta-base",
        "grid: 225 cells (untrained, ft, sp, pct, mpt; shots: 1, 2, 4, 8, 16, 32, 64, 128, 256; "
        "5 seeds)",
        "ablations: 50 cells (no_consistency, no_external_data, no_external_data_matched, "
        "unlabelled_xnli, no_translator; shots: 4, 64; 5 seeds)",
        "sweeps: 130 cells (linear_1, lstm_1, lstm_2, transformer_1, transformer_2, "
        "prefix, midfix, endfix, length_1, length_2, length_8, length_16, alpha_00, alpha_01, "
        "alpha_02, alpha_03, alpha_04, alpha_06, alpha_07, alpha_08, alpha_09, pairs_125, "
        "pairs_250, pairs_1000, pairs_2000, pairs_8000; shots: 64; 5 seeds)",
        "matched: 135 cells (ft_matched, sp_matched, pct_matched; shots: 1, 2, 4, 8, 16, 32, 64, "
        "128, 256; 5 seeds)",
    ]
    # An unchanged profile is in profiles/: nothing is lost, committed or not.
    assert call(monkeypatch, "profile", "pocket") == 0
    assert holds(repository, "pocket")


def test_field_has_every_method_and_each_with_the_updates_of_the_reference(folder):
    params = load_params(folder / "profiles/field.yaml")
    runs = set(params.grid.runs)
    assert runs <= {path.stem for path in METHODS.glob("[a-z]*.py")}
    assert set(params.matched.runs) == runs - {"untrained", params.comparison.reference}
    assert params.matched.shots == params.grid.shots
    assert len(params.cells) == 450 + 20 + 360


def test_translations_are_a_variant_of_softmv_if_it_is_the_reference(folder):
    values = load_yaml(folder / "profiles/paper.yaml")
    values["comparison"] |= {"reference": "softmv", "table2": {}}
    values |= {name: {"runs": [], "shots": [], "seeds": []} for name in ("sweeps", "matched")}
    values["ablations"]["runs"] = ["softmv_translated"]
    run = parse(Params, values, place="params.yaml").run("softmv_translated")
    assert (run.method, run.parallel.pairs) == ("softmv", "xnli")


def test_pocket_full_has_the_methods_of_the_field_and_ten_seeds(folder):
    params, field = (
        load_params(folder / f"profiles/{name}.yaml") for name in ("pocket_full", "field")
    )
    assert set(params.grid.runs) == set(field.grid.runs)
    assert {len(block.seeds) for block in params.blocks.values() if block.runs} == {10}
    # All trained runs of the grid pass equally often over the same pairs.
    lengths = {params.run(run).training.known_epochs for run in params.grid.runs} - {0}
    assert lengths == {params.training.epochs}
    assert len(params.cells) == 300 + 40 + 200


def test_real_text_is_a_grid_whose_trained_runs_all_make_equally_many_updates(folder):
    params = load_params(folder / "profiles/real_text.yaml")
    assert cost(params) == [
        "languages: 15, backbone: ../shared/backbones/me5-mlm",
        "grid: 90 cells (untrained, ft, sp, dp, mp, pct, up, softmv, dpa, mpt; "
        "shots: 16, 64, 256; 3 seeds)",
        "ablations: 30 cells (no_consistency, no_external_data, unlabelled_xnli, no_translator, "
        "contrastive; shots: 16, 64; 3 seeds)",
    ]
    named = {run for run, _, _ in params.cells} - {"untrained"}
    lengths = {(params.run(run).training.updates, params.run(run).training.epoch) for run in named}
    assert len(lengths) == 1
    assert not params.run("untrained").training.epochs


FORMS = {"mmbert": "modernbert", "large": "xlm-roberta"}


@pytest.mark.parametrize("name", FORMS)
def test_a_profile_of_another_backbone_is_pinned_and_says_that_it_was_never_run(name, folder):
    params = load_params(folder / f"profiles/{name}.yaml")
    assert re.fullmatch("[0-9a-f]{40}", params.backbone.revision)
    assert "# NEVER RUN WITH THESE WEIGHTS" in (folder / f"profiles/{name}.yaml").read_text()
    assert len(params.cells) == 225
    saves = params.training.trainable, params.training.checkpointing
    assert saves == (("all_but_words", True) if name == "large" else ("all", False))


@pytest.mark.parametrize("name", FORMS)
def test_it_fits_a_small_model_of_the_same_form(name, folder, tmp_path):
    params = load_params(folder / f"profiles/{name}.yaml")
    if name == "large":
        source = toys.backbone(tmp_path / "given", positions=514)
    else:
        source = families.write(FORMS[name], tmp_path / "given", max_position_embeddings=8192)
    small = params.model_copy(update={"backbone": BackboneSource(path=str(source))})
    cells = [(run, 16, 1) for run in params.grid.runs]
    assert all(memory.parameters > 1000 for _, memory in foresee(small, cells))


@real_data.needs(real_data.ME5)
def test_real_text_fits_its_backbone(folder, monkeypatch, capsys):
    (folder / "here").mkdir()
    (folder / "shared").symlink_to(real_data.HUB.parent)
    shutil.copy("profiles/real_text.yaml", "here/params.yaml")
    monkeypatch.chdir("here")
    assert call(monkeypatch, "check") == 0
    assert capsys.readouterr().out == "params.yaml: 15 runs fit ../shared/backbones/me5-mlm\n"


@pytest.mark.parametrize("command", ["inputs", "check"])
def test_real_text_without_its_folders_says_what_it_needs(command, folder, monkeypatch, capsys):
    (folder / "here").mkdir()
    shutil.copy("profiles/real_text.yaml", "here/params.yaml")
    monkeypatch.chdir("here")
    assert call(monkeypatch, command) == 2
    assert only_line(capsys.readouterr().err) == (
        "params.yaml: datasets.xnli.path: expected a Hub id (owner/name) or a folder in the Hub's "
        "layout, found no folder ../shared/hub/facebook/xnli"
    )


def test_uncommitted_edits_are_not_overwritten(repository, monkeypatch, capsys):
    mine = edit(repository)
    assert call(monkeypatch, "profile", "paper") == 2
    assert only_line(capsys.readouterr().err) == (
        "params.yaml: expected no uncommitted edits, found some "
        "(commit them, or discard them with --force)"
    )
    assert (repository / "params.yaml").read_bytes() == mine
    git("add", "params.yaml")
    assert call(monkeypatch, "profile", "paper") == 2
    assert (repository / "params.yaml").read_bytes() == mine


def test_force_overwrites_edits(repository, monkeypatch):
    edit(repository)
    assert call(monkeypatch, "profile", "paper", "--force") == 0
    assert holds(repository, "paper")


def test_committed_edits_may_be_overwritten(repository, monkeypatch):
    edit(repository)
    git("commit", "-q", "-a", "-m", "mine")
    assert call(monkeypatch, "profile", "paper") == 0
    assert holds(repository, "paper")


def test_edits_in_a_file_that_git_ignores_are_not_overwritten(repository, monkeypatch):
    git("rm", "-q", "--cached", "params.yaml")
    (repository / ".gitignore").write_text("params.yaml\n")
    git("add", ".gitignore")
    git("commit", "-q", "-m", "ignore")
    mine = edit(repository)
    assert call(monkeypatch, "profile", "paper") == 2
    assert (repository / "params.yaml").read_bytes() == mine


def test_edits_outside_a_repository_are_not_overwritten(folder, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
    mine = edit(folder)
    assert call(monkeypatch, "profile", "paper") == 2
    assert (folder / "params.yaml").read_bytes() == mine
    monkeypatch.setenv("PATH", "")
    assert call(monkeypatch, "profile", "paper") == 2
    assert (folder / "params.yaml").read_bytes() == mine


def test_missing_params_are_created(folder, monkeypatch):
    (folder / "params.yaml").unlink()
    assert call(monkeypatch, "profile", "pocket") == 0
    assert holds(folder, "pocket")


def test_unreadable_params_can_be_replaced(repository, monkeypatch):
    (repository / "params.yaml").write_text("a: [\n")
    assert call(monkeypatch, "profile", "pocket", "--force") == 0
    assert holds(repository, "pocket")


@pytest.mark.parametrize("name", ["nope", "../params", "pocket.yaml", ""])
def test_an_unknown_profile_is_one_line(name, repository, monkeypatch, capsys):
    assert call(monkeypatch, "profile", name) == 2
    assert only_line(capsys.readouterr().err) == (
        f"profiles: expected one of {', '.join(NAMES)}, found {name!r}"
    )
    assert holds(repository, "pocket")


def test_a_wrong_profile_is_not_copied(repository, monkeypatch, capsys):
    (repository / "profiles" / "mine.yaml").write_text("grid: 5\n")
    assert call(monkeypatch, "profile", "mine") == 2
    assert only_line(capsys.readouterr().err).startswith("profiles/mine.yaml: languages: expected")
    assert holds(repository, "pocket")


def test_the_cost_includes_the_time_of_trained_cells(folder):
    params = load_params(folder / "params.yaml")
    runs, shots, seeds = params.grid.runs, params.grid.shots, params.grid.seeds
    for seed, seconds in zip(seeds, (60, 120), strict=False):
        facts = {"seconds": {"load": 3.0, "train": seconds - 5.0, "predict": 2.0}}
        write_json(facts, folder / circumstances_path(runs[0], shots[0], seed))
    assert f"  trained so far: 2 of {len(params.grid.cells)}, in 3.0 minutes" in cost(params)


@pytest.mark.parametrize("file", ["params.yaml", *(f"profiles/{name}.yaml" for name in NAMES)])
def test_an_experiment_may_set_every_path_and_url(file, folder):
    """In braces, `dvc exp run -S` writes a URL without quotes, which DVC itself cannot read."""
    url = "http://localhost:5000/a"
    places = ["datasets.xnli.path", "datasets.paws_x.path", "backbone.path", "fewshot.source"]
    places += ["paws15.translation.url", "paws15.translation.file"]
    before = load_params(folder / file)
    apply_overrides(folder / file, [f"++{place}={url}" for place in places])
    after = load_params(folder / file)
    assert load_yaml(folder / file)["backbone"]["path"] == url
    for place in places:
        assert attrgetter(place)(after) == url
    blocks = set(type(after).model_fields) - {place.partition(".")[0] for place in places}
    for block in blocks:
        assert getattr(after, block) == getattr(before, block)


def test_without_a_name_the_profiles_are_listed(repository, monkeypatch, capsys):
    assert call(monkeypatch, "profile") == 0
    assert capsys.readouterr().out.split() == [
        "field", "large", "mmbert", "paper", "pocket", "pocket_full", "real_text",
    ]  # fmt: skip
    assert holds(repository, "pocket")
