"""Ready-made parameters: profiles/NAME.yaml, copied over params.yaml."""

import subprocess
from pathlib import Path

from pipeline.artifacts import read_json
from pipeline.cells.files import circumstances_path
from pipeline.errors import InputError
from pipeline.params.grid import Grid
from pipeline.params.whole import CELLS, Params, load_params

PROFILES = Path("profiles")


def load_profile(name: str) -> Params:
    """Read and validate a profile.

    Raises:
        InputError: there is no such profile, or it is wrong.
    """
    names = sorted(path.stem for path in PROFILES.glob("*.yaml"))
    if not names:
        raise InputError(f"{PROFILES}: expected a folder of profiles here, found none")
    if name not in names:
        raise InputError(f"{PROFILES}: expected one of {', '.join(names)}, found {name!r}")
    return load_params(PROFILES / f"{name}.yaml")


def is_held(path: Path) -> bool:
    """Return whether overwriting a file loses nothing: git holds it, or it equals a profile."""
    if not path.is_file():
        return True
    text = path.read_bytes()
    if any(profile.read_bytes() == text for profile in PROFILES.glob("*.yaml")):
        return True
    try:
        status = subprocess.run(
            ["git", "status", "--porcelain", "--ignored", "--", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:  # no git here
        return False
    return status.returncode == 0 and status.stdout == ""


def cost(params: Params) -> list[str]:
    """Return lines that say how many cells a full run trains, and what is known of their time.

    Of cells that were trained already the time is given that they took; other backbones and
    data take other times, so nothing is made of it.
    """
    lines = [f"languages: {len(params.languages.all)}, backbone: {params.backbone.path}"]
    for block in CELLS:
        grid: Grid = getattr(params, block)
        if not grid.cells:
            continue
        lines.append(
            f"{block}: {len(grid.cells)} cells of {params.training.epochs} epochs "
            f"({', '.join(grid.runs)}; {', '.join(map(str, grid.shots))} shots; "
            f"{len(grid.seeds)} seeds)"
        )
        timed = {cell: _seconds(cell) for cell in grid.cells}
        known = [seconds for seconds in timed.values() if seconds is not None]
        if known:
            lines.append(
                f"  {len(known)} of them lie in data/runs/ and took {sum(known) / 60:.1f} minutes"
            )
    return lines


def _seconds(cell: tuple[str, int, int]) -> float | None:
    path = circumstances_path(*cell)
    return sum(read_json(path)["seconds"].values()) if path.is_file() else None
