"""Disks that are full."""

from contextlib import suppress
from pathlib import Path


def fill(disk: Path, left: int) -> None:
    """Fill a disk but for so many bytes."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    with filler.open("rb+") as file:
        file.truncate(max(0, filler.stat().st_size - -(-left // 4096) * 4096))
