"""A Hugging Face Hub on the loopback: the part of its HTTP protocol that downloads need."""

import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import close_session, constants

from pipeline.hub import files


@dataclass(frozen=True)
class Repository:
    """A folder as one commit of a repository; `kind` is models or datasets."""

    kind: str
    name: str
    commit: str
    folder: Path

    def files(self) -> list[str]:
        return sorted(
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*")
            if path.is_file()
        )

    def info(self) -> dict:
        return {
            "_id": "0" * 24,
            "id": self.name,
            "sha": self.commit,
            "private": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "siblings": [],
        }

    def tree(self) -> list[dict]:
        sizes = {name: (self.folder / name).stat().st_size for name in self.files()}
        return [
            {"type": "file", "oid": hashlib.sha1(name.encode()).hexdigest(), "size": size,
             "path": name}
            for name, size in sizes.items()
        ]  # fmt: skip


@dataclass
class Hub:
    """A running server and its requests.

    The last commit of a repository is `main`. With a `status`, the server answers every request
    with it and an `error`, like a Hub that is down.
    """

    url: str
    repositories: tuple[Repository, ...]
    requests: list[tuple[str, str]] = field(default_factory=list)
    status: int = 0
    error: str = "Down"

    @property
    def downloaded(self) -> list[str]:
        """Paths of the files that were downloaded, each once, sorted."""
        paths = {
            path.partition("/resolve/")[2].partition("/")[2]
            for method, path in self.requests
            if method == "GET"
        }
        return sorted(paths & {name for one in self.repositories for name in one.files()})

    @property
    def revisions(self) -> set[str]:
        """The revisions in all requests."""
        marks = r"/(?:resolve|revision|tree)/([^/]+)"
        return {found[1] for _, path in self.requests if (found := re.search(marks, path))}

    def settings(self, home: Path) -> dict[str, str]:
        """Return the environment of a process that uses this Hub, with its cache in `home`."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_OFFLINE": "0",
            "XDG_CACHE_HOME": str(home / "other"),
        }

    def use(
        self, monkeypatch: pytest.MonkeyPatch, cache: Path, *, url: str = "", offline: bool = False
    ) -> None:
        """Make this process use this Hub, or the server at `url`; it reads no environment."""
        url = url or self.url
        template = url + constants.HUGGINGFACE_CO_URL_TEMPLATE.removeprefix(constants.ENDPOINT)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
        close_session()
        files._commit.cache_clear()
        files._log.cache_clear()


class NotThereError(Exception):
    """The Hub's header X-Error-Code, and the status with it."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(code)
        self.code, self.status = code, status


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hub: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path))
        try:
            if self.hub.status:
                raise NotThereError(self.hub.error, self.hub.status)
            if path.startswith("/api/"):
                self._api(path)
            else:
                self._file(path)
        except NotThereError as error:
            headers = {"X-Error-Code": error.code, "X-Error-Message": error.code}
            self._send(json.dumps({"error": error.code}).encode(), error.status, headers)

    def log_message(self, *parts: object) -> None:
        """Keep the terminal quiet."""

    def _api(self, path: str) -> None:
        _, kind, owner, name, verb, revision = (path.strip("/").split("/") + [""] * 5)[:6]
        repository = self._repository(kind, f"{owner}/{name}", revision)
        answer = repository.tree() if verb == "tree" else repository.info()
        self._send(json.dumps(answer).encode(), 200, {"Content-Type": "application/json"})

    def _file(self, path: str) -> None:
        parts = path.strip("/").split("/")
        kind = parts.pop(0) if parts[0] == "datasets" else "models"
        owner, name, _, revision = parts[:4]
        repository = self._repository(kind, f"{owner}/{name}", revision)
        content = (repository.folder / "/".join(parts[4:])).read_bytes()
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        self._send(content, 200, {"X-Repo-Commit": repository.commit, "ETag": etag})

    def _repository(self, kind: str, name: str, revision: str) -> Repository:
        commits = [one for one in self.hub.repositories if (one.kind, one.name) == (kind, name)]
        if not commits:
            # The Hub's answer without a login, so that nobody can guess private names.
            raise NotThereError("RepoNotFound", 401)
        if revision in {"", "main"}:
            return commits[-1]
        for repository in commits:
            if repository.commit == revision:
                return repository
        raise NotThereError("RevisionNotFound", 404)

    def _send(self, content: bytes, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def serving(*repositories: Repository) -> Iterator[Hub]:
    """Serve repositories on a free port of the loopback."""
    handler = type("BoundHandler", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.hub = Hub(f"http://127.0.0.1:{server.server_port}", repositories)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield handler.hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        files._commit.cache_clear()
        files._log.cache_clear()


def closed_port() -> str:
    """Return an address at which nobody answers."""
    with socket.socket() as once:
        once.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{once.getsockname()[1]}"
