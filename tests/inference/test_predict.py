"""`mpt predict`: files of pairs with an exported model, far from any project."""

import io
import json
import shutil

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from pipeline.inference import files, stream
from pipeline.params.runs import LABELS
from stages.train import train
from tests.commands import call, only_line, run
from tests.export.models import examples, trained, write

COLUMNS = ["predicted", *(f"p_{label}" for label in LABELS)]


@pytest.fixture(scope="session")
def exported(tmp_path_factory, toy_backbone):
    """A folder with an export of mpt and one of ft, and what the methods predict."""
    folder, predictions = tmp_path_factory.mktemp("exported"), {}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("mpt", "ft"):
            method = trained(toy_backbone, name)
            predictions[name] = write(folder / name, method, toy_backbone, patch)
    return folder, predictions


@pytest.fixture
def here(exported, tmp_path, monkeypatch):
    """An empty folder with a link to the exports, and pairs.csv."""
    for name in ("mpt", "ft"):
        (tmp_path / name).symlink_to(exported[0] / name)
    monkeypatch.chdir(tmp_path)
    frame = examples()
    frame["label"] = frame["label"].map(lambda number: LABELS[number])
    frame.to_csv("pairs.csv", index=False)
    return tmp_path


def expected(exported, name="mpt"):
    frame = exported[1][name]
    named = frame.predicted.map(lambda number: LABELS[number])
    return frame[COLUMNS[1:]].assign(predicted=named)[COLUMNS]


def assert_predicts(found, frame):
    pd.testing.assert_frame_equal(
        found[COLUMNS].reset_index(drop=True), frame, check_dtype=False, atol=1e-6, rtol=0
    )


READERS = {
    "csv": pd.read_csv,
    "tsv": lambda path: pd.read_csv(path, sep="\t", quoting=3),
    "jsonl": lambda path: pd.read_json(path, lines=True),
    "parquet": pd.read_parquet,
}
WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "tsv": lambda frame, path: path.write_text(
        "\n".join("\t".join(map(str, row)) for row in [frame.columns, *frame.to_numpy()]) + "\n"
    ),
    "jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
    "parquet": lambda frame, path: frame.to_parquet(path, index=False),
}


@pytest.mark.parametrize("kind", READERS)
def test_each_kind_of_file_gives_the_numbers_of_evaluation_row_for_row(
    here, exported, monkeypatch, kind
):
    shuffled = examples().sample(frac=1, random_state=0)
    WRITERS[kind](shuffled, here / f"in.{kind}")
    for other, read in READERS.items():
        assert call(monkeypatch, "predict", "mpt", f"in.{kind}", "--to", f"out.{other}") == 0
        found = read(here / f"out.{other}")
        assert found.pair_id.tolist() == shuffled.pair_id.tolist()
        assert [*found] == [*shuffled, *COLUMNS]
        assert_predicts(found, expected(exported).loc[shuffled.index].reset_index(drop=True))


def test_without_a_file_to_write_csv_goes_to_stdout_and_the_accuracy_to_stderr(
    here, exported, monkeypatch, capsys
):
    assert call(monkeypatch, "predict", "mpt", "pairs.csv") == 0
    said = capsys.readouterr()
    assert_predicts(pd.read_csv(io.StringIO(said.out)), expected(exported))
    right = exported[1]["mpt"].assign(right=lambda frame: frame.label == frame.predicted)
    lines = ["pairs.csv: 12 of 24 pairs were cut to 64 tokens"]
    lines += [
        f"pairs.csv: {code}: {100 * share:.1f} % of 6 labels right"
        for code, share in right.groupby("language", sort=False).right.mean().items()
    ]
    assert said.err.splitlines() == lines


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_standard_input_in_a_process_of_its_own(here, exported, kind):
    WRITERS[kind](examples(), here / "in")
    text = (here / "in").read_text(encoding="utf-8")
    done = run(here, "predict", "ft", "-", "--kind", kind, "--to", "out.jsonl", stdin=text)
    assert done.returncode == 0, done.stderr
    assert_predicts(READERS["jsonl"](here / "out.jsonl"), expected(exported, "ft"))


