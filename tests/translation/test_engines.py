"""MyMemory, LibreTranslate and translations from a file."""

import json
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

from pipeline.languages import LANGUAGES
from tests.commands import only_line, run
from tests.translation import projects
from tests.translation_server import Asked, Handler, rendering, serving

KEY = "a-key-that-nobody-may-see"
LIBRE = [code for code, row in LANGUAGES.items() if "libre" in row.codes]


def query(address):
    return {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}


class MyMemory(Handler):
    def do_GET(self):  # noqa: N802
        asked = query(self.path)
        code = asked["langpair"].partition("|")[2]
        language = {row.codes.get("mymemory"): ours for ours, row in LANGUAGES.items()}[code]
        behaviour = self.server_of.behave(language, asked["q"])
        self.server_of.requests.append(Asked(0, language, asked["q"], asked.get("de", "")))
        text = rendering(asked["q"], language)
        if behaviour == "quota":
            text = "MYMEMORY WARNING: YOU USED ALL AVAILABLE FREE TRANSLATIONS FOR TODAY."
        answer = {"responseData": {"translatedText": text}, "matches": []}
        if behaviour == "other form":
            answer = {"responseData": None}
        self._send(json.dumps(answer).encode(), 200)


class Libre(Handler):
    def do_POST(self):  # noqa: N802
        assert urlsplit(self.path).path == "/translate"
        asked = query(self.path)
        key = asked.get("api_key", "")
        self.server_of.requests.append(Asked(0, asked["target"], asked["q"], key))
        behaviour = self.server_of.behave(asked["target"], asked["q"])
        status = 200 if behaviour == "echo" else int(behaviour)
        text = rendering(asked["q"], asked["target"])
        answer = {"translatedText": f"{text} {key}" if behaviour == "echo" else text}
        self._send(json.dumps(answer if status == 200 else {"error": key}).encode(), status)


@pytest.fixture
def libre(folder, monkeypatch):
    """A LibreTranslate server that answers with a status, and parameters that name it."""
    monkeypatch.delenv("LIBRE_API_KEY", raising=False)
    with serving(handler=Libre, behave=lambda *_: "200") as server:
        server.url = server.url.removesuffix("/m")
        write(folder, "libre", url=server.url)
        yield server


def write(folder, engine, languages=("de", "zh"), **changes):
    projects.write(
        folder, projects.english(4), engine=engine, languages=languages, pairs=4, **changes
    )


def test_mymemory_has_its_own_codes_and_an_address_from_the_environment(
    folder, paws15, monkeypatch
):
    monkeypatch.setenv("MYMEMORY_EMAIL", "me@example.org")
    with serving(handler=MyMemory) as server:
        write(folder, "mymemory", url=server.url, languages=("sw", "ur", "zh"))
        assert paws15() == 0
    assert {asked.behaviour for asked in server.requests} == {"me@example.org"}
    for row in projects.pairs(folder).itertuples():
        assert row.engine == "mymemory"
        assert row.target_premise == rendering(row.premise, row.language)
    for path in (folder / "data").rglob("*"):
        assert path.is_dir() or b"example.org" not in path.read_bytes()


@pytest.mark.parametrize(
    ("way", "kind"), [("quota", "too many requests"), ("other form", "unreadable answer")]
)
def test_mymemorys_complaints_are_no_translations(way, kind, folder, paws15, capsys):
    with serving(handler=MyMemory, behave=lambda *_: way) as server:
        write(folder, "mymemory", url=server.url)
        assert paws15() == 1
    assert f"failures in a row: 10 ({kind})" in only_line(capsys.readouterr().err)


@pytest.mark.parametrize("key", ["", KEY])
def test_libre_is_asked_with_a_key_or_without(key, folder, libre, paws15, monkeypatch):
    if key:
        monkeypatch.setenv("LIBRE_API_KEY", key)
    assert paws15() == 0
    assert {asked.behaviour for asked in libre.requests} == {key}
    assert set(projects.pairs(folder).language) == {"de", "zh"}


