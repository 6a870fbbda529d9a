"""Every run of params.yaml, checked with its method, tokenizer and template before any trains."""

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
    """Build every run on the backbone of params.yaml, with shapes in place of weights.

    Then write CHECKED, which has the same bytes whenever all is well.

    Raises:
        InputError: a setting is wrong, a folder or a declared input is missing, or a template,
            label word or length does not fit the backbone.
        RunError: the Hub cannot be reached for the backbone's tokenizer.
    """
    runs = [params.run(name) for name in params.methods]
    for run in runs:
        read_settings(run)
        require_possible(run)
    require_sources(params)
    pieces, backbone = fetch_outline(params.backbone)
    with torch.device("meta"):
        for run in runs:
            build(Context(run, params.languages, deepcopy(backbone), pieces))
    write_json({"params.yaml": "checked"}, CHECKED)
