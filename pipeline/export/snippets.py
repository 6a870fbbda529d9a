"""Code for a model card: predictions with nothing but `transformers`, exactly as here."""

CLASSIFICATION = """\
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

FOLDER = "."  # this folder, or its name on the Hub
tokenizer = AutoTokenizer.from_pretrained(FOLDER)
model = AutoModelForSequenceClassification.from_pretrained(FOLDER, dtype=torch.float32).eval()


@torch.inference_mode()
def probabilities(premise, hypothesis, language=None):
    inputs = tokenizer(
        premise, hypothesis, truncation="longest_first", max_length=MAX_LENGTH, return_tensors="pt"
    )
    return dict(zip(model.config.label2id, model(**inputs).logits[0].softmax(-1).tolist()))
"""

CLOZE = '''\
import json
import re

import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer
from transformers.utils import cached_file

FOLDER = "."  # this folder, or its name on the Hub
tokenizer = AutoTokenizer.from_pretrained(FOLDER)
model = AutoModelForMaskedLM.from_pretrained(FOLDER, dtype=torch.float32).eval()
with open(cached_file(FOLDER, "nli.json"), encoding="utf-8") as file:
    nli = json.load(file)
COMBINED = {"mean": torch.mean, "sum": torch.logsumexp, "max": torch.amax}


def pieces(text, form):
    """Return a sentence's tokens: those that stay, those that may be cut, those that stay."""
    text = text.strip() if form["strip"] else text
    for pattern, replacement in form["replace"]:
        text = re.sub(pattern, replacement, text)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    start = min(form["kept"][0], len(ids))
    end = max(start, len(ids) - form["kept"][1])
    return ids[:start], ids[start:end], ids[end:]


def row(premise, hypothesis, language):
    """Return the tokens of a pair, and the position of the mask."""
    form = next(one for one in nli["templates"] if language in one["languages"])
    a, first, b = pieces(premise, form["premise"])
    c, second, d = pieces(hypothesis, form["hypothesis"])
    room = form["room"]
    if len(first) + len(second) > room:  # as in training
        if form["cut"] == "hypothesis":
            kept = max(0, room - len(first))
        else:
            kept = min(len(second), max(room // 2, room - len(first)))
        first, second = first[: room - kept], second[:kept]
    parts = form["start"], a + first + b, form["middle"], c + second + d, form["end"]
    part, index = form["read_at"]
    return sum(parts, []), sum(map(len, parts[: 2 * part])) + index


@torch.inference_mode()
def probabilities(premise, hypothesis, language):
    ids, mask = row(premise, hypothesis, language)
    logits = model(torch.tensor([ids])).logits[0, mask]
    answers = next(one for one in nli["answers"] if language in one["languages"])
    labels = []
    for label in nli["labels"]:
        words = [list(one[label].values()) for one in answers["words"].values()]
        by_language = torch.stack([COMBINED[answers["several"]](logits[ids], 0) for ids in words])
        labels.append(COMBINED[answers["across"]](by_language, 0))
    return dict(zip(nli["labels"], torch.stack(labels).softmax(-1).tolist()))
'''

ONE_TYPE = "torch.tensor([ids])"
TYPED = """\
torch.tensor([ids]),
        # Token types: 1 after the first separator.
        token_type_ids=torch.tensor([[int(SEPARATOR in ids[:at]) for at in range(len(ids))]]),
    """
"""In place of ONE_TYPE in CLOZE, for classes with two types of tokens."""

ZERO_SHOT = """\
from transformers import pipeline

classifier = pipeline("zero-shot-classification", model=".")
classifier("...", candidate_labels=["politics", "sports"], hypothesis_template="This is about {}.")
"""


def cloze(separator: int | None) -> str:
    """Return CLOZE for a class whose token types change after `separator`, if there is one."""
    if separator is None:
        return CLOZE
    typed = TYPED.replace("SEPARATOR", str(separator))
    return CLOZE.replace(ONE_TYPE, f"\n        {typed}")
