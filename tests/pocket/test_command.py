import shutil

import pytest

from pipeline.errors import InputError
from stages.pocket import pocket as command


def test_data_only_rebuilds_the_datasets(pocket, tmp_path, capsys):
    for name in ("lexicon.csv", "grammar.yaml"):
        shutil.copy(pocket / name, tmp_path)
    command(data_only=True, folder=tmp_path)
    assert sorted(path.name for path in (tmp_path / "hub").iterdir()) == ["paws-x", "xnli"]
    assert not (tmp_path / "backbone").exists()
    assert capsys.readouterr().out == ""


def test_missing_sources_are_one_line(tmp_path):
    with pytest.raises(InputError, match=r"lexicon\.csv: expected the lexicon"):
        command(data_only=True, folder=tmp_path)
    assert not (tmp_path / "hub").exists()
