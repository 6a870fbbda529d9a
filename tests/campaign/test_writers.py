"""Every stage is killed right before its changes to files, and run on a full disk."""

import re
import shutil
from pathlib import Path

import pytest

from pipeline.files import UNFINISHED
from stages.terminal import say
from tests.campaign.disks import fill
from tests.campaign.processes import run
from tests.dvc.stages import contents

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(7200)]


def kinds(stages):
    """Return the first stage of each kind."""
    return {stage.name.partition("@")[0]: stage for stage in reversed(stages)}.values()


def leftovers(folder):
    return [path for path in folder.rglob("*") if path.name.startswith(UNFINISHED)]


def half_written(folder: Path, source: Path, stage) -> list[str]:
    """Return the outs of a stage, apart from temporaries, that are not as they should be."""
    there = contents(folder, stage.outs).items() - contents(source, stage.outs).items()
    return [name for name, _ in there if UNFINISHED not in name]


def everything(folder: Path) -> dict[str, bytes]:
    """Return all files but times and machines, which differ whenever a cell is trained."""
    found = contents(folder, ["data", "results"])
    return {name: data for name, data in found.items() if "circumstances" not in name}


def test_a_kill_before_a_change_of_any_stage_leaves_nothing_wrong(project, capsys):
    source, stages = project
    kills = 0
    for stage in kinds(stages):
        folder = source.parent / "killed"
        changes = 0
        while True:
            shutil.copytree(source, folder, symlinks=True)
            for out in stage.outs:
                path = folder / out
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            code, said = run(folder, stage.command, kill_at=changes)
            assert code in {0, -9}, (stage.name, said)
            if code == 0:
                shutil.rmtree(folder)
                break
            assert not half_written(folder, source, stage), (stage.name, changes)
            code, said = run(folder, stage.command)
            assert code == 0, (stage.name, changes, said)
            assert everything(folder) == everything(source), (stage.name, changes)
            assert leftovers(folder) == [], (stage.name, changes)
            shutil.rmtree(folder)
            kills += 1
            changes += 1 + changes // 8  # of the many of `report`, not each
        assert changes, stage.name
    with capsys.disabled():
        say(f"\n{kills} kills, in {len(kinds(stages))} stages")


@pytest.mark.parametrize("left", [0, 4096, 40_000])
def test_a_full_disk_is_named_and_leaves_nothing_half_written(left, project, disk, capsys):
    source, stages = project
    failed = 0
    for stage in kinds(stages):
        folder = disk / "project"
        shutil.copytree(source, folder, symlinks=True)
        (disk / "hub").symlink_to(source.parent / "hub")
        for out in stage.outs:
            path = folder / out
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        fill(disk, left)
        code, said = run(folder, stage.command)
        if code:
            failed += 1
            assert code == 1, (stage.name, said)
            last = said.splitlines()[-1]
            assert re.fullmatch(r"mpt: \S+: .*No space left on device.*", last), (stage.name, said)
            assert "Traceback" not in said
            assert not half_written(folder, source, stage), stage.name
        (disk / "filler").unlink()
        code, said = run(folder, stage.command)
        assert code == 0, (stage.name, said)
        assert everything(folder) == everything(source), stage.name
        assert leftovers(folder) == [], stage.name
        for path in (folder, disk / "hub"):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    with capsys.disabled():
        say(f"\n{failed} of {len(kinds(stages))} stages had no room in {left} bytes")
    assert failed
