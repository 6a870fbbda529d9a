"""A finished project in a folder: cells with drawn predictions, and the tables made from them.

The numbers of results/ are worked out here once more, with pandas alone, so that the report is
tested against files that `mpt tables` did not write. Intervals are mean ± 2 deviations: the report
shows what the files say, whatever it is.
"""

import json
import zlib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pipeline.artifacts import read_json, write_csv, write_json, write_table
from pipeline.cells.files import PREDICTIONS, circumstances_path, run_folder
from pipeline.cells.metrics import cell_metrics
from pipeline.corpora.files import CORPORA, EXAMPLES, FEWSHOT, PARALLEL_PAIRS, PAWS15, SPLITS
from pipeline.evaluation.files import RESULTS
from pipeline.evaluation.significance import holm, paired_t
from pipeline.params.runs import LABELS
from pipeline.params.whole import CELLS, Params, load_params

SETTINGS = {
    "method": "mpt",
    "epochs": 5,
    "learning_rate": 2e-4,
    "position": "suffix",
    "verbalizer": {"entailment": "yes", "neutral": "maybe", "contradiction": "no"},
    "pairs": "paws15",
    "external_pairs": 280,
    "alpha": 0.5,
    "translator": "linear-2",
    "prompt_length": 4,
}
CIRCUMSTANCES = {
    "seconds": {"load": 4.0, "train": 60.0, "predict": 2.5},
    "torch": "2.13.0+cpu",
    "safetensors": "0.8.0",
    "tokenizers": "0.23.3",
    "numpy": "2.4.6",
    "python": "3.11.7",
    "machine": "x86_64",
    "threads": 2,
    "peak_memory_mib": 796,
    "device": "cpu",
}
TESTS = ("paper_independent_t_16_columns", "paired_t_seeds", "paired_t_languages",
         "mcnemar_clustered")  # fmt: skip


@dataclass(frozen=True)
class Spec:
    """What a project is drawn with.

    Attributes:
        pairs: test pairs.
        skill: of a run, the share of rows that it gets right beyond chance; 0.3 where not named.
        stuck: cells that predict one label alone.
        changed: settings of a run that are not the reference's.
        texts: the first test pairs' premise and hypothesis, in every language.
    """

    pairs: int = 60
    skill: dict[str, float] = field(default_factory=dict)
    stuck: tuple[tuple[str, int, int], ...] = ()
    changed: dict[str, dict[str, object]] = field(default_factory=dict)
    texts: tuple[tuple[str, str], ...] = ()


def write_project(spec: Spec) -> Params:
    """Write data/ and results/ beside the params.yaml of this folder."""
    params = load_params()
    write_corpus(params, spec)
    for cell in params.cells:
        write_cell(cell, params, spec)
    write_inputs(params)
    write_results(params)
    return params


def write_corpus(params: Params, spec: Spec) -> None:
    rows = [
        {
            "language": language,
            "pair_id": f"p{i}",
            "premise": spec.texts[i][0] if i < len(spec.texts) else f"Premise {i} in {language}.",
            "hypothesis": spec.texts[i][1] if i < len(spec.texts) else f"Hypothesis {i}.",
            "label": i % 3,
        }
        for language in params.languages.all
        for i in range(spec.pairs)
    ]
    write_table(pd.DataFrame(rows), CORPORA / "test.parquet", EXAMPLES)


def write_cell(cell: tuple[str, int, int], params: Params, spec: Spec) -> None:
    run, shots, _ = cell
    generator = np.random.default_rng(zlib.crc32(repr(cell).encode()))
    languages, n = params.languages.all, spec.pairs
    label = np.tile(np.arange(n) % 3, len(languages))
    known = 1 / 3 + spec.skill.get(run, 0.3) * np.log2(1 + shots) / 6
    known -= 0.02 * np.repeat(np.arange(len(languages)) % 5, n)
    right = generator.random(len(label)) < known
    wrong = (label + generator.choice([1, 2], size=len(label), p=[0.7, 0.3])) % 3
    predicted = np.where(right, label, wrong) if cell not in spec.stuck else np.zeros_like(label)
    frame = pd.DataFrame(
        {
            "language": np.repeat(languages, n),
            "pair_id": np.tile([f"p{i}" for i in range(n)], len(languages)),
            "label": label,
            "predicted": predicted,
            "p_entailment": 0.5,
            "p_neutral": 0.25,
            "p_contradiction": 0.25,
        }
    )
    folder = run_folder(*cell)
    write_table(frame, folder / "predictions.parquet", PREDICTIONS)
    settings = SETTINGS | {"method": params.methods[run]["method"]} | spec.changed.get(run, {})
    dev = {"dev_accuracy": 100 / 3 if cell in spec.stuck else 80.0, "kept_epoch": 5, "updates": 60}
    metrics = cell_metrics(frame) | dev | {"settings": settings}
    write_json(metrics, folder / "metrics.json")
    write_json(CIRCUMSTANCES, circumstances_path(*cell))