@pytest.mark.parametrize("status", ["403", "401", "500", "429", "echo"])
def test_a_key_is_never_shown_or_kept(status, folder, libre):
    libre.behave = lambda *_: status
    ended = run(folder, "paws15", "--debug", LIBRE_API_KEY=KEY)
    assert ended.returncode == 1
    assert {asked.behaviour for asked in libre.requests} == {KEY}
    assert KEY not in ended.stdout + ended.stderr
    for path in folder.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes()
    if status in {"401", "403"}:
        assert len(libre.requests) == 1
        assert "refuses the key in LIBRE_API_KEY" in ended.stderr


def test_libre_without_a_key_that_the_server_wants(libre, paws15, capsys):
    libre.behave = lambda *_: "403"
    assert paws15() == 1
    assert only_line(capsys.readouterr().err) == f"{libre.url} wants a key in LIBRE_API_KEY"


@pytest.mark.parametrize(
    ("engine", "changes", "line"),
    [
        ("libre", {"url": "http://127.0.0.1:9", "languages": ("de", "sw")},
         f"languages: expected languages that engine libre knows ({', '.join(LIBRE)}), found 'sw'"),
        ("libre", {},
         "translation.url: expected the address of a LibreTranslate server for engine libre, "
         "found nothing"),
        ("google", {"url": "http://me:secret@127.0.0.1/m"},
         "translation.url: expected an address without user, password or query, found one with"),
        ("google", {"url": "example.org"},
         "translation.url: expected an address http://... or https://..., found 'example.org'"),
        ("google", {"speed": 3}, "translation.speed: expected no such key, found 3"),
        ("google", {"requests_per_second": 0},
         "translation.requests_per_second: expected more than 0, found 0"),
        ("file", {},
         "translation.file: expected a file of translations for engine file, found nothing"),
        ("file", {"file": "none.csv"},
         "translation.file: expected a file of translations, found no none.csv"),
    ],
)  # fmt: skip
def test_bad_parameters_are_one_line(  # noqa: PLR0917
    engine, changes, line, folder, paws15, capsys
):
    write(folder, engine, **changes)
    assert paws15() == 2
    assert only_line(capsys.readouterr().err) == f"params.yaml: paws15.{line}"
    assert not (folder / "data/paws15").exists()


def brought(languages=("de", "zh")):
    rows = [
        (row.pair_id, code, rendering(row.premise, code), rendering(row.hypothesis, code))
        for row in projects.english(4).itertuples()
        for code in languages
    ]
    columns = ["pair_id", "language", "target_premise", "target_hypothesis"]
    return pd.DataFrame(rows, columns=columns)


