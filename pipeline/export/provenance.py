"""What a cell was trained on: hashes, versions and settings, for the model card."""

import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.artifacts import read_notes
from pipeline.backbone.files import backbone_folder
from pipeline.corpora.files import FEWSHOT
from pipeline.export.retraining import CellName, Trained
from pipeline.files import sha256
from pipeline.params.whole import Params
from pipeline.training.registry import settings_of

VERSIONS = ("torch", "tokenizers", "safetensors", "numpy")


@dataclass(frozen=True)
class Provenance:
    """What a model was made from.

    Attributes:
        method: its name and paper, in a few words.
        backbone: a Hub id or folder.
        revision: of the Hub id.
        separator: see Backbone.
        facts: about data and software, by name.
        settings: of the run, as in metrics.json.
    """

    method: str
    backbone: str
    revision: str | None
    separator: int | None
    facts: dict[str, str]
    settings: dict[str, Any]


def provenance(params: Params, name: CellName, trained: Trained) -> Provenance:
    """Return what a cell was trained on."""
    method, text = trained.cell.method, trained.cell.text
    title = str(sys.modules[type(method).__module__].__doc__).partition("\n")[0].rstrip(".")
    split = read_notes(FEWSHOT / f"k{name.shots}.parquet")
    settings = settings_of(method.run, external_pairs=len(text.parallel))
    xnli, paws_x = params.datasets.xnli, params.datasets.paws_x
    backbone = params.sources[method.run.backbone]
    weights = backbone_folder(method.run.backbone) / "model.safetensors"
    facts = {
        "backbone": _at(backbone.path, backbone.revision),
        "SHA-256 of the backbone's weights": sha256(weights),
        "labelled pairs and test": _at(xnli.path, xnli.revision),
        "few-shot split": f"{name.shots} pairs per label, from {split.get('source', 'unknown')}",
        "SHA-256 of the split's content": split.get("sha256", "unknown"),
        "parallel pairs": f"{len(text.parallel):,} ({method.run.parallel.pairs}; PAWS-X from "
        f"{_at(paws_x.path, paws_x.revision)})",
        "seed": str(name.seed),
        "updates": f"{int(trained.history.epochs.updates.iloc[-1]):,}, epoch "
        f"{trained.history.kept} kept",
        "versions": ", ".join(f"{one} {version(one)}" for one in VERSIONS),
    }
    separator, path = method.backbone.separator, _shown(backbone.path)
    return Provenance(title, path, backbone.revision, separator, facts, settings)


def _shown(path: str) -> str:
    """Return a Hub id or folder, without the folders of this machine."""
    return Path(path).name if Path(path).is_absolute() else path


def _at(path: str, revision: str | None) -> str:
    return f"`{_shown(path)}`" + (f" at revision {revision}" if revision else "")
