"""The model card of an exported folder: README.md."""

import json

import numpy as np
import pandas as pd

from pipeline.evaluation.bootstrap import Bootstrap, interval
from pipeline.evaluation.cells import Cells
from pipeline.evaluation.files import AVERAGE
from pipeline.export.check import Checked
from pipeline.export.provenance import Provenance
from pipeline.export.retraining import CellName
from pipeline.export.snippets import CLASSIFICATION, ZERO_SHOT, cloze
from pipeline.languages import LANGUAGES
from pipeline.params.runs import LABELS
from pipeline.prompting.nli import Nli

LICENCES = (
    "XNLI is CC BY-NC 4.0, for non-commercial use only; PAWS-X may be used for any purpose, with "
    "Google acknowledged as its source. If the model was trained on them, keep to their terms. "
    "The backbone has a licence of its own. This folder contains no text of any dataset."
)


def card(
    name: CellName, source: Provenance, nli: Nli, predictions: pd.DataFrame, checked: Checked
) -> str:
    """Return README.md."""
    parts = [
        _front(source, nli),
        f"# {source.method}\n\nNatural language inference in "
        f"{len(nli.languages)} languages: does a premise entail a hypothesis, contradict it, or "
        f"neither? Trained on {name.shots} pairs per label in {LANGUAGES[nli.source].name}, "
        f"seed {name.seed}, from `{source.backbone}`.",
        _accuracy(predictions),
        _use(nli, checked, source.separator),
        _training(source),
        f"## Licence\n\n{LICENCES}",
    ]
    return "\n\n".join(parts) + "\n"


def _front(source: Provenance, nli: Nli) -> str:
    """Return the block that the Hub reads."""
    kind = "text-classification" if nli.kind == "classification" else "fill-mask"
    lines = ["library_name: transformers", f"pipeline_tag: {kind}", "language:"]
    lines += [f"- {code}" for code in nli.languages]
    lines += ["tags:", "- natural-language-inference", "- few-shot"]
    if nli.kind == "classification":
        lines.append("- zero-shot-classification")
    if source.revision:
        lines.append(f"base_model: {source.backbone}")
    return "\n".join(["---", *lines, "---"])


def _accuracy(predictions: pd.DataFrame) -> str:
    """Return the accuracy by language with its interval over test pairs, percent."""
    by_language = predictions.sort_values(["language", "pair_id"], key=lambda one: one.astype(str))
    codes = tuple(sorted(predictions["language"].astype(str).unique()))
    shape = len(codes), -1
    pair_ids = pd.Index(by_language["pair_id"].to_numpy().reshape(shape)[0])
    label, predicted = (
        by_language[column].to_numpy(np.int8).reshape(shape) for column in ("label", "predicted")
    )
    cell = ("exported", 1, 0)
    cells = Cells(codes, pair_ids, label, {cell: predicted})
    accuracies = cells.accuracies(*cell[:2], [0])[0]
    low, high = interval(Bootstrap(cells).accuracies(*cell[:2], [0]))
    means = [*accuracies, accuracies.mean()]
    rows = [
        f"| {code} | {mean:.1f} | {least:.1f} to {most:.1f} |"
        for code, mean, least, most in zip((*codes, AVERAGE), means, low, high, strict=True)
    ]
    return "\n".join([
        "## Accuracy",
        "",
        f"Percent of {len(pair_ids):,} test pairs per language, with 95 % bootstrap intervals over "
        "the pairs. Other seeds and other training pairs would give other models, which the "
        f"intervals do not include. Chance is {100 / len(LABELS):.1f}.",
        "",
        "| language | accuracy | interval |",
        "|---|---|---|",
        *rows,
    ])  # fmt: skip


def _use(nli: Nli, checked: Checked, separator: int | None) -> str:
    """Return how to predict, with code and without."""
    is_cloze = nli.kind == "cloze"
    classification = CLASSIFICATION.replace("MAX_LENGTH", str(nli.max_length))
    snippet = cloze(separator) if is_cloze else classification
    lines = [
        "## Use",
        "",
        "With `transformers`, one pair at a time; `language` is a code such as `sw`:",
        "",
        f"```python\n{snippet}```",
        "",
        "The same for files, in batches, with the code that trained the model: "
        "`mpt predict FOLDER pairs.csv`.",
        "",
        f"Compared with the trained model on {checked.rows:,} test pairs, the probabilities of "
        f"this folder differ by at most {checked.largest:.1g}, and {checked.labels or 'none'} of "
        f"the predicted labels.",
    ]
    if nli.precision == "bfloat16":
        lines[-1] += " It was trained and evaluated in bfloat16; the code above uses float32."
    if is_cloze:
        lines += ["", _template(nli, checked)]
    else:
        lines += ["", f"For other labels than these:\n\n```python\n{ZERO_SHOT}```"]
    return "\n".join(lines)


def _template(nli: Nli, checked: Checked) -> str:
    """Return the templates as text, and for how many pairs the tokenizer splits it alike."""
    forms = "\n".join(f"- {', '.join(form.languages)}: `{form.text}`" for form in nli.templates)
    exact = checked.same_pieces == checked.whole
    count = f"{checked.whole:,} test pairs within {nli.max_length} tokens"
    same = f"all of the {count}" if exact else f"{checked.same_pieces:,} of the {count}"
    sentences = [
        "The templates as text, with the sentences in the forms of `nli.json` (`strip`, then "
        f"`replace`):\n\n{forms}\n\nA tokenizer splits this text as the code above does for "
        f"{same} that were compared."
    ]
    if not exact:
        sentences.append(
            "In the others it joins the end of one part with the beginning of the next. The code "
            "tokenizes each part by itself, as in training, and is exact for all."
        )
    if any("<p" in form.text for form in nli.templates):
        sentences.append("`<p...>` are the vectors of a soft prompt, as further tokens.")
    return " ".join(sentences)


def _training(source: Provenance) -> str:
    rows = [f"| {key} | {value} |" for key, value in source.facts.items()]
    settings = json.dumps(source.settings, ensure_ascii=False)
    return "\n".join(
        ["## Training", "", "| what | which |", "|---|---|", *rows, "", f"Settings: `{settings}`"]
    )