FORMS = {
    "csv": lambda rows, path: rows.to_csv(path, index=False),
    "csv.gz": lambda rows, path: rows.to_csv(path, index=False),
    "tsv": lambda rows, path: rows.to_csv(path, sep="\t", index=False),
    "jsonl": lambda rows, path: rows.to_json(path, orient="records", lines=True),
    "jsonl.gz": lambda rows, path: rows.to_json(path, orient="records", lines=True),
    "parquet": lambda rows, path: rows.to_parquet(path),
    "pq": lambda rows, path: rows.to_parquet(path),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_looked_up_by_pair_and_language(form, folder, paws15):
    name = f"brought.{form}"
    FORMS[form](brought().sample(frac=1, random_state=1), folder / name)
    write(folder, "file", file=name)
    assert paws15() == 0
    for row in projects.pairs(folder).itertuples():
        assert row.target_premise == rendering(row.premise, row.language)
        assert row.target_hypothesis == rendering(row.hypothesis, row.language)
    assert projects.facts(folder)["engine_version"].startswith(f"{name}, SHA-256 ")
    # The stage's own output serves as such a file, too.
    (folder / "data/paws15/pairs.parquet").rename(folder / "again.parquet")
    projects.params(folder, engine="file", languages=("de", "zh"), pairs=4, file="again.parquet")
    first = (folder / "again.parquet").read_bytes()
    assert paws15() == 0
    assert (folder / "data/paws15/pairs.parquet").read_bytes() == first


def test_a_file_is_checked_and_missing_pairs_are_listed(folder, paws15, capsys):
    rows = brought(("de",))
    rows.loc[1, "target_premise"] = "the brown dog number 1 runs over the wide field"
    rows.drop(index=2).to_csv(folder / "brought.csv", index=False)
    write(folder, "file", languages=("de",), file="brought.csv")
    assert paws15() == 1
    lines = capsys.readouterr().err
    assert "train-1, premise in de: echo of the source" in lines
    assert "train-2, hypothesis in de: not in the file" in lines
    assert "mpt: clean pairs: 2 of 4; sentences refused: 3" in lines


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda rows: rows.drop(columns="language"), "expected a column language, found pair_id,"),
        (lambda rows: pd.concat([rows, rows]), "expected each pair once in a language, found"),
        (lambda rows: rows[rows.language == "de"], "expected translations into de, zh, found none"),
        (lambda rows: rows.assign(premise="another"), "expected the premise 'the brown dog"),
    ],
    ids=["column", "twice", "language", "English"],
)
def test_a_file_of_another_form_is_refused(change, line, folder, paws15, capsys):
    change(brought()).to_csv(folder / "brought.csv", index=False)
    write(folder, "file", file="brought.csv")
    assert paws15() == 2
    said = only_line(capsys.readouterr().err)
    assert said.startswith("brought.csv: ")
    assert line in said


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        (
            "brought.csv",
            b"pair_id,language,target_premise,target_hypothesis\ntrain-0,de,Nein, das nicht,x\n",
            ", line 2: expected 4 values, found 5 (is a value with a separator in it in quotes?)",
        ),
        (
            "brought.csv",
            b"pair_id,language,target_premise,target_hypothesis\ntrain-0,de,\xe4,x\n",
            ": expected text in UTF-8, found a damaged one",
        ),
        (
            "brought.csv",
            b'pair_id,language,target_premise,target_hypothesis\ntrain-0,de,"Nein,x\n',
            ", line 2: expected separated values, found unexpected end of data",
        ),
        (
            "brought.csv",
            b"pair_id,language,target_premise,language\n",
            ": expected distinct names of columns, found pair_id, language, target_premise, "
            "language",
        ),
        ("brought.csv.gz", b"no gzip", ": expected text in UTF-8, found a damaged one"),
        ("brought.jsonl", b'{"pair_id": 1}\n[]\n', ", line 2: expected a JSON object, found '[]"),
        ("brought.jsonl", b"{}\n{", ", line 2: expected a JSON object, found '{'"),
        ("brought.pq", b"PAR1", ": expected a Parquet file, found a damaged one"),
        ("brought.xlsx", b"PK", ": expected a file .csv, .tsv, .jsonl (or these with .gz), "),
    ],
)
def test_a_damaged_file_is_named_with_its_line(name, content, line, folder, paws15, capsys):  # noqa: PLR0917
    (folder / name).write_bytes(content)
    write(folder, "file", file=name)
    assert paws15() == 2
    assert only_line(capsys.readouterr().err).startswith(f"{name}{line}")


def test_the_text_of_a_file_is_normalized_and_the_manifest_says_so(folder, paws15):
    rows = brought(("de",))
    clean = list(rows.target_premise)
    damaged = rows.assign(
        target_premise=[f"\ufeff {text}".replace(" ", "\u00a0 ") for text in clean]
    )
    damaged.to_csv(folder / "brought.csv", index=False)
    write(folder, "file", languages=("de",), file="brought.csv")
    assert paws15() == 0
    assert sorted(projects.pairs(folder).target_premise) == sorted(clean)
    assert projects.facts(folder)["normalization"].startswith("NFC")