def test_one_pair_by_options(here, exported, monkeypatch, capsys):
    row = examples().iloc[7]
    pair = ("--premise", row.premise, "--hypothesis", row.hypothesis, "--language", row.language)
    assert call(monkeypatch, "predict", "mpt", *pair) == 0
    found = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert_predicts(found, expected(exported).iloc[[7]].reset_index(drop=True))


def test_a_classifier_needs_no_language(here, exported, monkeypatch):
    examples()[["premise", "hypothesis"]].to_csv("in.csv", index=False)
    assert call(monkeypatch, "predict", "ft", "in.csv", "--to", "out.csv") == 0
    assert_predicts(pd.read_csv("out.csv"), expected(exported, "ft"))


def test_the_option_language_is_for_rows_without_one(here, exported, monkeypatch):
    frame = examples()
    of_german = frame.language == "de"
    frame[of_german].drop(columns="language").to_csv("in.csv", index=False)
    arguments = ("predict", "mpt", "in.csv", "--language", "de", "--to", "out.csv")
    assert call(monkeypatch, *arguments) == 0
    predictions = expected(exported)[of_german.to_numpy()].reset_index(drop=True)
    assert_predicts(pd.read_csv("out.csv"), predictions)


def test_chunks_change_nothing_and_only_one_is_in_memory(here, exported, monkeypatch):
    monkeypatch.setattr(files, "CHUNK", 5)
    most, real = [0], stream.judge

    def judge(model, pairs, languages, *, threads):
        most[0] = max(most[0], len(pairs))
        return real(model, pairs, languages, threads=threads)

    monkeypatch.setattr(stream, "judge", judge)
    examples().to_parquet("in.parquet")
    for name in ("pairs.csv", "in.parquet"):
        assert call(monkeypatch, "predict", "mpt", name, "--to", "out.parquet") == 0
        assert most == [5]
        assert_predicts(pd.read_parquet("out.parquet"), expected(exported))


def test_texts_with_quotes_line_ends_and_tabs_come_back(here, monkeypatch):
    frame = pd.DataFrame({"premise": ['"a dog" runs', "a\ndog\truns"], "hypothesis": ["a, b", '"']})
    frame["language"] = "en"
    for kind in ("csv", "jsonl", "parquet"):
        WRITERS[kind](frame, here / f"in.{kind}")
        assert call(monkeypatch, "predict", "mpt", f"in.{kind}", "--to", f"out.{kind}") == 0
        assert READERS[kind](here / f"out.{kind}")[[*frame]].equals(frame)
    (here / "in.tsv").write_text('premise\thypothesis\tlanguage\n"a dog runs\t"\ten\n')
    assert call(monkeypatch, "predict", "mpt", "in.tsv", "--to", "out.tsv") == 0
    assert (here / "out.tsv").read_text().splitlines()[1].startswith('"a dog runs\t"\ten\t')


@pytest.mark.parametrize(
    ("value", "label"),
    [("entailment", "entailment"), (" Neutral", "neutral"), (2, "contradiction"), ("0", LABELS[0]),
     ("-", None), (-1, None), (None, None), ("", None), ("true", None)],
)  # fmt: skip
def test_a_label_is_a_name_or_an_id_and_others_do_not_count(value, label):
    assert stream.label_of(value) == label


def text(rows, header="premise,hypothesis,language"):
    return "\n".join([header, *rows]) + "\n"


