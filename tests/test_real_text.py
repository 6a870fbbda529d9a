"""The numbers of docs/real_text.md are those of the CSV files beside it."""

import pytest

from bench.real_text import FOLDER, GROUPS, tables
from pipeline.profiles import load_profile
from tests.imports import ROOT

PAGE = (ROOT / "docs" / "real_text.md").read_text(encoding="utf-8")
TABLES = dict(tables(ROOT / FOLDER))


@pytest.mark.parametrize("title", TABLES)
def test_the_page_has_each_table_as_the_numbers_give_it(title):
    assert TABLES[title] in PAGE


def test_the_groups_are_the_languages_of_the_profile():
    codes = [code for group in GROUPS.values() for code in group]
    assert sorted(codes) == sorted(load_profile("real_text").languages.all)
