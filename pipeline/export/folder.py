"""A trained method -> config.json, model.safetensors, tokenizer and nli.json in a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from pipeline.artifacts import read_json, write_json
from pipeline.backbone.classification import PLACES, ClassificationHead
from pipeline.backbone.tokens import Ids, Pieces, ids_of, load_pieces
from pipeline.errors import InputError
from pipeline.export.tokens import extended, text_of, token_names
from pipeline.inference.model import NLI
from pipeline.params.runs import LABELS, Label
from pipeline.prompting.forms import Form, Rewriting
from pipeline.prompting.nli import Nli, RowForm, Sentence, by_content
from pipeline.prompting.template import Ends
from pipeline.training.exported import Exported, Reading
from pipeline.training.method import Method

Dtype = Literal["float32", "bfloat16"]


def require_free(folder: Path) -> None:
    """Raise an InputError if a folder to write holds anything but an earlier export."""
    if folder.is_dir() and ((folder / NLI).is_file() or not any(folder.iterdir())):
        return
    if folder.exists():
        raise InputError(f"{folder}: expected no such folder or an exported model, found another")


@torch.no_grad()
def write_model(folder: Path, method: Method, *, backbone: Path, dtype: Dtype) -> Nli:
    """Write what `transformers` and `mpt predict` need to an empty folder; return nli.json.

    Soft prompts become tokens of the tokenizer and rows of the embedding. `backbone` is the folder
    of the method's backbone.

    Raises:
        InputError: the method's file does not say how it is exported.
    """
    exported = method.exported()
    names = token_names(exported.prompts)
    vectors = method.backbone.words.weight.new_empty(0, method.backbone.embedding_size)
    vectors = torch.cat([vectors, *exported.prompts.values()])
    size = len(method.backbone.words.weight)
    tokenizer = Tokenizer.from_file(str(backbone / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    extended(tokenizer, [name for one in names for name in one], vocabulary=size)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = read_json(backbone / "tokenizer_config.json")
    # Every version of transformers then reads tokenizer.json as it is.
    config |= {"tokenizer_class": "PreTrainedTokenizerFast"}
    config |= {"model_max_length": method.run.training.max_length}
    if method.backbone.separator is not None:
        config |= {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]}
    write_json({key: one for key, one in config.items() if key != "backend"},
               folder / "tokenizer_config.json")  # fmt: skip
    original = read_json(backbone / "config.json") | {"dtype": dtype}
    weights = method.backbone.checkpoint(vectors)
    if exported.classifier is not None:
        weights |= _classifier(method, exported.classifier, kind=original["model_type"])
    _write_weights(weights, folder / "model.safetensors", dtype=dtype)
    config = _config(method, exported, weights, original) | {"vocab_size": size + len(vectors)}
    write_json(config, folder / "config.json")
    ids = iter(range(size, size + len(vectors)))
    slots = [[next(ids) for _ in one] for one in names]
    nli = _nli(method, exported, load_pieces(folder), slots)
    write_json(nli.model_dump(mode="json"), folder / NLI)
    return nli


def _classifier(method: Method, head: nn.Module, *, kind: str) -> dict[str, Tensor]:
    """Return a classifier's weights, named as the backbone's class has them."""
    if kind not in PLACES or not isinstance(head, ClassificationHead):
        raise InputError(
            f"params.yaml: methods.{method.run.name}: expected a backbone whose class in "
            f"transformers has a classifier that computes as ours ({', '.join(PLACES)}), to export "
            f"{method.run.method}, found {kind}"
        )
    weights = head.state_dict()
    return {name: weights[own] for own, name in head.named_as(kind).items()}


def _write_weights(weights: Mapping[str, Tensor], path: Path, *, dtype: Dtype) -> None:
    kind = getattr(torch, dtype)
    copies = {name: weight.to("cpu", kind).contiguous() for name, weight in weights.items()}
    path.touch()
    mode = path.stat().st_mode
    save_file(copies, path, metadata={"format": "pt"})
    path.chmod(mode)  # safetensors leaves a file that nobody else may read


def _config(
    method: Method, exported: Exported, weights: Mapping[str, Tensor], config: dict[str, Any]
) -> dict[str, Any]:
    """Return config.json: `config`, which is the backbone's, with what is different."""
    if exported.classifier is None:
        tied = bool(method.backbone.tied) and not method.backbone.tied.keys() & weights.keys()
        return config | {"tie_word_embeddings": tied}
    masked, suffix = "ForMaskedLM", "ForSequenceClassification"
    labels = dict(enumerate(LABELS))
    # DeBERTa's pooler has another function by default.
    act = {"pooler_hidden_act": "tanh"} if "pooler_hidden_act" in config else {}
    return (
        config
        | act
        | {
            "architectures": [name.replace(masked, suffix) for name in config["architectures"]],
            "id2label": {str(number): label for number, label in labels.items()},
            "label2id": {label: number for number, label in labels.items()},
            "problem_type": "single_label_classification",
        }
    )


def _nli(method: Method, exported: Exported, pieces: Pieces, slots: list[list[int]]) -> Nli:
    forms = {
        code: _row_form(reading, method, pieces, slots)
        for code, reading in exported.readings.items()
    }
    return Nli(
        kind="cloze" if exported.classifier is None else "classification",
        labels=get_args(Label),
        source=method.languages.source,
        max_length=method.run.training.max_length,
        precision=method.run.training.precision,
        templates=by_content(forms),
        answers=by_content(exported.answers),
    )


def _row_form(reading: Reading, method: Method, pieces: Pieces, slots: list[list[int]]) -> RowForm:
    """Return a template with the tokens of its soft prompt in their slots."""
    template = reading.template

    def filled(ids: Ids) -> Ids:
        return ids_of(slots[reading.prompt][-1 - one] if one < 0 else one for one in ids)

    start, middle, end = map(filled, template.fixed)
    premise, hypothesis = (
        _sentence(form, ends, method)
        for form, ends in zip(template.forms, template.kept, strict=True)
    )
    return RowForm(
        languages=(),
        text=text_of(start, middle, end, pieces),
        start=tuple(start),
        premise=premise,
        middle=tuple(middle),
        hypothesis=hypothesis,
        end=tuple(end),
        room=template.room,
        cut=template.cut,
        read_at=template.read_at,
    )


def _sentence(form: Form, kept: Ends, method: Method) -> Sentence:
    if not isinstance(form, Rewriting):
        raise InputError(
            f"pipeline/methods/{method.run.method}.py: expected forms of sentences that an export "
            f"can name (Rewriting of pipeline/prompting/forms.py), found {form!r}"
        )
    return Sentence(strip=form.strip, replace=form.replace, kept=kept)
