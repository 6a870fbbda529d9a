"""Warm workers on Ray: actors, each of which runs one cell at a time."""

import logging
import os
import socket
import sys
import time
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.cluster.cells import Cell, Outcome, Parcel
from pipeline.cluster.worker import Worker
from pipeline.errors import InputError

STORE = 80 * 2**20
"""Bytes of Ray's store of objects, of which we pass none worth the name: near its minimum."""


MEASURE = 10.0
"""Seconds after which a cluster's size is looked at again."""

PATIENCE = 10.0
"""Seconds in which a cluster has to answer."""


@dataclass(frozen=True)
class Lost:
    """A cell's worker died before the cell had ended."""

    reason: str


@dataclass(frozen=True)
class _Member:
    """An actor, and what tells whether it has begun."""

    actor: Any
    ready: Any


class Workers(Protocol):
    """What the driver wants of a pool."""

    size: int
    """How many cells run at once."""

    def start(self, cell: Cell | Parcel) -> None:
        """Have a free worker run a cell."""

    def ended(self, seconds: float) -> list[tuple[str, Outcome | Lost]]:
        """Wait for a cell to end, so long at most; return all that have, by name."""


class RayWorkers:
    """Actors, made when first needed and again when one is lost; so is Ray itself."""

    def __init__(
        self,
        *,
        jobs: int | None,
        address: str | None,
        gpus_per_cell: float | None,
        worker: type = Worker,
    ) -> None:
        """Start nothing yet: a run that has nothing to run is over in a second.

        Args:
            jobs: cells at once; as many as there are CPUs (and GPUs) for where none.
            address: of a cluster; none starts Ray on this machine alone.
            gpus_per_cell: of a device; one where there are any and none is said.
            worker: what runs the cells.
        """
        self._worker = worker
        self._jobs, self._address, self._gpus = jobs, address, gpus_per_cell
        self.size = jobs or 1
        self._ray: Any = None
        self._actor: Any = None
        self._measured = 0.0
        self._threads: int | None = None
        self._free: list[_Member] = []
        self._running: dict[Any, tuple[str, _Member]] = {}

    def start(self, cell: Cell | Parcel) -> None:
        """Have a free worker run a cell.

        Raises:
            InputError: no cluster answers there, or it has no place for a cell.
        """
        if self._ray is None:
            self._begin()
        member = self._free.pop() if self._free else self._member()
        self._running[member.actor.run.remote(cell)] = cell.name, member

    def ended(self, seconds: float) -> list[tuple[str, Outcome | Lost]]:
        """Wait for a cell to end, so long at most; return all that have, by name."""
        if not self._running:
            return []
        if time.monotonic() > self._measured + MEASURE:
            self._measure()
            if stranded := self._stranded():
                return stranded
        some, _ = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
        if some:
            running = list(self._running)
            some, _ = self._ray.wait(running, num_returns=len(running), timeout=0)
        return [(self._running[one][0], self._result(one)) for one in some]

    def close(self) -> None:
        """End the workers, whatever they are at."""
        if self._ray is not None:
            self._ray.shutdown()

    def _begin(self) -> None:
        # Said before Ray is imported: it would tell its makers of every run.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        cores = cores or os.cpu_count() or 1
        _connect(ray, self._address, cpus=self._jobs or cores)
        # What Ray says of lost workers comes back as a cell's reason; the terminal has a table.
        ray._private.worker.print_to_stdstream = lambda *_, **__: None
        self._ray = ray
        gpus = float(ray.cluster_resources().get("GPU", 0))
        if self._gpus is None:
            self._gpus = 1.0 if gpus else 0.0
        if not self._places():
            raise InputError(
                f"--gpus-per-cell: expected GPUs for a cell, {self._gpus:g}, found {gpus:g}"
            )
        self._measure()
        if "OMP_NUM_THREADS" not in os.environ:
            # On a cluster nobody knows how many cells a machine will have.
            self._threads = 1 if self._address else max(1, cores // self.size)
        self._actor = ray.remote(num_cpus=1, num_gpus=self._gpus, max_restarts=0)(self._worker)

    def _measure(self) -> None:
        # Nodes come and go: a worker asked of one that went would never begin.
        self.size = max(1, min(self._jobs or sys.maxsize, self._places()))
        self._measured = time.monotonic()

    def _places(self) -> int:
        has = self._ray.cluster_resources()
        cpus = int(has.get("CPU", 0))
        return min(cpus, int(has.get("GPU", 0) / self._gpus)) if self._gpus else cpus

    def _member(self) -> "_Member":
        actor = self._actor.remote(threads=self._threads)
        return _Member(actor, actor.ready.remote())

    def _stranded(self) -> list[tuple[str, Outcome | Lost]]:
        """Take back the cells of workers that wait for a place which is no more."""
        if len(self._free) + len(self._running) <= self.size:
            return []
        found: list[tuple[str, Outcome | Lost]] = []
        for reference, (name, member) in list(self._running.items()):
            there, _ = self._ray.wait([member.ready], timeout=0)
            if not there:
                del self._running[reference]
                self._ray.kill(member.actor)
                found.append((name, Outcome(not_begun=True)))
        return found

    def _result(self, reference: Any) -> Outcome | Lost:  # noqa: ANN401
        _, member = self._running.pop(reference)
        try:
            outcome: Outcome = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            # It may only be out of reach, and would go on.
            self._ray.kill(member.actor)
            self._measure()
            return Lost(_in_short(error))
        if outcome.not_begun:
            self._ray.kill(member.actor)
        else:
            self._free.append(member)
        return outcome


def _connect(ray: Any, address: str | None, *, cpus: int) -> None:  # noqa: ANN401
    common = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if not address:
        ray.init(
            address="local",
            num_cpus=cpus,
            include_dashboard=False,
            object_store_memory=STORE,
            **common,
        )
        return
    try:
        _knock(address)
        ray.init(address=address, **common)
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"--address {address}: expected a Ray cluster ({reason})") from None


def _knock(address: str) -> None:
    """Raise an OSError where nobody answers: Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdigit() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()


def _in_short(error: Exception) -> str:
    """Return why a worker was lost, as a person would say it: Ray takes a paragraph."""
    said = " ".join(str(error).split())
    if type(error).__name__ == "OutOfMemoryError":
        return "its worker was ended by Ray: the machine ran low on memory"
    if "node has died" in said:
        return "the machine of its worker was lost"
    if "worker process has died" in said:
        return "its worker was killed or crashed (out of memory?)"
    return f"its worker was lost ({said[-200:]})"
