"""Methods that a user adds, in files beside those of the project."""

from pathlib import Path

import pytest

from pipeline import methods
from pipeline.params import runs

FOLDER = Path(__file__).parent / "added"


@pytest.fixture(scope="session")
def methods_folder(tmp_path_factory):
    """A folder with the files of pipeline/methods/ and of added/."""
    folder = tmp_path_factory.mktemp("methods")
    for path in (*runs.METHODS.glob("[a-z]*.py"), *FOLDER.glob("*.py")):
        (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture
def added(methods_folder, monkeypatch):
    """Runs may name the methods of added/."""
    monkeypatch.setattr(runs, "METHODS", methods_folder)
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(FOLDER)])