GOOD = "a dog,a cat,en"
BAD = {
    "no.csv": (None, "no.csv: expected a file with sentence pairs, found no such file"),
    "a.xlsx": (b"PK", "a.xlsx: expected a file named *.csv, *.tsv, *.jsonl, *.ndjson, *.parquet, "
                      "found .xlsx"),
    "a.csv": (text([GOOD], "premise,hypo,language"),
              "a.csv, row 1: expected a column hypothesis, found premise, hypo, language"),
    "b.csv": (text([GOOD, "a dog,a cat,xx"]),
              "b.csv, row 2: language: expected one of en, de, sw, zh, found 'xx'"),
    "c.csv": (text([GOOD, "a dog, ,en"]), "c.csv, row 2: hypothesis: expected text, found ' '"),
    "d.csv": (text([GOOD, "a dog,a cat"]),
              "d.csv, line 3: expected 3 columns as in line 1, found 2"),
    "e.csv": (text([GOOD, '"a dog,a cat,en']), "e.csv, line 3: expected CSV, found unexpected"),
    "f.csv": ("premise,hypothesis,language\n", "f.csv: expected at least one pair, found no rows"),
    "g.csv": (b"premise,hypothesis\n\xff,b\n", "g.csv: expected text in UTF-8, found other bytes"),
    "h.csv": (text(["a dog,a cat"], "premise,hypothesis"),
              "h.csv, row 1: language: expected one of en, de, sw, zh, found nothing"),
    "l.csv": (text(["a dog,a cat,"]), "l.csv, row 1: language: expected one of en, de, sw, zh, "
                                      "found nothing"),
    "i.csv": (text([f"{GOOD},1"], "premise,hypothesis,language,predicted"),
              "i.csv, row 1: expected no column predicted, which is added, found one"),
    "j.csv": (text([f"{GOOD},1"], "premise,hypothesis,language,premise"),
              "j.csv, line 1: expected different columns, found one twice"),
    "k.csv": ("", "k.csv: expected at least one pair, found no rows"),
    "a.jsonl": ('{"premise": 1}\n', "a.jsonl, row 1: premise: expected text, found 1"),
    "b.jsonl": ('{"premise": "a"}\n', "b.jsonl, row 1: expected a column hypothesis"),
    "c.jsonl": ("{\n", "c.jsonl, line 1: expected JSON, found expecting property name"),
    "d.jsonl": ("[1]\n", "d.jsonl, line 1: expected keys and values, found list"),
    "e.jsonl": ('{"premise": "a", "hypothesis": "b", "language": ["en"]}\n',
                "e.jsonl, row 1: language: expected one of en, de, sw, zh, found ['en']"),
    "a.parquet": (b"PAR1", "a.parquet: expected a Parquet file, found something else"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("chunk", [1, 4_096])
def test_bad_input_is_one_line_and_leaves_no_output(here, monkeypatch, capsys, name, chunk):
    monkeypatch.setattr(files, "CHUNK", chunk)
    content, line = BAD[name]
    if content is not None:
        (here / name).write_bytes(content.encode() if isinstance(content, str) else content)
    before = {path.name for path in here.iterdir()}
    for to in ((), ("--to", "out.parquet")):
        assert call(monkeypatch, "predict", "mpt", name, *to) == 2
        said = capsys.readouterr()
        assert only_line(said.err).startswith(line)
        assert said.out == ""
        assert {path.name for path in here.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("nowhere", "pairs.csv"), "nowhere: expected a folder that mpt export wrote, or a run"),
        (("mpt", "--premise", "a", "--hypothesis", "b", "--language", "xx"),
         "--language: expected one of en, de, sw, zh, found 'xx'"),
        ((".", "pairs.csv"), ".: expected a model that mpt export wrote, found no config.json, "),
        (("mpt",), "mpt predict: expected FILE, or --premise and --hypothesis, found 0 of these"),
        (("mpt", "--premise", "a"), "mpt predict: expected FILE, or --premise and --hypothesis, "
                                    "found 1 of these"),
        (("mpt", "pairs.csv", "--premise", "a"), "mpt predict: expected FILE, or --premise and"),
        (("mpt", "pairs.csv", "--to", "out.pdf"), "out.pdf: expected a file named *.csv"),
        (("mpt", "pairs.csv", "--shots", "1"), "mpt: expected both --shots and --seed of a run"),
        (("mpt", "pairs.csv", "--shots", "1", "--seed", "1"), "params.yaml: expected the"),
    ],
)  # fmt: skip
def test_a_wrong_command_is_one_line(here, monkeypatch, capsys, arguments, line):
    assert call(monkeypatch, "predict", *arguments) == 2
    assert only_line(capsys.readouterr().err).startswith(line)
    assert not (here / "out.pdf").exists()


