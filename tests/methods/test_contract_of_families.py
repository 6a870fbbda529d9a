"""The contract of every method once more, on a backbone of another class."""

import pytest

from pipeline.hub.backbone import fetch_backbone
from pipeline.params.text import BackboneSource
from tests import families
from tests.methods.test_contract import *  # noqa: F403

KIND = "modernbert"


@pytest.fixture(scope="module")
def toy_backbone(tmp_path_factory):
    """In place of XLM-R's form."""
    place = tmp_path_factory.mktemp(KIND)
    source = families.write(KIND, place / "given", seed=3)
    fetch_backbone(BackboneSource(path=str(source)), place / "backbone")
    return place / "backbone"


# Not all classes have a classifier to export: tests/backbone/test_families.py.
test_an_exported_model_predicts_as_the_method = None
