"""What a chart is drawn from: its data, and its encodings by the name of the mark."""

from operator import itemgetter
from typing import Any

from pipeline.report.figures.figure import Panel


def rows_of(panel: Panel) -> list[dict]:
    """Return the rows of data that a panel's marks are drawn from, each once."""
    found = {str(sorted(row.items())): row for rows in panel.spec()["datasets"].values()
             for row in rows if len(row) > 1}  # fmt: skip
    return list(found.values())


def marks(panel: Panel) -> dict[str, dict]:
    """Return the encodings of a panel's layers by the name of the mark."""
    return {one["mark"]["type"]: one["encoding"] for one in panel.spec()["layer"]}


def layers(panel: Panel, mark: str) -> list[dict[str, Any]]:
    """Return the encodings of a panel's layers that have this mark."""
    return [one["encoding"] for one in panel.spec()["layer"] if one["mark"]["type"] == mark]


def fields(encoding: dict[str, Any]) -> dict[str, str]:
    """Return the column of each channel that shows one."""
    return {channel: of["field"] for channel, of in encoding.items() if "field" in of}


def by(panel: Panel, *columns: str) -> dict[Any, dict[str, Any]]:
    """Return the rows of a panel's data by the values of some columns, in the order drawn."""
    key = itemgetter(*columns)
    return {key(row): row for row in rows_of(panel)}
