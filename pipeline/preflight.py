"""Every run of params.yaml, checked with its method, backbone and template before any trains."""

from copy import deepcopy
from pathlib import Path

import torch

from pipeline.artifacts import write_json
from pipeline.hub.backbone import fetch_outline
from pipeline.hub.names import require_sources
from pipeline.inputs.declared import require_possible
from pipeline.params.whole import Params
from pipeline.training.method import Context
from pipeline.training.registry import build, read_settings

CHECKED = Path("data/checked.json")


def preflight(params: Params) -> None:
    """Build every run on its backbone, with shapes in place of weights.

    Then write CHECKED, which has the same bytes whenever all is well.

    Raises:
        InputError: a setting is wrong, a folder or a declared input is missing, or a template,
            label word or length does not fit the backbone.
        RunError: the Hub cannot be reached for a backbone's tokenizer.
    """
    runs = [params.run(name) for name in params.methods]
    for run in runs:
        read_settings(run)
        require_possible(run)
    require_sources(params)
    outlines = {
        name: fetch_outline(source, key=params.backbone_key(name))
        for name, source in params.sources.items()
    }
    with torch.device("meta"):
        for run in runs:
            pieces, backbone = outlines[run.backbone]
            build(Context(run, params.languages, deepcopy(backbone), pieces))
    write_json({"params.yaml": "checked"}, CHECKED)
