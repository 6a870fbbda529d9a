"""The last look of a stage: are parameters, code and inputs still those that it worked with?

DVC hashes them after the command. Without this look it would record the results of an edit that
was made meanwhile, and restore them as such.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from pipeline import files
from pipeline.cluster.imported_code import IMPORTED, outdated, watch
from pipeline.errors import InputError, RunError

WHOLE = ""
PARAMETERS: Mapping[str, str] = {
    "inputs": WHOLE,
    "check": WHOLE,
    "corpora": "languages datasets",
    "fewshot": "languages.source fewshot grid.shots grid.seeds ablations.shots ablations.seeds "
    "sweeps.shots sweeps.seeds matched.shots matched.seeds",
    "translations": "languages datasets.xnli fewshot",
    "paws15": "languages datasets.paws_x paws15",
    "unlabelled": "languages datasets.xnli fewshot.source paws15",
    "train": "languages.source training template methods.{run}",
    "updates": "languages training template matched.runs comparison.reference methods.{run}",
    "tables": "languages datasets.xnli grid ablations sweeps matched comparison",
    "report": WHOLE,
}
"""The keys of params.yaml on which the results of a stage depend, as in dvc.yaml."""


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Return a stage's command that fails if it finds an edit at its end.

    It then removes what it has written, so that nothing takes it for a result.
    """

    @wraps(command)
    def stage(**options: Any) -> None:  # noqa: ANN401
        from pipeline.params.runs import READ

        watch()
        for seen in (files.READ, files.WRITTEN, READ):
            seen.clear()
        before = dict(IMPORTED)
        own = {command.__code__.co_filename, files.__file__}
        command(**options)
        # A worker has imported some files for earlier stages, which this one may not use: the
        # driver compares those that it depends on.
        used = own | {path for path in IMPORTED if path not in before}
        changed = [*_parameters(command.__name__, options), *outdated(used), *_inputs()]
        changed = changed or list(_sources(command.__name__, options))
        if files.WRITTEN and changed:
            for path in files.WRITTEN:
                if path.is_relative_to(Path.cwd()):
                    path.unlink(missing_ok=True)
            names = ", ".join(_short(name) for name in changed[:3])
            raise RunError(f"{names} changed while it ran: its results are removed, run it again")

    return stage


def _parameters(name: str, options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parameters of a stage that differ from what it has read."""
    from pipeline.params.runs import PARAMS, READ
    from pipeline.params.strict import parse_yaml

    texts = set(READ.get(PARAMS, ()))
    if not texts or name not in PARAMETERS:
        return
    try:
        texts.add(PARAMS.read_text(encoding="utf-8"))
        if len(texts) == 1:
            return
        found: list[Any] = [parse_yaml(text, PARAMS) for text in texts]
    except (OSError, UnicodeDecodeError, InputError):
        yield str(PARAMS)
        return
    if PARAMETERS[name] == WHOLE:
        yield str(PARAMS)
    for key in PARAMETERS[name].split():
        values = [_value(one, _named(key, one, options)) for one in found]
        if any(value != values[0] for value in values):
            yield f"{PARAMS}: {_named(key, found[0], options)}"


def _named(key: str, parameters: Any, options: Mapping[str, Any]) -> str:  # noqa: ANN401
    """Return a key with the name of the stage's run, or of the reference."""
    return key.format(run=options.get("run") or _value(parameters, "comparison.reference"))


def _value(parameters: Any, key: str) -> Any:  # noqa: ANN401
    for part in key.split("."):
        parameters = parameters.get(part) if isinstance(parameters, dict) else None
    return parameters


def _inputs() -> Iterator[str]:
    from pipeline.params.runs import PARAMS

    for path, before in files.READ.items():
        if path != PARAMS.absolute() and files.stamp(path) != before:
            yield str(path)


def _sources(name: str, options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the record of what a stage reads if DVC has it and it is not that of its content."""
    from pipeline.inputs import declared, fingerprints
    from pipeline.params.runs import PARAMS, READ, Runs
    from pipeline.params.strict import parse, parse_yaml
    from pipeline.params.whole import Params

    if "DVC_STAGE" not in os.environ or PARAMS not in READ:
        return
    # Those that it has read: other blocks may have been edited meanwhile, and be wrong by now.
    values = parse_yaml(READ[PARAMS][0], PARAMS)
    if name in ("train", "updates"):
        run = options.get("run") or _value(values, "comparison.reference")
        if declared.has_changed(parse(Runs, values, place=str(PARAMS)).run(run)):
            yield f"what {declared.declared_path(run)} is about"
    elif name in (*fingerprints.STAGES, "tables"):
        params = parse(Params, values, place=str(PARAMS))
        if name == "tables" and fingerprints.has_other_backbones(params):
            yield f"a source of {fingerprints.INPUTS / 'backbone'}.json"
        if name != "tables" and fingerprints.has_changed(name, params):
            yield f"a source of {fingerprints.INPUTS / name}.json"


def _short(name: str) -> str:
    path = Path(name)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else name
