"""What memory cells will take, before anything is trained or even fetched but the tokenizer."""

from collections.abc import Iterator, Sequence
from copy import deepcopy

import torch

from pipeline.corpora.reading import read_fewshot
from pipeline.errors import InputError
from pipeline.hub.backbone import fetch_outline
from pipeline.params.runs import LABELS, Run
from pipeline.params.whole import Params
from pipeline.training.memory import Memory, footprint
from pipeline.training.method import Context
from pipeline.training.parallel import read_parallel
from pipeline.training.registry import build
from pipeline.training.reproducibility import device
from pipeline.training.text import Labelled, Parallel, TrainingText


def foresee(
    params: Params, cells: Sequence[tuple[str, int, int]]
) -> Iterator[tuple[str, Memory | None]]:
    """Yield each cell's run and memory on this machine; None if that is unknown.

    It is if an input of the run is missing, or as in `footprint`.

    Cells are a run's name, shots and seed. Text that no stage has made yet counts as rows of
    `training.max_length`.

    Raises:
        InputError: a run or its backbone is wrong.
        RunError: the Hub cannot be reached for a backbone's tokenizer.
    """
    runs = [params.run(name) for name, *_ in cells]
    outlines = {
        name: fetch_outline(params.sources[name], key=params.backbone_key(name))
        for name in {run.backbone for run in runs}
    }
    for run, (name, shots, seed) in zip(runs, cells, strict=True):
        pieces, backbone = outlines[run.backbone]
        with torch.device("meta"):
            method = build(Context(run, params.languages, deepcopy(backbone), pieces))
        try:
            text = _text(params, run, shots=shots, seed=seed)
            memory = footprint(
                method, text, generator=torch.Generator().manual_seed(seed), device=device(),
                threads=torch.get_num_threads(),
            )  # fmt: skip
        except (InputError, OSError):
            yield name, None
        else:
            yield name, memory


def _text(params: Params, run: Run, *, shots: int, seed: int) -> TrainingText:
    try:
        labelled, _ = read_fewshot(shots, seed=seed)
        pairs = read_parallel(run, params.languages, shots=shots, seed=seed)
    except InputError:
        return _longest(params, run, shots=shots)
    return TrainingText.of(labelled, pairs)


def _longest(params: Params, run: Run, *, shots: int) -> TrainingText:
    """Return as much text as a run reads, of rows that have to be cut."""
    words = "a " * run.training.max_length
    labelled = [Labelled(words, words, label) for label in range(len(LABELS))] * shots
    number = len(labelled) if run.parallel.pairs == "xnli" else params.paws15.pairs
    targets = params.languages.targets
    parallel = [
        Parallel(targets[one % len(targets)], *[words] * 4)
        for one in range(run.parallel.external_pairs or number)
    ]
    return TrainingText(labelled, parallel)