def test_an_older_output_stays_if_a_later_row_is_wrong(here, monkeypatch):
    monkeypatch.setattr(files, "CHUNK", 1)
    (here / "in.csv").write_text(text([GOOD, "a dog,,en"]))
    (here / "out.csv").write_text("older")
    assert call(monkeypatch, "predict", "mpt", "in.csv", "--to", "out.csv") == 2
    assert (here / "out.csv").read_text() == "older"


def test_a_full_gpu_is_one_line_and_leaves_no_output(here, monkeypatch, capsys):
    def full(*arguments, **options):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(stream, "judge", full)
    assert call(monkeypatch, "predict", "mpt", "pairs.csv", "--to", "out.csv") == 1
    assert "expected memory to predict, found it full" in only_line(capsys.readouterr().err)
    assert not (here / "out.csv").exists()


def test_values_of_another_type_in_a_later_chunk_are_refused(here, monkeypatch, capsys):
    monkeypatch.setattr(files, "CHUNK", 1)
    rows = [
        {"premise": "a", "hypothesis": "b", "language": "en", "more": more} for more in (1, "x")
    ]
    (here / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert call(monkeypatch, "predict", "mpt", "in.jsonl", "--to", "out.parquet") == 1
    assert "Parquet: expected one type per column" in only_line(capsys.readouterr().err)
    assert not (here / "out.parquet").exists()


def test_columns_of_a_parquet_file_keep_their_types(here, monkeypatch):
    frame = examples().assign(weight=1.5, day=pd.Timestamp("2024-01-01"))
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table, "in.parquet")
    assert call(monkeypatch, "predict", "mpt", "in.parquet", "--to", "out.parquet") == 0
    kinds = {field.name: field.type for field in pq.read_schema("out.parquet")}
    assert {field.name: field.type for field in table.schema}.items() <= kinds.items()
    assert pd.read_parquet("out.parquet")[[*frame]].equals(pd.read_parquet("in.parquet"))


@pytest.mark.parametrize("name", ["mpt", "sp_matched"])
def test_a_run_is_trained_and_predicts_as_its_cell(prepared, monkeypatch, name):
    (prepared / "data/updates").mkdir(parents=True)
    (prepared / "data/updates/k1.json").write_text('{"updates": 4, "epoch": 2}')
    matched = name.endswith("_matched")
    train(name.removesuffix("_matched"), shots=1, seed=1, matched=matched)
    arguments = (name, "data/corpora/test.parquet", "--shots", "1", "--seed", "1")
    assert call(monkeypatch, "predict", *arguments, "--to", "out.parquet") == 0
    found = pd.read_parquet("out.parquet")
    cell = pd.read_parquet(f"data/runs/{name}/k1/s1/predictions.parquet")
    named = cell.predicted.map(lambda number: LABELS[number])
    assert_predicts(found, cell[COLUMNS[1:]].assign(predicted=named)[COLUMNS])


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "nli.json"])
def test_a_damaged_export_is_one_line(here, exported, monkeypatch, capsys, name):
    shutil.copytree(exported[0] / "mpt", here / "damaged")
    (here / "damaged" / name).write_text("{}")
    assert call(monkeypatch, "predict", "damaged", "pairs.csv") == 2
    assert only_line(capsys.readouterr().err).startswith("damaged")
