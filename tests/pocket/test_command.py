import filecmp

import pytest

from pipeline.errors import InputError
from stages.pocket import pocket as command


def files(folder):
    paths = [path for made in ("hub", "dictionary") for path in (folder / made).rglob("*")]
    return sorted(str(path.relative_to(folder)) for path in paths if path.is_file())


def test_data_only_rebuilds_the_shipped_datasets(pocket, folder, capsys):
    command(data_only=True, folder=folder)
    assert files(folder) == files(pocket)
    same, *_ = filecmp.cmpfiles(pocket, folder, files(pocket), shallow=False)
    assert same == files(pocket)
    assert not (folder / "backbone").exists()
    assert capsys.readouterr().out == ""


def test_dictionaries_hold_the_pairs_of_single_words(pocket):
    spanish, arabic, urdu = (
        (pocket / f"dictionary/en-{code}.txt").read_text(encoding="utf-8").splitlines()
        for code in ("es", "ar", "ur")
    )
    assert {"buys compra", "sells vende"} <= set(spanish)
    assert not any(line.startswith(("the", "retails")) for line in spanish)  # "pone en venta"
    # A verb has two forms in Arabic; in Urdu each of them is two words.
    assert {"buys يشتري", "buys تشتري"} <= set(arabic)
    assert len(urdu) == 1


def test_missing_sources_are_an_error(tmp_path):
    with pytest.raises(InputError, match=r"lexicon\.csv: expected the lexicon"):
        command(data_only=True, folder=tmp_path)
    assert not (tmp_path / "hub").exists()
