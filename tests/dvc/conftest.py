"""Fixtures of the tests of dvc.yaml."""

import shutil

import pytest
from dvc.repo import Repo

from tests import toys
from tests.commands import call
from tests.dvc.stages import copy, here, read_stages
from tests.imports import ROOT


@pytest.fixture(scope="session")
def project(tmp_path_factory, toy_backbone):
    """A project, beside its sources, in which every stage has run; and the stages."""
    folder = tmp_path_factory.mktemp("declared") / "project"
    toys.hub(folder.parent / "hub")
    shutil.copytree(toy_backbone, folder.parent / "hub/backbone")
    copy(["dvc.yaml", "data/paper", "profiles"], ROOT, folder)
    toys.write_params(here(), folder / "params.yaml")
    Repo.init(str(folder), no_scm=True).close()
    stages = list(read_stages(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in stages:
            assert call(patch, *stage.command) == 0, stage.name
    return folder, stages