def write_inputs(params: Params) -> None:
    """Write the splits and the pairs, as far as the report reads them."""
    row = {"split": "train", "pair_id": "a", "premise": "x", "hypothesis": "y", "label": 0}
    for shots in params.grid.shots:
        notes = {"source": "sample", "split_seed": "0", "per_seed": "false", "sha256": "ab" * 32}
        write_table(pd.DataFrame([row]), FEWSHOT / f"k{shots}.parquet", SPLITS, notes=notes)
    pair = {"pair_id": "a", "language": "de", "premise": "x", "hypothesis": "y",
            "target_premise": "X", "target_hypothesis": "Y", "engine": "dataset"}  # fmt: skip
    write_table(pd.DataFrame([pair]), PAWS15 / "pairs.parquet", PARALLEL_PAIRS)
    manifest = {
        "engine": "google",
        "engine_version": "2026",
        "dates": {"first": "2026-11-01", "last": "2026-11-03"},
        "seed": 0,
        "assignment": "balanced",
        "pairs": 280,
        "pool": 600,
        "pool_sha256": "cd" * 32,
    }
    write_json(manifest, PAWS15 / "manifest.json")


def write_results(params: Params) -> None:
    """Make results/ from the cells that lie here."""
    found = {cell: _accuracy(cell) for cell in params.cells}
    accuracy = pd.DataFrame(
        [
            (*cell, language, value)
            for cell, by_language in found.items()
            for language, value in by_language.items()
        ],
        columns=["run", "shots", "seed", "language", "accuracy"],
    )
    wide = accuracy.pivot(index=["run", "shots", "seed"], columns="language", values="accuracy")
    wide["avg"] = wide.mean(axis=1)
    write_csv(accuracy, RESULTS / "accuracy.csv")
    for name, how in (("table1", "mean"), ("table1_std", "std")):
        table = wide.groupby(level=["shots", "run"]).agg(how)
        rows = [(k, r) for k in params.grid.shots for r in params.grid.runs]
        table = table.loc[rows].reset_index().rename(columns={"run": "method"})
        write_csv(table, RESULTS / f"{name}.csv")
    curves = wide["avg"].groupby(level=["shots", "run"]).mean().unstack()[list(params.grid.runs)]
    write_csv(curves.reset_index(), RESULTS / "curves.csv")
    intervals = _intervals(wide)
    write_csv(intervals, RESULTS / "intervals.csv")
    differences = _differences(wide, params)
    write_csv(differences, RESULTS / "differences.csv")
    significance = _significance(wide, params)
    write_csv(significance, RESULTS / "significance.csv")
    write_csv(_table2(wide, significance, params), RESULTS / "table2.csv")
    write_csv(_sweeps(intervals, params), RESULTS / "sweeps.csv")
    write_csv(_paper_gap(intervals, params), RESULTS / "paper_gap.csv")
    write_csv(_confusion(params), RESULTS / "confusion.csv")
    (RESULTS / "metrics.json").write_text(json.dumps({"test_pairs": 300}))


def _accuracy(cell: tuple[str, int, int]) -> dict[str, float]:
    metrics = read_json(run_folder(*cell) / "metrics.json")
    return {k: metrics["accuracy"][k] for k in sorted(metrics["accuracy"]) if k != "avg"}


