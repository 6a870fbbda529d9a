"""What each stage reads outside the repository, by content."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from glob import escape
from pathlib import Path
from typing import Any

from pipeline.files import reading, write_text
from pipeline.hub import names
from pipeline.inputs.declared import OUTSIDE, read_outside
from pipeline.inputs.memory import Fingerprint, Memory, fingerprint
from pipeline.params.text import Source
from pipeline.params.whole import Params

INPUTS = Path("data/inputs")
STAGES = ("backbone", "corpora", "fewshot", "paws15", "translations", "unlabelled")

Read = dict[str, Mapping[str, Any]]
"""What a stage reads: the fingerprint of each source by its key in params.yaml.

For stage backbone by the backbone's name: its block in params.yaml (`source`) and its fingerprint
(`files`). No stage can depend on this block itself, since DVC demands every key, and there are two.
"""


class Fingerprints:
    """The fingerprints of the sources in params.yaml, by stage and key."""

    def __init__(self, params: Params, memory: Memory) -> None:
        self._params, self._memory = params, memory

    def all(self) -> dict[str, Read]:
        """Return what each stage reads; a stage whose settings need no source reads nothing.

        Raises:
            InputError: a folder, file, repository or revision does not exist.
            RunError: the Hub cannot be reached, or a file changes while it is read.
        """
        names.require_sources(self._params)
        return {stage: self.of(stage) for stage in STAGES}

    def of(self, stage: str) -> Read:
        """Return what one of STAGES reads; see `all`."""
        read: Callable[[], Read] = getattr(self, f"_{stage}")
        return read()

    def _backbone(self) -> Read:
        files = {
            name: self._model(source, names.BACKBONE, key=self._params.backbone_key(name))
            for name, source in self._params.sources.items()
        }
        sources = _backbone_sources(self._params)
        return {name: {"source": sources[name], "files": files[name]} for name in sources}

    def _corpora(self) -> Read:
        languages, datasets = self._params.languages, self._params.datasets
        wanted = [(languages.source, split) for split in ("train", "validation")]
        wanted += [(code, "test") for code in languages.all]
        files = _of_splits(wanted)
        return {
            "datasets.xnli": self._of(datasets.xnli, files, key="datasets.xnli"),
            "datasets.paws_x": self._paws_x(languages.source),
        }

    def _fewshot(self) -> Read:
        if self._params.fewshot.source == "sample":
            return {}
        files = _of_splits(
            (f"k{shots}", split)
            for shots in self._params.shots
            for split in ("train", "validation")
        )
        return {"fewshot.source": self._given(files)}

    def _translations(self) -> Read:
        fewshot = self._params.fewshot
        if not fewshot.translations:
            return {}
        if fewshot.source == "sample":
            return self._all_languages()
        files = [names.given_translations(shots) for shots in self._params.ablations.shots]
        return {"fewshot.source": self._given(files)}

    def _unlabelled(self) -> Read:
        params = self._params
        if not params.reads_unlabelled:
            return {}
        spare = names.spare_shots(params)
        if not spare:
            return self._all_languages()
        # The names also say which splits are in use.
        files = _of_splits(
            (f"k{shots}", split) for shots in params.used_shots for split in ("train", "validation")
        )
        files += _of_splits((f"k{shots}", "train") for shots in spare)
        files += map(names.given_translations, spare)
        return {"fewshot.source": self._given(files)}

    def _all_languages(self) -> Read:
        files, xnli = names.split_patterns("all_languages", "train"), self._params.datasets.xnli
        return {"datasets.xnli": self._of(xnli, files, key="datasets.xnli")}

    def _paws15(self) -> Read:
        paws15 = self._params.paws15
        if paws15.engine == "dataset":
            codes = self._params.languages.source, *self._params.pair_languages
            return {"datasets.paws_x": self._paws_x(*codes)}
        if paws15.engine == "file":
            path, key = names.translations_file(paws15), "paws15.translation.file"
            return {key: self._of(Source(path=str(path.parent)), [escape(path.name)], key=key)}
        if paws15.engine == "nllb":
            source, key = names.translation_model(paws15), names.MODEL_KEY
            return {key: self._model(source, names.TRANSLATOR, key=key)}
        return {}

    def _paws_x(self, *codes: str) -> Fingerprint:
        source = self._params.datasets.paws_x
        files = _of_splits((code, split) for code in codes for split in source.splits)
        return self._of(source, files, key="datasets.paws_x")

    def _given(self, files: Sequence[str]) -> Fingerprint:
        source = names.given_splits(self._params.fewshot)
        return self._of(source, files, key="fewshot.source")

    def _model(self, source: Source, files: Sequence[str], *, key: str) -> Fingerprint:
        return self._of(source, names.model_files(source, files), key=key, kind="model")

    def _of(
        self, source: Source, files: Sequence[str], *, key: str, kind: names.Kind = "dataset"
    ) -> Fingerprint:
        """Return the fingerprint of the files that a source has of these patterns."""
        folder = Path(source.path)
        if source.is_folder:
            found = {path for pattern in files for path in folder.glob(pattern) if path.is_file()}
            return fingerprint(folder, found, self._memory, place=f"params.yaml: {key}")
        if names.is_commit(source.revision):
            return {"commit": str(source.revision)}
        # It imports the client of the Hub, which takes longer than all else here.
        from pipeline.hub.files import commit_of

        return {"commit": commit_of(source, kind=kind, key=key)}


def has_changed(stage: str, params: Params) -> bool:
    """Return whether a stage would now read other content than `mpt inputs` has written."""
    return bool(_written(stage) != Fingerprints(params, Memory()).of(stage))


def has_other_backbones(params: Params) -> bool:
    """Return whether `mpt inputs` has written other sources of backbones, or in another order."""
    written = {name: read["source"] for name, read in _written("backbone").items()}
    return list(written.items()) != list(_backbone_sources(params).items())


def _written(stage: str) -> Read:
    path = INPUTS / f"{stage}.json"
    with reading(path, "JSON", expected="the output of stage inputs"):
        written: Read = json.loads(path.read_bytes())
        return written


def _backbone_sources(params: Params) -> dict[str, dict[str, Any]]:
    return {name: source.model_dump() for name, source in params.sources.items()}


def _of_splits(wanted: Iterable[tuple[str, str]]) -> list[str]:
    """Return the patterns of the files of splits, each with its configuration."""
    return [pattern for split in wanted for pattern in names.split_patterns(*split)]


def write_fingerprints(params: Params) -> dict[str, Read]:
    """Write data/inputs/STAGE.json for each stage and return their contents; see Fingerprints.

    Beside them, write the inputs that runs declare, for `mpt declared`.

    The same content gives the same bytes on every machine: neither the place of a folder nor
    times are in it.
    """
    memory = Memory()
    try:
        found = Fingerprints(params, memory).all()
        declared = read_outside(params, memory)
    finally:
        memory.save()
    for stage, sources in found.items():
        write_text(json.dumps(sources, indent=2) + "\n", INPUTS / f"{stage}.json")
    records = {run: record.model_dump() for run, record in declared.items()}
    write_text(json.dumps(records, indent=2) + "\n", OUTSIDE)
    return found
