"""A Hub that fails: the cache is used with a warning, or one line says what went wrong."""

import http.server
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
import sentencepiece
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForMaskedLM

from tests import toys
from tests.commands import call, only_line
from tests.hub_server import Hub, Repository, closed_port, serving

NAME, COMMIT = "owner/backbone", "e" * 40
NOT_THERE = f"backbone: expected {NAME} on the Hugging Face Hub (there is no such folder), found "
TOKEN = "(HF_TOKEN, or hf auth login)"


@pytest.fixture
def hub(project, toy_backbone):
    """A Hub with a backbone, which params.yaml names."""
    values = toys.params(backbone={"path": NAME, "revision": COMMIT})
    toys.write_params(values, project / "params.yaml")
    with serving(Repository("models", NAME, COMMIT, toy_backbone)) as running:
        yield running


@contextmanager
def portal():
    """Serve a page with status 200, whatever is asked for, like a network that wants a login."""

    class Login(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            page = b"<!DOCTYPE html><title>Welcome to our wireless network</title>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(page)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *parts):
            """Keep the terminal quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Login)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


SETTINGS = {
    "SOCKS proxy": (
        {"ALL_PROXY": "socks5://127.0.0.1:9"},
        "a SOCKS proxy (ALL_PROXY) without the package socksio",
    ),
    "CA file": (
        {"SSL_CERT_FILE": "/none/ca.pem"},
        "certificates that cannot be read (SSL_CERT_FILE)",
    ),
    "no CA": (
        {"SSL_CERT_FILE": __file__},
        "certificates that cannot be read (SSL_CERT_FILE)",
    ),
    "token": (
        {"HF_TOKEN": "hf_“pasted”"},
        f"a token with a character that is not ASCII {TOKEN}",
    ),
    "proxy": (
        {"https_proxy": "http://me:secret@[::1"},
        "a proxy with an unreadable address (https_proxy)",
    ),
    "scheme": (
        {"HTTP_PROXY": "carrier://pigeon"},
        "a proxy with an unreadable address (HTTP_PROXY)",
    ),
}


@pytest.fixture
def without_network_settings(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE",
                 "SSL_CERT_DIR", "HF_TOKEN"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


def fails(monkeypatch, hub: Hub, project: Path, capsys, *, code: int, reason: str, **how) -> None:
    """Assert what `mpt backbone` does with all files in the cache, with some, and with none."""
    made = project / "data/backbones/base"
    line = f"warning: backbone: {NAME} is read from the cache: the Hub gives {reason}\n"
    hub.use(monkeypatch, project / "full", **how)
    capsys.readouterr()
    assert call(monkeypatch, "backbone") == 0
    assert capsys.readouterr().err == line
    shutil.rmtree(made)
    for path in (project / "full").rglob("model.safetensors"):
        path.resolve().unlink()
        path.unlink()
    hub.use(monkeypatch, project / "full", **how)
    assert call(monkeypatch, "backbone") == code
    assert only_line(capsys.readouterr().err) == NOT_THERE + reason
    hub.use(monkeypatch, project / "empty", **how)
    assert call(monkeypatch, "backbone") == code
    assert only_line(capsys.readouterr().err) == NOT_THERE + reason
    assert not made.exists()


def fill(monkeypatch, hub: Hub, project: Path) -> None:
    hub.use(monkeypatch, project / "full")
    assert call(monkeypatch, "backbone") == 0
    shutil.rmtree(project / "data/backbones/base")


@pytest.mark.parametrize("way", SETTINGS)
def test_settings_with_which_no_request_can_leave_are_named(
    way, hub, project, without_network_settings, capsys
):
    fill(without_network_settings, hub, project)
    variables, reason = SETTINGS[way]
    for name, value in variables.items():
        without_network_settings.setenv(name, value)
    hub.requests.clear()
    fails(without_network_settings, hub, project, capsys, code=2, reason=reason)
    assert hub.requests == []


def test_a_page_in_place_of_the_hub_is_named(hub, project, without_network_settings, capsys):
    fill(without_network_settings, hub, project)
    with portal() as url:
        fails(
            without_network_settings, hub, project, capsys, code=1, url=url,
            reason="a page that is not the Hub's (perhaps this network asks for a login)",
        )  # fmt: skip


def test_a_hub_out_of_reach_or_out_of_order_is_named(
    hub, project, without_network_settings, capsys
):
    fill(without_network_settings, hub, project)
    fails(
        without_network_settings, hub, project, capsys, code=1, url=closed_port(),
        reason="no connection: [Errno 111] Connection refused",
    )  # fmt: skip


def test_a_token_that_the_hub_refuses_is_called_that(
    hub, project, without_network_settings, capsys
):
    fill(without_network_settings, hub, project)
    without_network_settings.setenv("HF_TOKEN", "hf_expired")
    hub.status, hub.error = 401, "Invalid credentials in Authorization header"
    reason = f"a token that the Hub refuses {TOKEN}"
    fails(without_network_settings, hub, project, capsys, code=2, reason=reason)


def test_a_network_that_is_switched_off_needs_no_warning(
    hub, project, without_network_settings, capsys
):
    fill(without_network_settings, hub, project)
    hub.use(without_network_settings, project / "full", offline=True)
    capsys.readouterr()
    assert call(without_network_settings, "backbone") == 0
    assert capsys.readouterr().err == ""


def test_datasets_come_from_the_cache_too(project, without_network_settings, capsys):
    """With one warning, though they are read file by file."""
    values = toys.params(datasets__xnli={"path": "owner/xnli", "revision": COMMIT})
    toys.write_params(values, project / "params.yaml")
    with serving(Repository("datasets", "owner/xnli", COMMIT, project / "hub/xnli")) as hub:
        hub.use(without_network_settings, project / "full")
        assert call(without_network_settings, "corpora") == 0
        capsys.readouterr()
        without_network_settings.setenv("HF_TOKEN", "hf_ä")
        hub.use(without_network_settings, project / "full")
        assert call(without_network_settings, "corpora") == 0
        reason = f"a token with a character that is not ASCII {TOKEN}"
        assert capsys.readouterr().err == (
            f"warning: datasets.xnli: owner/xnli is read from the cache: the Hub gives {reason}\n"
        )
        hub.use(without_network_settings, project / "empty")
        assert call(without_network_settings, "corpora") == 2
        assert only_line(capsys.readouterr().err) == (
            "datasets.xnli: expected owner/xnli on the Hugging Face Hub (there is no such folder), "
            f"found {reason}"
        )


@pytest.mark.parametrize("name", ["tokenizer.json", "model.safetensors"])
def test_a_damaged_file_in_the_cache_is_named_and_downloaded_again(  # noqa: PLR0917
    name, hub, project, toy_backbone, without_network_settings, capsys
):
    fill(without_network_settings, hub, project)
    (path,) = (project / "full").rglob(name)
    content = bytearray((toy_backbone / name).read_bytes())
    content[len(content) // 2] ^= 1
    path.resolve().write_bytes(content)
    found = f"backbone: {NAME}: a damaged file in the cache, {path}"
    hub.use(without_network_settings, project / "full", url=closed_port())
    capsys.readouterr()
    assert call(without_network_settings, "backbone") == 1
    assert capsys.readouterr().err.endswith(
        f"mpt: {found}; it cannot be downloaded again: no connection: [Errno 111] Connection "
        "refused\n"
    )
    hub.use(without_network_settings, project / "full")
    hub.requests.clear()
    assert call(without_network_settings, "backbone") == 0
    assert capsys.readouterr().err == f"warning: {found}, is downloaded again\n"
    assert hub.downloaded == [name]
    assert path.read_bytes() == (toy_backbone / name).read_bytes()
    hub.use(without_network_settings, project / "full")
    assert call(without_network_settings, "backbone") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors", "tokenizer.json"])
def test_a_pointer_of_git_lfs_is_called_that(name, project, toy_backbone, monkeypatch, capsys):
    folder = shutil.copytree(toy_backbone, project / "given")
    if name == "pytorch_model.bin":
        (folder / "model.safetensors").unlink()
    (folder / name).write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 1112204221\n"
    )
    toys.write_params(toys.params(backbone={"path": "given"}), project / "params.yaml")
    assert call(monkeypatch, "backbone") == 2
    assert only_line(capsys.readouterr().err) == (
        f"params.yaml: backbone: given/{name}: expected the file, found a pointer of Git LFS to it "
        "(git lfs pull fetches the file)"
    )


def test_a_backbone_with_a_sentencepiece_model_and_no_tokenizer_json(project, monkeypatch):
    folder = project / "given"
    config = XLMRobertaConfig(
        vocab_size=400, num_hidden_layers=1, hidden_size=16, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=130,
    )  # fmt: skip
    XLMRobertaForMaskedLM(config).save_pretrained(folder)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([toys.TEXT] * 20), model_prefix=str(project / "made"),
        vocab_size=300, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    shutil.copy(project / "made.model", folder / "sentencepiece.bpe.model")
    toys.write_params(toys.params(backbone={"path": "given"}), project / "params.yaml")
    assert call(monkeypatch, "backbone") == 0
    made, given = (AutoTokenizer.from_pretrained(path) for path in ("data/backbones/base", folder))
    for text in ("a dog sleeps", "问题 yes", "Swali: Jibu"):
        assert made(text)["input_ids"] == given(text)["input_ids"]
        spm = sentencepiece.SentencePieceProcessor(model_file=str(project / "made.model"))
        assert made.tokenize(text) == spm.encode(text, out_type=str)