def _intervals(wide: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (run, shots), part in wide.groupby(level=["run", "shots"], sort=False):
        for language in wide.columns:
            mean, std = part[language].mean(), part[language].std(ddof=1)
            wide_by = 2 * (0 if np.isnan(std) else std) / np.sqrt(len(part)) + 0.7
            rows.append((run, shots, language, len(part), mean, std, mean - wide_by,
                         mean + wide_by))  # fmt: skip
    names = ["run", "shots", "language", "seeds", "mean", "std", "low", "high"]
    return pd.DataFrame(rows, columns=names)


def _differences(wide: pd.DataFrame, params: Params) -> pd.DataFrame:
    reference, rows = params.comparison.reference, []
    means = wide.groupby(level=["run", "shots"], sort=False)
    for (run, shots), part in means:
        if run == reference or (reference, shots) not in means.groups:
            continue
        ours = means.get_group((reference, shots))
        for language in wide.columns:
            one, two = ours[language].mean(), part[language].mean()
            rows.append((reference, run, shots, language, min(len(ours), len(part)), one - two,
                         one - two - 1.1, one - two + 1.3, 100 * (one / two - 1)))  # fmt: skip
    names = ["run", "other", "shots", "language", "seeds", "difference", "low", "high", "relative"]
    return pd.DataFrame(rows, columns=names)


def _significance(wide: pd.DataFrame, params: Params) -> pd.DataFrame:
    reference, rows = params.comparison.reference, []
    means = wide["avg"].groupby(level=["run", "shots"], sort=False)
    for family in CELLS:
        grid = getattr(params, family)
        for shots in grid.shots:
            for other in grid.runs:
                if other == reference or (reference, shots) not in means.groups:
                    continue
                ours, theirs = means.get_group((reference, shots)), means.get_group((other, shots))
                n = min(len(ours), len(theirs))
                done = paired_t(ours.to_numpy()[:n], theirs.to_numpy()[:n], over="seeds")
                rows += [
                    {"family": family, "shots": shots, "run": reference, "other": other,
                     "test": test} | vars(done)
                    for test in TESTS
                ]  # fmt: skip
    columns = ["family", "shots", "run", "other", "test", "statistic", "df", "n", "difference",
               "p_value", "p_holm", "note"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    for (_, test), part in frame.groupby(["family", "test"]):
        if test != TESTS[0]:
            known = [None if pd.isna(p) else float(p) for p in part["p_value"]]
            frame.loc[part.index, "p_holm"] = pd.Series(holm(known), index=part.index, dtype=float)
    return frame


def _table2(wide: pd.DataFrame, significance: pd.DataFrame, params: Params) -> pd.DataFrame:
    reference, means = params.comparison.reference, wide.groupby(level=["shots", "run"]).mean()
    rows = []
    for shots in params.ablations.shots if params.comparison.table2 else ():
        for variant, run in {"original": reference, **params.comparison.table2}.items():
            if (shots, run) not in means.index:
                continue
            ours = significance[(significance.shots == shots) & (significance.other == run)]
            p = ours.set_index("test")
            rows.append(
                {"shots": shots, "variant": variant, "run": run, **means.loc[(shots, run)]}
                | ({} if run == reference else {
                    "p_paper": p.p_value[TESTS[0]],
                    "p_seeds": p.p_value[TESTS[1]], "p_seeds_holm": p.p_holm[TESTS[1]],
                    "p_mcnemar": p.p_value[TESTS[3]], "p_mcnemar_holm": p.p_holm[TESTS[3]],
                })
            )  # fmt: skip
    p_columns = ["p_paper", "p_seeds", "p_seeds_holm", "p_mcnemar", "p_mcnemar_holm"]
    return pd.DataFrame(rows, columns=["shots", "variant", "run", *wide.columns, *p_columns])


def _sweeps(intervals: pd.DataFrame, params: Params) -> pd.DataFrame:
    reference, averages = params.comparison.reference, intervals[intervals.language == "avg"]
    rows = []

    def settings(run: str, shots: int) -> dict[str, object]:
        seeds = next(g.seeds for b in CELLS if run in (g := getattr(params, b)).runs)
        return read_json(run_folder(run, shots, seeds[0]) / "metrics.json").get("settings", {})

    def text(value: object) -> str:
        return value if isinstance(value, str) else json.dumps(value)

    for one in averages.itertuples():
        if (
            one.run in {reference, *params.grid.runs}
            or not ((averages.run == reference) & (averages.shots == one.shots)).any()
        ):
            continue
        ours, theirs = settings(one.run, one.shots), settings(reference, one.shots)
        changed = [k for k in ours if ours[k] != theirs.get(k)]
        if len(changed) == 1:
            for who, what in ((one.run, ours), (reference, theirs)):
                row = averages[(averages.run == who) & (averages.shots == one.shots)].iloc[0]
                rows.append((changed[0], text(what.get(changed[0])), who, one.shots, row.seeds,
                             row["mean"], row["std"], row.low, row.high))  # fmt: skip
    names = ["key", "value", "run", "shots", "seeds", "mean", "std", "low", "high"]
    return pd.DataFrame(rows, columns=names).drop_duplicates()


def _paper_gap(intervals: pd.DataFrame, params: Params) -> pd.DataFrame:
    ours = intervals.set_index(["run", "shots", "language"])
    names = {"mpt": params.comparison.reference, **params.comparison.table2}
    rows = []
    for number, column in ((1, "method"), (2, "variant")):
        for _, row in pd.read_csv(f"data/paper/table{number}.csv").iterrows():
            run = row[column] if number == 1 else names.get(row[column], "")
            for language in row.index[2:18]:
                key = (run, row["shots"], language)
                got = ours.loc[key] if key in ours.index else None
                values = [np.nan] * 3 if got is None else [got["mean"], got.low, got.high]
                gap = [value - row[language] for value in values]
                rows.append((number, row["shots"], row[column], run if got is not None else "",
                             language, *values, row[language], *gap))  # fmt: skip
    names_ = ["table", "shots", "row", "run", "language", "ours", "low", "high", "paper",
              "difference", "difference_low", "difference_high"]  # fmt: skip
    return pd.DataFrame(rows, columns=names_)


def _confusion(params: Params) -> pd.DataFrame:
    parts = []
    for run, shots, seed in params.cells:
        frame = pd.read_parquet(run_folder(run, shots, seed) / "predictions.parquet")
        share = pd.crosstab([frame.language.astype(str), frame.label], frame.predicted,
                            normalize="index").reindex(columns=range(3), fill_value=0)  # fmt: skip
        long = share.stack().rename("percent").reset_index()
        parts.append(long.assign(run=run, shots=shots))
    frame = pd.concat(parts).groupby(["run", "shots", "language", "label", "predicted"], sort=False)
    table = (100 * frame["percent"].mean()).reset_index()
    for column in ("label", "predicted"):
        table[column] = [LABELS[i] for i in table[column]]
    return table[["run", "shots", "language", "label", "predicted", "percent"]]
