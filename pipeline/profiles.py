"""Ready-made parameters: profiles/NAME.yaml, copied over params.yaml."""

import subprocess
from pathlib import Path

from pipeline.cells.files import circumstances_path, read_circumstances
from pipeline.errors import InputError
from pipeline.evaluation.words import counted, joined
from pipeline.params.whole import Params, load_params

PROFILES = Path("profiles")


def load_profile(name: str) -> Params:
    """Read and validate a profile.

    Raises:
        InputError: the profile does not exist or is wrong.
    """
    if name not in (names := profile_names()):
        raise InputError(f"{PROFILES}: expected one of {', '.join(names)}, found {name!r}")
    return load_params(PROFILES / f"{name}.yaml")


def profile_names() -> list[str]:
    """Return the names of the profiles; raise an InputError if there are none."""
    names = sorted(path.stem for path in PROFILES.glob("*.yaml"))
    if not names:
        raise InputError(f"{PROFILES}: expected a folder of profiles here, found none")
    return names


def is_recoverable(path: Path) -> bool:
    """Return whether a file can be recovered: it is missing, committed, or equal to a profile."""
    if not path.is_file():
        return True
    text = path.read_bytes()
    if any(profile.read_bytes() == text for profile in PROFILES.glob("*.yaml")):
        return True
    try:
        command = ["git", "status", "--porcelain", "--ignored", "--", str(path)]
        status = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # git is not installed
        return False
    return status.returncode == 0 and status.stdout == ""


def cost(params: Params) -> list[str]:
    """Return lines with the number of cells in a full run, and the time of those in data/runs/."""
    paths = joined(source.path for source in params.sources.values())
    lines = [f"languages: {len(params.languages.all)}, backbone: {paths}"]
    for block, grid in params.blocks.items():
        cells = grid.cells
        if not cells:
            continue
        lines.append(
            f"{block}: {counted(len(cells), 'cell')} ({joined(grid.runs)}; shots: "
            f"{joined(grid.shots)}; {counted(len(grid.seeds), 'seed')})"
        )
        read = (read_circumstances(circumstances_path(*cell)) for cell in cells)
        seconds = [sum(facts["seconds"].values()) for facts in read if facts]
        if seconds:
            trained, minutes = len(seconds), sum(seconds) / 60
            lines.append(f"  trained so far: {trained} of {len(cells)}, in {minutes:.1f} minutes")
    return lines
