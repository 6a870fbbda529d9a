from pathlib import Path

import pytest

from pipeline.pocket.build import POCKET, Sources, read_sources


@pytest.fixture(scope="session")
def pocket() -> Path:
    return Path(__file__).parents[2] / POCKET


@pytest.fixture(scope="session")
def sources(pocket: Path) -> Sources:
    return read_sources(pocket)
