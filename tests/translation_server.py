"""A translation server on the loopback: Google's mobile page, with good and bad answers."""

import html
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from pipeline.languages import LANGUAGES

ALPHABETS = {
    "Latin": "abcdefghijklmnopqrstuvwxyz",
    "Arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهو",
    "Cyrillic": "абвгдежзийклмнопрстуфхцчшщ",
    "Greek": "αβγδεζηθικλμνξοπρστυφχψω",
    "Devanagari": "कखगघचछजझटठडढतथदधनपफबभमयरलव",
    "Thai": "กขคงจฉชซญดตถทธนบปผฝพฟภมยรลว",
    "Han": "的一是不了人我在有他这中大来上国个到说们为子和你地出",
}
OURS = {row.codes.get("google"): code for code, row in LANGUAGES.items()}


def rendering(text: str, language: str) -> str:
    """Return a text in the language's script, always the same for the same text, with new words."""
    script = LANGUAGES[language].script
    alphabet = ALPHABETS[script]
    shift = 5 + list(LANGUAGES).index(language)
    if script == "Han":
        text = re.sub(r"[a-z]{1,3}", lambda found: found[0][0], text.lower()).replace(" ", "")
    turned = [
        alphabet[(ord(one) - ord("a") + shift) % len(alphabet)] if "a" <= one <= "z" else one
        for one in text.lower()
    ]
    return "".join(turned)


@dataclass(frozen=True)
class Asked:
    """One request: time by the server's clock, target language, text, and how it was answered."""

    at: float
    language: str
    text: str
    behaviour: str


@dataclass
class Translations:
    """A running server.

    `translate` returns the right answer; `behave` decides how to answer each request: "well", or
    in one of WAYS.
    """

    url: str
    translate: Callable[[str, str], str]
    behave: Callable[[str, str], str]
    latency: float = 0.0
    requests: list[Asked] = field(default_factory=list)

    def rate(self, window: float = 1.0) -> int:
        """The most requests in any window of `window` seconds."""
        times = sorted(one.at for one in self.requests)
        most, start = 0, 0
        for end, at in enumerate(times):
            while at - times[start] >= window:
                start += 1
            most = max(most, end - start + 1)
        return most


WAYS = (
    "429", "500", "503", "dropped", "cut short", "cut chunk", "hanging", "dripping",
    "error page", "empty", "no result", "echo", "other script", "tags", "half", "twice",
)  # fmt: skip
"""How a server fails: by its status, its connection, or, mostly, by a page that looks good."""


def sometimes(share: float, seed: int) -> Callable[[str, str], str]:
    """Return a behaviour that fails for a share of the requests, in each of WAYS in turn."""
    generator, lock = random.Random(seed), threading.Lock()
    rest: list[str] = []

    def behave(language: str, text: str) -> str:
        with lock:
            if generator.random() >= share:
                return "well"
            if not rest:
                rest.extend(generator.sample(WAYS, len(WAYS)))
            return rest.pop()

    return behave


def well(language: str, text: str) -> str:
    """Never fail."""
    return "well"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or an answer waits 40 ms between head and body
    server_of: Translations

    def do_GET(self) -> None:
        at = time.time()
        asked = {key: found[0] for key, found in parse_qs(urlsplit(self.path).query).items()}
        language, text = OURS[asked["tl"]], asked["q"]
        behaviour = self.server_of.behave(language, text)
        self.server_of.requests.append(Asked(at, language, text, behaviour))
        time.sleep(self.server_of.latency)
        right = self.server_of.translate(text, language)
        with suppress(ConnectionError):
            self._answer(behaviour, text, language, right)

    def log_message(self, *parts: object) -> None:
        """Keep the terminal quiet."""

    def _answer(self, behaviour: str, text: str, language: str, right: str) -> None:
        other = "ru" if LANGUAGES[language].script == "Latin" else "sw"
        shown = {
            "well": right,
            "error page": "Error 500 (Server Error)!!1500.That’s an error.There was an error. "
            "Please try again later.That’s all we know.",
            "empty": "",
            "echo": text,
            "other script": rendering(text, other),
            "half": right[: max(1, len(right) // 6)],
            "twice": " ".join([right] * 4),
        }
        if behaviour in shown:
            self._page(html.escape(shown[behaviour]))
        elif behaviour == "tags":
            self._page("<br>".join(map(html.escape, right.split() or [right])) + "<b></b>")
        elif behaviour.isdecimal():
            self._send(b"<html><body>busy</body></html>", int(behaviour))
        elif behaviour == "no result":
            self._send(b"<html><body>Before you continue</body></html>", 200)
        else:
            self._break(behaviour, right)

    def _break(self, behaviour: str, right: str) -> None:
        self.close_connection = True
        if behaviour == "cut chunk":
            page = f'<div class="result-container">{html.escape(right)}</div>'.encode()
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s" % (len(page) + 100, page))
        elif behaviour == "hanging":
            self.connection.settimeout(3)
            with suppress(TimeoutError):
                self.connection.recv(1)
        elif behaviour in {"cut short", "dripping"}:
            body = f'<div class="result-container">{html.escape(right)}'.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) + 1000))
            self.end_headers()
            self.wfile.write(body)
            for _ in range(30 if behaviour == "dripping" else 0):
                time.sleep(0.1)
                self.wfile.write(b" ")
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _page(self, inside: str) -> None:
        body = (
            "<!DOCTYPE html><html><head><title>Google Translate</title></head><body>"
            '<div class="root-container"><form action="/m"><input name="q"></form>'
            f'<div class="result-container">{inside}</div></div></body></html>'
        )
        self._send(body.encode(), 200)

    def _send(self, body: bytes, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True


@contextmanager
def serving(
    translate: Callable[[str, str], str] = rendering,
    *,
    behave: Callable[[str, str], str] = well,
    latency: float = 0.0,
    handler: type[Handler] = Handler,
) -> Iterator[Translations]:
    """Serve translations on a free port of the loopback."""
    bound = type("Bound", (handler,), {})
    server = _Server(("127.0.0.1", 0), bound)
    url = f"http://127.0.0.1:{server.server_port}/m"
    bound.server_of = Translations(url, translate, behave, latency)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield bound.server_of
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
