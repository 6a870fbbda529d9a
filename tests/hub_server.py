"""A Hugging Face Hub on the loopback: the part of its HTTP protocol that reading takes."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit


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

    def entry(self, path: str) -> dict:
        where = self.folder / path
        if where.is_dir():
            return {"type": "directory", "oid": "0" * 40, "size": 0, "path": path}
        content = where.read_bytes()
        oid = hashlib.sha1(content).hexdigest()
        return {"type": "file", "oid": oid, "size": len(content), "path": path}

    def info(self) -> dict:
        return {
            "_id": "0" * 24,
            "id": self.name,
            "author": self.name.partition("/")[0],
            "sha": self.commit,
            "private": False,
            "gated": False,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "createdAt": "2024-01-01T00:00:00.000Z",
            "lastModified": "2024-01-01T00:00:00.000Z",
            "siblings": [{"rfilename": name} for name in self.files()],
        }


@dataclass
class Hub:
    """A running server: its address, and what it was asked for.

    Of two commits of a repository the later one is `main`. With a `status` it answers nothing
    else, as a Hub does that is down.
    """

    url: str
    repositories: tuple[Repository, ...]
    requests: list[tuple[str, str]] = field(default_factory=list)
    status: int = 0

    @property
    def downloaded(self) -> list[str]:
        """Paths of the files that were asked for by GET and were there, each once, sorted."""
        files = {
            path.partition("/resolve/")[2].partition("/")[2]
            for method, path in self.requests
            if method == "GET" and "/resolve/" in path
        }
        there = {name for repository in self.repositories for name in repository.files()}
        return sorted(files & there)

    @property
    def revisions(self) -> set[str]:
        """The revisions that were asked for, in any request."""
        found = set()
        for _, path in self.requests:
            for mark in ("/resolve/", "/revision/", "/tree/", "/paths-info/"):
                if mark in path:
                    found.add(path.partition(mark)[2].partition("/")[0])
        return found


class NotThereError(Exception):
    """What the Hub says in the header X-Error-Code, and with which status."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(code)
        self.code, self.status = code, status


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *parts: object) -> None:
        """Keep the terminal quiet."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path))
        try:
            if self.hub.status:
                raise NotThereError("Down", self.hub.status)
            if path.startswith("/api/"):
                self._api(path, body)
            else:
                self._file(path)
        except NotThereError as error:
            headers = {"X-Error-Code": error.code, "X-Error-Message": error.code}
            self._send(json.dumps({"error": error.code}).encode(), error.status, headers)

    def _api(self, path: str, body: bytes) -> None:
        parts = path.strip("/").split("/")
        _, kind, owner, name, verb, revision = (parts + [""] * 5)[:6]
        repository = self._repository(kind, f"{owner}/{name}", revision)
        if verb in {"", "revision"}:
            answer: object = repository.info()
        elif verb == "tree":
            answer = self._tree(repository, "/".join(parts[6:]))
        elif verb == "paths-info":
            form = parse_qs(body.decode())
            asked = json.loads(body)["paths"] if body.startswith(b"{") else form["paths"]
            there = [one.strip("/") for one in asked if (repository.folder / one).exists()]
            answer = [repository.entry(one) for one in there]
        else:
            raise NotThereError("EntryNotFound", 404)
        self._send(json.dumps(answer).encode(), 200, {"Content-Type": "application/json"})

    def _tree(self, repository: Repository, inside: str) -> list[dict]:
        folder = repository.folder / inside
        if not folder.is_dir():
            raise NotThereError("EntryNotFound", 404)
        recursive = parse_qs(urlsplit(self.path).query).get("recursive", ["False"])[0]
        found = folder.rglob("*") if recursive.lower() in {"true", "1"} else folder.iterdir()
        names = sorted(path.relative_to(repository.folder).as_posix() for path in found)
        return [repository.entry(name) for name in names]

    def _file(self, path: str) -> None:
        parts = path.strip("/").split("/")
        kind = parts.pop(0) if parts[0] == "datasets" else "models"
        owner, name, verb, revision = (parts + [""] * 4)[:4]
        repository = self._repository(kind, f"{owner}/{name}", revision)
        file = repository.folder / "/".join(parts[4:])
        headers = {"X-Repo-Commit": repository.commit}
        if verb != "resolve" or not file.is_file():
            raise NotThereError("EntryNotFound", 404)
        content = file.read_bytes()
        headers |= {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "Accept-Ranges": "bytes"}
        first, _, last = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
        if not first:
            self._send(content, 200, headers)
            return
        start, stop = int(first), min(int(last or len(content)) + 1, len(content))
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        self._send(content[start:stop], 206, headers)

    def _repository(self, kind: str, name: str, revision: str) -> Repository:
        commits = [one for one in self.hub.repositories if (one.kind, one.name) == (kind, name)]
        if not commits:
            # So the Hub answers who has not logged in, lest private names be guessed.
            raise NotThereError("RepoNotFound", 401)
        if revision in {"", "main"}:
            return commits[-1]
        for one in commits:
            if one.commit == revision:
                return one
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
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield handler.hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
