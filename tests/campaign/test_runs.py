"""`dvc repro` and `mpt repro` are killed again and again, and run where a disk is full."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from pipeline.files import UNFINISHED
from stages.terminal import say
from tests.campaign.disks import fill
from tests.dvc.repositories import ended_run, environment, made_repository, run
from tests.dvc.stages import contents

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(7200)]

KILLS = int(os.environ.get("KILLS", "30"))
WAYS = {
    "dvc": (["dvc", "repro"], r"Running stage '(\S+)'", None),
    "mpt": (["mpt", "repro", "--jobs", "2"], r"^(\S+): running", r"^(\S+): done"),
}
"""By way: the command, and what it prints when a stage begins and, if it does so, when it ends."""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, toy_backbone):
    """A repository in which nothing has run."""
    folder = made_repository(tmp_path_factory.mktemp("fresh") / "repository", toy_backbone)
    run("git", "add", ".", cwd=folder)
    run("git", "commit", "-q", "-m", "start", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def undisturbed(fresh):
    """A copy of it in which `dvc repro` has run."""
    folder = shutil.copytree(fresh, fresh.parent / "undisturbed", symlinks=True)
    run("dvc", "repro", "-q", cwd=folder)
    return folder


def results(folder: Path) -> dict[str, bytes]:
    """Return all files but logs, and those with times and machines."""
    found = contents(folder, ["data", "results"])
    return {
        name: text
        for name, text in found.items()
        if not name.startswith(("data/logs", "data/circumstances", "results/report.html"))
    }


def killed(folder: Path, command: list[str], after: float) -> tuple[int, str]:
    """Run a command, kill it and its children after so many seconds; return code and output."""
    with (folder.parent / "said").open("w+", encoding="utf-8") as said:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(folder, PYTHONUNBUFFERED="1"), stdout=said,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(timeout=after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        said.seek(0)
        return process.returncode, said.read()


def healed(folder: Path) -> bool:
    """Do what `mpt plan` says if DVC's own files are damaged; return whether they were."""
    plan = ended_run("mpt", "plan", cwd=folder)
    if not plan.returncode:
        return False
    assert "as a killed DVC command leaves it" in plan.stderr, plan.stderr
    (remedy,) = re.findall(r"rm (\.dvc/tmp/rwlock|dvc\.lock)", plan.stderr)
    (folder / remedy).unlink()
    return True


@pytest.mark.parametrize("way", WAYS)
def test_killed_runs_lose_no_finished_stage_and_change_no_result(way, fresh, undisturbed, capsys):
    command, begins, ends = WAYS[way]
    chance = random.Random(7)
    kills = rounds = remedies = 0
    while kills < KILLS:
        folder = shutil.copytree(fresh, fresh.parent / way, symlinks=True)
        finished: Counter[str] = Counter()
        code = -9
        while code:
            after = chance.uniform(0.5, 20) if kills < KILLS else 600
            code, said = killed(folder, command, after)
            begun = re.findall(begins, said, re.MULTILINE)
            repeated = {name for name in begun if finished[name]} - {"inputs", "check"}
            assert not repeated, said
            # DVC says nothing at the end of a stage, but runs one after another.
            done = (
                re.findall(ends, said, re.MULTILINE) if ends else begun[: None if not code else -1]
            )
            finished.update(done)
            kills += code == -9
            if code and code != -9:
                assert healed(folder), said
                remedies += 1
        assert results(folder) == results(undisturbed)
        assert not [path for path in folder.rglob("*") if path.name.startswith(UNFINISHED)]
        status = ended_run("dvc", "status", "-q", cwd=folder)
        assert ended_run(*command, cwd=folder).returncode == 0, status.stdout
        shutil.rmtree(folder)
        rounds += 1
    with capsys.disabled():
        say(f"\n{way} repro: {kills} kills in {rounds} whole runs, {remedies} remedies needed")


@pytest.mark.parametrize("place", [".dvc/cache", "data", "results", "TMPDIR"])
@pytest.mark.parametrize("way", WAYS)
def test_a_full_disk_ends_a_run_in_a_line_and_it_goes_on_where_there_is_room(  # noqa: PLR0917
    way, place, fresh, undisturbed, disk, monkeypatch
):
    command, *_ = WAYS[way]
    folder = shutil.copytree(fresh, fresh.parent / f"full-{way}", symlinks=True)
    there = folder / place
    try:
        if place == "TMPDIR":
            monkeypatch.setenv("TMPDIR", str(disk))
        else:
            # Not by a link, which DVC would follow out of the repository.
            there.mkdir(exist_ok=True)
            shutil.copytree(there, disk / "place", symlinks=True)
            subprocess.run(["mount", "--bind", disk / "place", there], check=True)
        fill(disk, 20_000)
        started = time.monotonic()
        done = ended_run(*command, cwd=folder)
        said = done.stdout + done.stderr
        if done.returncode:
            assert re.search("No space left on device|not enough free space|no room", said), said
            assert time.monotonic() - started < 120
        else:
            assert place == "TMPDIR"  # nothing of ours needs it
        (disk / "filler").unlink()
        again = ended_run(*command, cwd=folder)
        assert again.returncode == 0, again.stdout + again.stderr
        assert results(folder) == results(undisturbed)
    finally:
        if place != "TMPDIR":
            subprocess.run(["umount", there], check=False)
        shutil.rmtree(folder)
