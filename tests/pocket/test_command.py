import filecmp
import shutil

import pytest

from pipeline.errors import InputError
from stages.pocket import pocket as command


def files(folder):
    return sorted(
        str(path.relative_to(folder)) for path in (folder / "hub").rglob("*") if path.is_file()
    )


def test_data_only_rebuilds_the_shipped_datasets(pocket, tmp_path, capsys):
    for name in ("lexicon.csv", "grammar.yaml"):
        shutil.copy(pocket / name, tmp_path)
    command(data_only=True, folder=tmp_path)
    assert files(tmp_path) == files(pocket)
    same, *_ = filecmp.cmpfiles(pocket, tmp_path, files(pocket), shallow=False)
    assert same == files(pocket)
    assert not (tmp_path / "backbone").exists()
    assert capsys.readouterr().out == ""


def test_missing_sources_are_an_error(tmp_path):
    with pytest.raises(InputError, match=r"lexicon\.csv: expected the lexicon"):
        command(data_only=True, folder=tmp_path)
    assert not (tmp_path / "hub").exists()
