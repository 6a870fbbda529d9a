"""The tables of docs/real_text.md, from the numbers beside it.

    python -m bench.real_text            # prints the tables
    python -m bench.real_text --collect  # first copies the numbers of the run in this folder
    python -m bench.real_text --field    # the same for a run of all methods with fewer seeds

The numbers are CSV files in docs/real_text/: those of `results/` as `mpt tables` wrote them,
`cells.csv` and `history.csv` of the cells, `alignment.csv` and `prompts.csv` (bench.alignment) and
`tuning.csv`. `field/` has those of the run of all methods.
A test compares the tables with the page.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from pipeline.artifacts import read_json
from pipeline.cells.files import circumstances_path, run_folder
from pipeline.errors import InputError
from pipeline.evaluation.printing import markdown_table
from pipeline.params.runs import LABELS
from pipeline.params.whole import load_params
from pipeline.profiles import load_profile
from stages.terminal import say

FOLDER = Path("docs/real_text")
FIELD = FOLDER / "field"
COPIED = ("accuracy", "intervals", "differences", "significance", "confusion", "table2")

GROUPS: Mapping[str, Sequence[str]] = {
    "en": ("en",),
    "European": ("de", "es", "fr", "bg", "el", "ru"),
    "others": ("ar", "hi", "sw", "th", "tr", "ur", "vi", "zh"),
}
"""Groups of test languages: English, and those that are near to it or far from it."""


def copy_results(names: Sequence[str], folder: Path) -> None:
    """Copy tables of the run in the working folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(f"results/{name}.csv", folder / f"{name}.csv")


def collect() -> None:
    """Copy the numbers of the run in the working folder to FOLDER."""
    copy_results(COPIED, FOLDER)
    cells, histories = [], []
    for run, shots, seed in load_params().cells:
        folder, cell = run_folder(run, shots, seed), {"run": run, "shots": shots, "seed": seed}
        metrics = read_json(folder / "metrics.json")
        facts = read_json(circumstances_path(run, shots, seed))
        kept = {key: metrics[key] for key in ("updates", "kept_epoch", "dev_accuracy")}
        peak = {"peak_memory_mib": facts["peak_memory_mib"]}
        cells.append({**cell, **kept, **facts["seconds"], **peak})
        history = pd.read_csv(folder / "history.csv")
        histories.append(pd.DataFrame([cell] * len(history)).join(history))
    pd.DataFrame(cells).to_csv(FOLDER / "cells.csv", index=False)
    pd.concat(histories).to_csv(FOLDER / "history.csv", index=False)


