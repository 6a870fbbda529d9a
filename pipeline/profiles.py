"""Ready-made parameters: profiles/NAME.yaml, copied over params.yaml."""

import subprocess
from pathlib import Path

from pipeline.artifacts import read_json, run_folder
from pipeline.config import Grid, Params, load_params
from pipeline.errors import InputError

PROFILES = Path("profiles")


def load_profile(name: str) -> Params:
    """Read and validate a profile.

    Raises:
        InputError: there is no such profile, or it is wrong.
    """
    names = sorted(path.stem for path in PROFILES.glob("*.yaml"))
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
    status = subprocess.run(
        ["git", "status", "--porcelain", "--", str(path)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return status.returncode == 0 and status.stdout == ""


def cost(params: Params) -> list[str]:
    """Return lines that say what a full run would cost, as far as cells were timed here.

    A cell's time is the mean over cells of the same run and shots that were trained on this
    machine; other backbones and data take other times, so that is all it is.
    """
    lines = [f"languages: {len(params.languages.all)}, backbone: {params.backbone.path}"]
    for block in ("grid", "ablations"):
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
    path = run_folder(*cell) / "circumstances.json"
    return sum(read_json(path)["seconds"].values()) if path.is_file() else None
