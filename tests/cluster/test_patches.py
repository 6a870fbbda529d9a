import pytest
from dvc.dependency import param
from dvc.fs import LocalFileSystem

from pipeline.cluster.patches import patch


@pytest.fixture
def read(tmp_path):
    """Reads a file of parameters as a stage does."""
    patch()
    return lambda: param.read_param_file(LocalFileSystem(), str(tmp_path / "params.yaml"), ["a"])


def test_parameters_are_read_once_and_again_when_they_have_changed(read, tmp_path, monkeypatch):
    file = tmp_path / "params.yaml"
    file.write_text("a: 1\n")
    assert read() == {"a": 1}
    with monkeypatch.context() as patches:
        patches.setattr("dvc.utils.serialize._yaml.parse_yaml", None)
        assert read() == {"a": 1}
    file.write_text("a: 2\n")
    assert read() == {"a": 2}


def test_a_file_that_is_gone_is_missing(read, tmp_path):
    (tmp_path / "params.yaml").write_text("a: 1\n")
    read()
    (tmp_path / "params.yaml").unlink()
    with pytest.raises(FileNotFoundError):
        read()
