"""Fixtures that several folders of tests share."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest

from tests import toys


@pytest.fixture(scope="session")
def toy_backbone(tmp_path_factory):
    """A folder with a tiny random masked language model and its tokenizer."""
    return toys.backbone(tmp_path_factory.mktemp("backbone"))


@pytest.fixture
def project(tmp_path, monkeypatch, toy_backbone):
    """A working folder with toy datasets, backbone and params.yaml."""
    toys.hub(tmp_path / "hub")
    (tmp_path / "hub" / "backbone").symlink_to(toy_backbone)
    toys.write_params(toys.params(), tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path
