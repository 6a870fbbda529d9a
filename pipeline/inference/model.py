"""A folder that `mpt export` wrote -> a model that predicts as its method did."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from pipeline.artifacts import read_json, read_object
from pipeline.backbone.backbone import Backbone
from pipeline.backbone.checkpoint import fill, load_backbone
from pipeline.backbone.classification import ClassificationHead
from pipeline.backbone.rows import Batch, Row, collate
from pipeline.backbone.slots import full_precision
from pipeline.backbone.tokens import Ids, Pieces, ids_of, load_pieces
from pipeline.errors import InputError
from pipeline.params.runs import LABELS
from pipeline.params.strict import parse
from pipeline.prompting.forms import Rewriting
from pipeline.prompting.nli import Answers, Combination, Nli, RowForm
from pipeline.prompting.template import Template

NLI = "nli.json"
FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", NLI)
"""The files of an exported model, beside its card."""

COMBINED: Mapping[Combination, Callable[[Tensor, int], Tensor]] = {
    "mean": lambda logits, axis: logits.mean(axis),
    "sum": lambda logits, axis: logits.logsumexp(axis),
    "max": lambda logits, axis: logits.amax(axis),
}


def template_of(form: RowForm, pieces: Pieces, *, max_length: int) -> Template:
    """Return the template that nli.json describes."""
    fixed = ids_of(form.start), ids_of(form.middle), ids_of(form.end)
    sentences = form.premise, form.hypothesis
    template = Template(
        pieces,
        fixed,
        read_at=form.read_at,
        max_length=max_length,
        kept=(form.premise.kept, form.hypothesis.kept),
    )
    first, second = (Rewriting(one.replace, strip=one.strip) for one in sentences)
    template.forms, template.cut = (first, second), form.cut
    return template


class ExportedModel(nn.Module):
    """The backbone, and how nli.json says that rows are made and answered."""

    backbone: Backbone

    def __init__(self, nli: Nli, backbone: Backbone, pieces: Pieces) -> None:
        super().__init__()
        self.nli, self.backbone, self.pieces = nli, backbone, pieces
        self.precision = nli.precision
        self.templates = {
            code: template_of(form, pieces, max_length=nli.max_length)
            for form in nli.templates
            for code in form.languages
        }
        self._answers = {
            code: number for number, one in enumerate(nli.answers) for code in one.languages
        }

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""
        return self.backbone.words.weight.device

    @property
    def reads_all_languages_alike(self) -> bool:
        """Whether a pair's language does not matter."""
        return len(self.nli.templates) == 1 and len(self.nli.answers) <= 1

    def row(self, pair: tuple[Ids, Ids], *, language: str) -> Row:
        """Return the row of a pair's pieces; its `prompt` is the index of its answers."""
        return self.templates[language].row(pair, prompt=self._answers.get(language, 0))

    def collate(self, rows: Sequence[Row]) -> Batch:
        """Put rows into a batch on the model's device."""
        return collate(rows, pad=self.pieces.pad, device=self.device)

    def label_logits(self, batch: Batch) -> Tensor:
        """Return a logit for each label and perhaps one to exceed; see Method.label_logits."""
        states = self.backbone.states(batch)
        whole = any(one.over == "vocabulary" for one in self.nli.answers)
        groups = [_ids(one) for one in self.nli.answers]
        used = sorted({number for ids in groups for one in ids for row in one for number in row})
        words = None if whole else torch.tensor(used, device=self.device)
        logits = self.backbone.logits(states, words)
        column = {number: number if whole else at for at, number in enumerate(used)}
        labels = torch.stack(
            [
                _combined(logits, ids, column, one)
                for ids, one in zip(groups, self.nli.answers, strict=True)
            ],
            dim=1,
        )
        group = batch.prompt[batch.read_at]
        labels = labels.take_along_dim(group[:, None, None], 1).squeeze(1)
        return torch.cat([labels, logits.amax(-1, keepdim=True)], dim=-1) if whole else labels


class ExportedClassifier(ExportedModel):
    """The encoder with a classifier, its parts named as in the folder's checkpoint."""

    def __init__(self, nli: Nli, backbone: Backbone, pieces: Pieces) -> None:
        super().__init__(nli, backbone, pieces)
        self.classifier = ClassificationHead(backbone, len(LABELS))

    def label_logits(self, batch: Batch) -> Tensor:
        """Return the classifier's logits, [B, C]."""
        states = self.backbone.states(batch)
        with full_precision(self.device):
            logits: Tensor = self.classifier(states.to(self.backbone.words.weight.dtype))
        return logits


def load_exported(folder: Path) -> ExportedModel:
    """Load an exported model in float32 and evaluation mode.

    Raises:
        InputError: the folder is none, or a file is missing, broken or does not fit.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder}: expected a model that mpt export wrote, found no {', '.join(missing)}"
        )
    nli = parse(Nli, read_json(folder / NLI), place=str(folder / NLI))
    is_cloze, place = nli.kind == "cloze", str(folder / FILES[0])
    backbone, pieces = load_backbone(folder, place=place, head=is_cloze), load_pieces(folder)
    if is_cloze:
        return ExportedModel(nli, backbone, pieces).eval()
    model = ExportedClassifier(nli, backbone, pieces)
    kind = read_object(folder / FILES[0], "model_type")["model_type"]
    fill(model.classifier, folder, tied=model.classifier.named_as(kind))
    return model.eval()


def _ids(answers: Answers) -> list[list[list[int]]]:
    """Return the ids of the words by language and label."""
    return [
        [list(by_label.values()) for by_label in words.values()] for words in answers.words.values()
    ]


def _combined(
    logits: Tensor, ids: list[list[list[int]]], column: Mapping[int, int], answers: Answers
) -> Tensor:
    """Return a logit for each label, [B, N] -> [B, C]."""
    several, across = COMBINED[answers.several], COMBINED[answers.across]
    labels = [
        across(
            torch.stack([several(logits[:, [column[n] for n in row[label]]], 1) for row in ids], 1),
            1,
        )
        for label in range(len(LABELS))
    ]
    return torch.stack(labels, dim=1)
