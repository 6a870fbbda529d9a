"""Changes that the driver makes to DVC."""

import pytest
from dvc.dependency import param
from dvc.fs import LocalFileSystem

from pipeline.cluster.patches import patch


@pytest.fixture
def read(tmp_path):
    """Reads a file of parameters as a stage does."""
    patch()
    fs, path = LocalFileSystem(), str(tmp_path / "params.yaml")
    return lambda *names: param.read_param_file(fs, path, list(names or "a"))


def test_parameters_are_parsed_once_per_change(read, tmp_path, monkeypatch):
    file = tmp_path / "params.yaml"
    file.write_text("a: 1\n")
    assert read() == {"a": 1}
    with monkeypatch.context() as patches:
        patches.setattr("dvc.utils.serialize._yaml.parse_yaml", None)
        assert read() == {"a": 1}
    file.write_text("a: 2\n")
    assert read() == {"a": 2}
    file.unlink()
    with pytest.raises(FileNotFoundError):
        read()


def test_each_stage_gets_its_own_copy_of_what_it_asks_for(read, tmp_path):
    (tmp_path / "params.yaml").write_text("a: {b: [1], c: 2}\nd: 3\n")
    first = read("a.b", "d")
    first["a"]["b"].append(2)
    assert read("a.b", "d") == {"a": {"b": [1]}, "d": 3}
    assert read("a") == {"a": {"b": [1], "c": 2}}
