"""Workers as Ray actors, each of which runs one task at a time."""

import logging
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.cluster.task import Outcome, Task
from pipeline.cluster.worker import Worker
from pipeline.errors import InputError, RunError

STORE = 80 * 2**20  # bytes of Ray's object store: close to its minimum, as tasks barely use it
MEASURE = 10.0  # seconds between two looks at the size of the cluster
ROOM = 16 * 2**20  # bytes that Ray's logs and sockets may need
LONGEST = 39  # characters of a folder for sockets: Ray adds up to 68, and 107 are allowed
PATIENCE = 10.0  # seconds that a cluster gets to answer


class RayWorkers:
    """Workers that start when they are first needed, and again after one is lost."""

    def __init__(self, *, jobs: int | None, address: str | None, gpus: float | None) -> None:
        """Prepare, but start nothing: a run without stale stages then takes a second.

        Args:
            jobs: tasks at once; None for as many as the CPUs (and GPUs) allow.
            address: of a cluster; None starts Ray on this machine.
            gpus: per task; None for one if the cluster has GPUs, else none.
        """
        self._jobs, self._address, self._gpus = jobs, address, gpus
        self.size = jobs or 1
        self._ray: Any = None
        self._new_actor: Callable[[], Any]
        self._measured = 0.0
        self._begun: dict[Any, Any] = {}  # actor -> a reference that is ready once it runs
        self._free: list[Any] = []
        self._running: dict[Any, tuple[str, Any]] = {}

    def start(self, task: Task) -> None:
        """Run a task on a free worker.

        Raises:
            InputError: no cluster answers, or it has too few GPUs for a task.
        """
        if self._ray is None:
            self._connect()
        if self._free:
            actor = self._free.pop()
        else:
            actor = self._new_actor()
            self._begun[actor] = actor.__ray_ready__.remote()
        self._running[actor.run.remote(task)] = task.name, actor

    def ended(self, seconds: float) -> list[tuple[str, Outcome]]:
        """Wait up to some seconds for a running task to end; return the stages whose tasks have."""
        if time.monotonic() > self._measured + MEASURE:
            self._measure()
            if stranded := self._stranded():
                return stranded
        done, _ = self._ray.wait(list(self._running), timeout=seconds)
        return [(self._running[reference][0], self._result(reference)) for reference in done]

    def close(self) -> None:
        """Stop all workers, even in the middle of a task."""
        if self._ray is not None:
            self._ray.shutdown()

    def _connect(self) -> None:
        # Set before the import of Ray, which otherwise reports every run to its makers.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        if not self._address:
            # Ray would write one into the home folder.
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
            # Despite its name: without a cluster, Ray listens on the loopback only.
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        import ray

        affinity = getattr(os, "sched_getaffinity", None)
        cores = len(affinity(0)) if affinity else os.cpu_count() or 1
        _start_ray(ray, self._address, cpus=self._jobs or cores)
        # The reason of a failed task says what Ray would print about a lost worker.
        ray._private.worker.print_to_stdstream = lambda *_, **__: None
        self._ray = ray
        gpus = float(ray.cluster_resources().get("GPU", 0))
        if self._gpus is None:
            self._gpus = 1.0 if gpus else 0.0
        if not self._measure():
            raise InputError(
                f"--gpus-per-cell: expected a cluster with {self._gpus:g} GPUs, found {gpus:g}"
            )
        # How many tasks a machine of a cluster will run is unknown.
        threads = 1 if self._address else max(1, cores // self.size)
        chosen = os.environ.get("OMP_NUM_THREADS")
        options = {"threads": int(chosen or threads), "chosen": bool(chosen)}
        actors = ray.remote(num_cpus=1, num_gpus=self._gpus, max_restarts=0)(Worker)
        self._new_actor = partial(actors.remote, **options)

    def _measure(self) -> int:
        """Adjust the number of workers to the cluster; return how many have room there."""
        total = self._ray.cluster_resources()
        room = int(total.get("CPU", 0))
        if self._gpus:
            room = min(room, int(total.get("GPU", 0) / self._gpus))
        self.size = max(1, min(self._jobs or room, room))
        self._measured = time.monotonic()
        return room

    def _stranded(self) -> list[tuple[str, Outcome]]:
        """Take back the tasks of workers that wait for a CPU which the cluster has lost."""
        if len(self._free) + len(self._running) <= self.size:
            return []
        stranded = []
        for reference, (name, actor) in list(self._running.items()):
            begun, _ = self._ray.wait([self._begun[actor]], timeout=0)
            if not begun:
                del self._running[reference]
                self._ray.kill(actor)
                stranded.append((name, Outcome(retry=True)))
        return stranded

    def _result(self, reference: Any) -> Outcome:  # noqa: ANN401
        _, actor = self._running.pop(reference)
        try:
            outcome: Outcome = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            self._measure()
            outcome = Outcome(_reason(error), retry=True)
        if outcome.retry:
            # A lost worker may only be out of reach, and would go on.
            self._ray.kill(actor)
        else:
            self._free.append(actor)
        return outcome


def _start_ray(ray: Any, address: str | None, *, cpus: int) -> None:  # noqa: ANN401
    quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if not address:
        quiet |= {"include_dashboard": False, "object_store_memory": STORE}
        folder = _folder()
        _require_room(folder)
        ray.init(address="local", num_cpus=cpus, _temp_dir=folder, **quiet)
        return
    try:
        host, colon, port = address.rpartition(":")
        if colon and port.isdigit() and "/" not in host:
            # If nobody answers, Ray itself would try for minutes.
            socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
        ray.init(address=address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"--address {address}: expected a Ray cluster ({reason})") from None


def _require_room(folder: str) -> None:
    """Raise a RunError if Ray has no room; it would try for half a minute and name no reason."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM))
            file.flush()
    except OSError as error:
        raise RunError(
            f"{folder}: expected room for {ROOM >> 20} MiB of Ray's logs and sockets, found: "
            f"{error.strerror} (TMPDIR names another folder)"
        ) from None


def _folder() -> str:
    """Return Ray's folder for logs and sockets: in TMPDIR, or in /tmp if Ray cannot use that."""
    folder = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    return f"{folder if folder.isascii() and len(folder) <= LONGEST else '/tmp'}/ray"


def _reason(error: Exception) -> str:
    """Return in a few words why a worker was lost. Ray's own message is a paragraph."""
    message = " ".join(str(error).split())
    if type(error).__name__ == "OutOfMemoryError":
        return "Ray stopped its worker because the machine ran low on memory"
    if "node has died" in message:
        return "the machine of its worker was lost"
    if "worker process has died" in message:
        return "its worker was killed or crashed (out of memory?)"
    return f"its worker was lost ({message[-200:]})"
