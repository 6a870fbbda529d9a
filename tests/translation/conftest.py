"""Fixtures of the tests of `mpt paws15`."""

import pytest

from tests.commands import call


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def paws15(folder, monkeypatch):
    """Run `mpt paws15` there and return its exit code."""
    return lambda *options: call(monkeypatch, "paws15", *options)