def tables(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield title and Markdown of each table whose numbers are in CSV files in a folder.

    Raises:
        InputError: there is no such file.
    """
    there = {path.stem: pd.read_csv(path) for path in sorted(folder.glob("*.csv"))}
    if not there:
        raise InputError(f"{folder}: expected CSV files with numbers, found none")
    for title, (table, names) in TABLES.items():
        if there.keys() >= set(names):
            yield title, table(*(there[name] for name in names))
    if (folder / FIELD.name).is_dir():
        yield from ((f"field: {title}", table) for title, table in tables(folder / FIELD.name))


def _accuracy(accuracy: pd.DataFrame, intervals: pd.DataFrame) -> str:
    """Means over seeds by group of languages, and the interval of the mean of all languages."""
    grouped = {
        name: accuracy[accuracy.language.isin(codes)].groupby(["shots", "run"], sort=False)
        for name, codes in GROUPS.items()
    }
    frame = pd.DataFrame({name: group.accuracy.mean() for name, group in grouped.items()})
    frame = frame.map("{:.1f}".format)
    by_seed = accuracy.groupby(["shots", "run", "seed"], sort=False).accuracy.mean()
    frame["by seed"] = by_seed.groupby(level=[0, 1], sort=False).agg(
        lambda seeds: ", ".join(f"{value:.1f}" for value in seeds)
    )
    whole = intervals[intervals.language == "avg"].set_index(["shots", "run"])
    frame["all 15"] = whole["mean"].map("{:.1f}".format)
    frame["interval"] = [
        f"{row.low:.1f} to {row.high:.1f}" for row in whole.loc[frame.index].itertuples()
    ]
    return _markdown(_by_shots(frame.reset_index()))


def _differences(differences: pd.DataFrame, significance: pd.DataFrame) -> str:
    """The reference minus each other run on the mean of all languages, paired over seeds."""
    frame = differences[differences.language == "avg"].copy()
    paired = significance[significance.test == "paired_t_seeds"]
    paired = paired.groupby(["shots", "other"]).p_value.first()
    frame["p (t, seeds)"] = [
        f"{paired.get((row.shots, row.other), float('nan')):.3f}" for row in frame.itertuples()
    ]
    frame["difference"] = frame.difference.map("{:+.1f}".format)
    frame["interval"] = [f"{row.low:+.1f} to {row.high:+.1f}" for row in frame.itertuples()]
    frame["run minus other"] = frame.run + " - " + frame.other
    shown = ["shots", "run minus other", "difference", "interval", "p (t, seeds)"]
    return _markdown(_by_shots(frame[shown]))


def _gain(differences: pd.DataFrame) -> str:
    """The reference minus the baseline in each language, with its interval, by shots."""
    gain = differences[differences.other == load_profile("real_text").comparison.baseline]
    texts = [
        f"{row.difference:+.1f} ({row.low:+.1f} to {row.high:+.1f})" for row in gain.itertuples()
    ]
    frame = gain.assign(text=texts).pivot(index="language", columns="shots", values="text")
    codes = [code for group in GROUPS.values() for code in group]
    return _markdown(frame.loc[codes].rename(columns="{} shots".format).reset_index())


def _curves(history: pd.DataFrame) -> str:
    """Accuracy on dev after each epoch, mean over seeds, and the loss of the last epoch."""
    trained = history[history.epoch > 0]
    runs = trained.groupby(["shots", "run", "updates"], sort=False)
    frame = runs.dev_accuracy.mean().unstack("updates").map("{:.1f}".format)
    last = trained[trained.updates == trained.updates.max()]
    loss = last.groupby(["shots", "run"], sort=False).loss.mean()
    frame = frame.rename(columns="after {}".format)
    frame["loss of the last epoch"] = loss.map("{:.3f}".format)
    return _markdown(frame.reset_index())


def _prompts(prompts: pd.DataFrame) -> str:
    """Accuracy in the source and in the target languages with each of the two prompts."""
    keys = ["run", "shots", "seed", "prompt"]
    sides = prompts.assign(side=prompts.language.eq("en").map({True: "en", False: "the other 14"}))
    means = sides.groupby([*keys, "side"], sort=False)
    frame = means.accuracy.mean().unstack("side").map("{:.1f}".format)
    others = sides[sides.side != "en"].groupby(keys, sort=False)
    for label in LABELS:
        frame[label] = others[label].mean().map("{:.0f}".format)
    return _markdown(frame.reset_index())


def _answers(confusion: pd.DataFrame) -> str:
    """How often each label is answered, percent: the mean of the shares for each right label.

    So every right label counts as a third, although a cut test set need not have a third of each.
    """
    shares = confusion.groupby(["shots", "run", "language", "predicted"], sort=False).percent.mean()
    whole = shares.groupby(level=["shots", "run", "predicted"], sort=False).mean()
    frame = whole.unstack("predicted")[list(LABELS)].map("{:.0f}".format)
    largest = shares.groupby(level=["shots", "run", "language"]).max()
    frame["most one-sided language"] = [
        f"{part.idxmax()} {part.max():.0f}" for part in (largest.loc[key] for key in frame.index)
    ]
    return _markdown(frame.reset_index())


def _alignment(alignment: pd.DataFrame) -> str:
    """Answers on the parallel pairs by epoch."""
    frame = alignment[["run", "seed", "epoch"]].copy()
    frame["KL, nats"] = alignment.kl.map("{:.4f}".format)
    frame["agreement"] = alignment.agreement.map("{:.0f}".format)
    for label in LABELS:
        frame[label] = alignment[f"target_{label}"].map("{:.0f}".format)
    frame["dev"] = alignment.dev_accuracy.map("{:.1f}".format)
    frame["kept"] = alignment.kept.map({True: "yes", False: ""})
    return _markdown(frame)


def _precision(precision: pd.DataFrame) -> str:
    """Accuracy of the same cells in both precisions, and how many of their answers agree."""
    means = precision.groupby(["run", "shots", "seed"], sort=False)
    frame = means[["bfloat16", "float32", "same"]].mean().map("{:.1f}".format)
    return _markdown(frame.rename(columns={"same": "same answers, %"}).reset_index())


def _tuning(tuning: pd.DataFrame) -> str:
    """Accuracy on the tuning text at the epoch with the best dev accuracy, mean over seeds."""
    best = tuning.loc[tuning.groupby(["recipe", "run", "seed"], sort=False).dev_accuracy.idxmax()]
    frame = best.groupby(["recipe", "run"], sort=False).accuracy.agg(
        lambda seeds: ", ".join(f"{value:.1f}" for value in seeds)
    )
    return _markdown(frame.unstack("run").fillna("").reset_index())


def _by_shots(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows by shots, otherwise in their order."""
    return frame.sort_values("shots", kind="stable")


def _markdown(frame: pd.DataFrame) -> str:
    return markdown_table([[*map(str, frame.columns)], *frame.astype(str).to_numpy().tolist()])


TABLES: Mapping[str, tuple[Callable[..., str], Sequence[str]]] = {
    "tuning": (_tuning, ["tuning"]),
    "accuracy": (_accuracy, ["accuracy", "intervals"]),
    "differences": (_differences, ["differences", "significance"]),
    "gain": (_gain, ["differences"]),
    "curves": (_curves, ["history"]),
    "answers": (_answers, ["confusion"]),
    "alignment": (_alignment, ["alignment"]),
    "prompts": (_prompts, ["prompts"]),
    "precision": (_precision, ["precision"]),
}
"""The tables in the order of the page, and the files that each is made from."""


def main() -> None:
    """Print the tables; exit 2 if a file is missing."""
    options = argparse.ArgumentParser(
        prog="bench.real_text",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    options.add_argument("--collect", action="store_true", help="copy the numbers first")
    options.add_argument("--field", action="store_true", help="copy those of all methods first")
    chosen = options.parse_args()
    try:
        if chosen.collect:
            collect()
        if chosen.field:
            copy_results(("accuracy", "intervals"), FIELD)
        for title, table in tables(FOLDER):
            say(f"## {title}\n\n{table}\n")
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
