"""`mpt predict`: labels and probabilities for sentence pairs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from pipeline.inference.files import Source
    from pipeline.inference.model import ExportedModel
    from pipeline.inference.stream import Stream
    from pipeline.progress import Progress

MODEL = "A folder that mpt export wrote, or a run with --shots and --seed, trained again."
FILE = "CSV, TSV, JSONL or Parquet with premise, hypothesis and perhaps language; - for stdin."


def predict(  # noqa: PLR0913
    model: Annotated[str, typer.Argument(help=MODEL)],
    file: Annotated[str | None, typer.Argument(help=FILE)] = None,
    *,
    to: Annotated[Path | None, typer.Option(help="File to write; stdout by default.")] = None,
    premise: Annotated[str | None, typer.Option(help="One premise, in place of FILE.")] = None,
    hypothesis: Annotated[str | None, typer.Option(help="Its hypothesis.")] = None,
    language: Annotated[str | None, typer.Option(help="Of rows without a language.")] = None,
    kind: Annotated[
        Literal["csv", "tsv", "jsonl"], typer.Option(help="Kind of stdin and stdout.")
    ] = "csv",
    shots: Annotated[int | None, typer.Option(min=1, help="Shots of the run.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**31 - 1, help="Seed of the run.")] = None,
) -> None:
    """Predict sentence pairs: write the rows of FILE with label and probabilities, in order.

    If FILE has a column label (a name or id), the accuracy by language is shown.
    """
    from pipeline.inference.files import kind_of, writer
    from pipeline.inference.stream import Stream
    from pipeline.training import reproducibility
    from stages.terminal import bar

    source = _source(file, premise, hypothesis, kind)
    written = kind_of(to) if to else kind
    reproducibility.keep_memory()
    reproducibility.make_deterministic(0)
    with bar() as progress:
        loaded = _model(model, shots, seed, progress).to(reproducibility.device())
    threads = reproducibility.set_threads(1)
    stream = Stream(loaded, source.place, language=language, threads=threads)
    with _output(to) as path:
        with bar() as progress, writer(path, written, types=source.types) as write:
            for rows in stream.predicted(source.chunks):
                write(rows)
                progress("predicting", stream.rows, max(source.rows, stream.rows))
        stream.require_rows()
    _summarize(stream)


def _source(file: str | None, premise: str | None, hypothesis: str | None, kind: str) -> "Source":
    """Return the rows of a file, of standard input or of one pair."""
    import io
    import sys

    from pipeline.errors import InputError
    from pipeline.inference.files import Source, one_pair, read_file, read_stream

    pair = [text for text in (premise, hypothesis) if text is not None]
    if file is None and len(pair) == 2:
        return one_pair(*pair)
    if file is None or pair:
        found = "both" if file else f"{len(pair)} of these"
        raise InputError(
            f"mpt predict: expected FILE, or --premise and --hypothesis, found {found}"
        )
    if file != "-":
        return read_file(Path(file))
    stream = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline="")
    return Source("stdin", 0, read_stream(stream, kind, place="stdin"))


def _model(name: str, shots: int | None, seed: int | None, progress: "Progress") -> "ExportedModel":
    """Load an exported folder, or train a cell and take its model."""
    import tempfile

    from pipeline.errors import InputError
    from pipeline.inference.model import load_exported

    if shots is None and seed is None:
        if not Path(name).is_dir():
            raise InputError(
                f"{name}: expected a folder that mpt export wrote, or a run with --shots and "
                f"--seed, found no such folder"
            )
        return load_exported(Path(name))
    if shots is None or seed is None:
        raise InputError(f"{name}: expected both --shots and --seed of a run, found one of them")

    from pipeline.backbone.files import backbone_folder
    from pipeline.export.folder import write_model
    from pipeline.export.retraining import CellName, train_again
    from pipeline.params.runs import load_runs

    trained = train_again(load_runs(), CellName(name, shots, seed), progress=progress)
    method = trained.cell.method
    backbone = backbone_folder(method.run.backbone)
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder), method, backbone=backbone, dtype="float32")
        return load_exported(Path(folder))


@contextmanager
def _output(to: Path | None) -> Iterator[Path]:
    """Yield a file to write: beside `to` until it is whole, or shown on stdout then."""
    import sys
    import tempfile

    from pipeline.files import atomic

    if to:
        with atomic(to) as path:
            yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        yield path
        with path.open(encoding="utf-8", newline="") as file:
            while text := file.read(2**20):
                sys.stdout.write(text)


def _summarize(stream: "Stream") -> None:
    """Say on stderr what was cut, and how many labels are right."""
    import sys

    if stream.cut:
        most = stream.model.nli.max_length
        sys.stderr.write(
            f"{stream.place}: {stream.cut:,} of {stream.rows:,} pairs were cut to {most} tokens\n"
        )
    for code, accuracy in stream.accuracies.items():
        sys.stderr.write(
            f"{stream.place}: {code}: {accuracy:.1f} % of {stream.labelled[code]:,} labels right\n"
        )
