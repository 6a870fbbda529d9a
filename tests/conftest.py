"""Fixtures that several folders of tests share."""

import os
import shutil
import tempfile
from itertools import count
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
import torch

from tests import toys

# Nothing is read or written where the user's own hashes and translations are.
USER = tempfile.TemporaryDirectory(prefix="mpt-user-", ignore_cleanup_errors=True)
JOURNALS = (f"{USER.name}/{number}/journal.sqlite" for number in count())
os.environ |= {"XDG_CACHE_HOME": USER.name, "MPT_JOURNAL": next(JOURNALS)}

# The toys are too small for more: waking threads takes longer than they save.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_journal(monkeypatch):
    """Each test has its own journal of translations."""
    monkeypatch.setenv("MPT_JOURNAL", next(JOURNALS))


@pytest.fixture(scope="session")
def toy_backbone(tmp_path_factory):
    """A folder with a tiny random masked language model and its tokenizer; not to be changed."""
    return toys.backbone(tmp_path_factory.mktemp("backbone"))


@pytest.fixture(scope="session")
def toy_project(tmp_path_factory, toy_backbone):
    """A folder with toy datasets, backbone and params.yaml; not to be changed."""
    folder = tmp_path_factory.mktemp("project")
    toys.hub(folder / "hub")
    (folder / "hub" / "backbone").symlink_to(toy_backbone)
    toys.write_params(toys.params(), folder / "params.yaml")
    return folder


@pytest.fixture(scope="session")
def toy_inputs(tmp_path_factory, toy_project):
    """The toy project after every stage before training, with one split; not to be changed."""
    from stages.backbone import backbone
    from stages.corpora import corpora
    from stages.fewshot import fewshot
    from stages.paws15 import paws15
    from stages.tokens import tokens

    folder, before = tmp_path_factory.mktemp("inputs") / "project", Path.cwd()
    copied(toy_project, folder)
    os.chdir(folder)
    try:
        corpora()
        backbone()
        tokens()
        fewshot(shots=1)
        paws15()
    finally:
        os.chdir(before)
    return folder


def copied(source, folder):
    """Copy a project to a folder, which may exist."""
    return shutil.copytree(source, folder, symlinks=True, dirs_exist_ok=True)


@pytest.fixture
def project(tmp_path, monkeypatch, toy_project):
    """A working folder with toy datasets, backbone and params.yaml."""
    monkeypatch.chdir(copied(toy_project, tmp_path))
    return tmp_path


@pytest.fixture
def prepared(tmp_path, monkeypatch, toy_inputs):
    """A working folder in which every stage before training has run."""
    monkeypatch.chdir(copied(toy_inputs, tmp_path))
    return tmp_path
