"""Engine google when no request can leave: the reason by name, and 2 if waiting cannot help."""

import errno
import socket

import pytest

from pipeline.translation.place import journal_path
from tests.commands import only_line
from tests.hub_server import closed_port
from tests.translation import projects

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE",
         "CURL_CA_BUNDLE")  # fmt: skip


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def write(folder, url="https://127.0.0.1:9/m"):
    projects.write(folder, projects.english(14), pairs=14, url=url)


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        (
            {"ALL_PROXY": "socks5://me:secret@127.0.0.1:9"},
            "a SOCKS proxy (ALL_PROXY) without the package PySocks",
        ),
        (
            {"https_proxy": "http://me:secret@[::1"},
            "a proxy with an unreadable address (https_proxy)",
        ),
        (
            {"HTTPS_PROXY": "carrier://me:secret@pigeon"},
            "a proxy with an unreadable address (HTTPS_PROXY)",
        ),
        (
            {"REQUESTS_CA_BUNDLE": "/none/ca.pem"},
            "certificates that cannot be read (REQUESTS_CA_BUNDLE)",
        ),
    ],
    ids=["SOCKS", "proxy", "scheme", "certificates"],
)
def test_settings_with_which_no_request_can_leave_are_wrong_input(  # noqa: PLR0917
    variables, found, folder, paws15, monkeypatch, capsys
):
    write(folder)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert paws15() == 2
    assert only_line(capsys.readouterr().err) == (
        f"paws15.engine: expected requests that can leave, found {found}"
    )
    assert not journal_path().exists()  # no sentence is to blame
    for path in folder.rglob("*"):
        assert path.is_dir() or b"secret" not in path.read_bytes()


def unreachable(address, *arguments, **options):
    raise OSError(errno.ENETUNREACH, "Network is unreachable")


def unknown(*arguments, **options):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_connection_that_may_come_back_is_named(folder, paws15, monkeypatch, capsys):
    def reason(url="https://127.0.0.1:9/m"):
        write(folder, url)
        assert paws15() == 1
        line = only_line(capsys.readouterr().err)
        assert "run it again in 15 minutes" in line
        return line.partition("failures in a row: 10 (")[2].partition("); run it again")[0]

    assert reason() == "no connection"
    with monkeypatch.context() as patch:
        patch.setattr("urllib3.util.connection.create_connection", unreachable)
        assert reason() == "no connection: no route to the server"
    with monkeypatch.context() as patch:
        patch.setattr("socket.getaddrinfo", unknown)
        assert reason("https://translate.invalid/m") == (
            "no connection: the server's name is unknown"
        )
    monkeypatch.setenv("HTTPS_PROXY", closed_port())
    assert reason() == "no connection to the proxy"
