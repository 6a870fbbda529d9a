"""params.yaml -> frozen, strict models; every error names its key."""

from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from pipeline.config.blocks import Datasets, Fewshot, LanguageParams, Paws15, Source
from pipeline.config.runs import Comparison, Grid, PairChoice, Run, Template, Training
from pipeline.config.strict import Name, Strictly, parse, read_yaml, shown
from pipeline.errors import InputError

PARAMS = Path("params.yaml")
METHODS = Path(__file__).parent.parent / "methods"

CELLS = ("grid", "ablations", "sweeps")
"""The blocks that name cells of training: Table I, Table II, Figures 4 and 5."""


class Params(Strictly):
    """The whole of params.yaml."""

    languages: LanguageParams
    datasets: Datasets
    backbone: Source
    fewshot: Fewshot
    paws15: Paws15
    grid: Grid
    ablations: Grid
    sweeps: Grid
    comparison: Comparison
    training: Training
    template: Template
    methods: dict[Name, dict[str, Any]]

    @model_validator(mode="after")
    def _methods_exist(self) -> Self:
        there = sorted(path.stem for path in METHODS.glob("[a-z]*.py") if path.stem != "base")
        for name, block in self.methods.items():
            if block.get("method") not in there:
                raise ValueError(
                    f"methods.{name}.method: expected one of {', '.join(there)}, "
                    f"found {shown(block.get('method'))}"
                )
        return self

    @model_validator(mode="after")
    def _runs_exist(self) -> Self:
        named = [(f"{block}.runs", name) for block in CELLS for name in getattr(self, block).runs]
        comparison = self.comparison
        named += [("comparison.reference", comparison.reference)]
        named += [("comparison.baseline", comparison.baseline)]
        named += [(f"comparison.table2.{row}", name) for row, name in comparison.table2.items()]
        for place, name in named:
            if name not in self.methods:
                raise ValueError(
                    f"{place}: expected entries of methods ({', '.join(self.methods)}), "
                    f"found {name!r}"
                )
        return self

    @model_validator(mode="after")
    def _cells_are_named_once(self) -> Self:
        for name in self.grid.runs:
            method = self.methods[name]["method"]
            if method != name:
                raise ValueError(
                    f"grid.runs: expected runs named as their method, found {name!r} of method "
                    f"{method!r} (variants belong in ablations.runs or sweeps.runs)"
                )
        before: dict[str, str] = {}
        for block in CELLS:
            for name in getattr(self, block).runs:
                if name in before:
                    raise ValueError(
                        f"{block}.runs: expected no run of {before[name]}.runs, found {name!r}"
                    )
                before[name] = block
        return self

    @model_validator(mode="after")
    def _pair_languages_are_targets(self) -> Self:
        if self.paws15.languages != "all":
            for code in self.paws15.languages:
                if code not in self.languages.targets:
                    raise ValueError(
                        f"paws15.languages: expected some of languages.targets, found {code!r}"
                    )
        return self

    @property
    def pair_languages(self) -> tuple[str, ...]:
        """The target languages of the parallel pairs."""
        chosen = self.paws15.languages
        return self.languages.targets if chosen == "all" else chosen

    @property
    def cells(self) -> tuple[tuple[str, int, int], ...]:
        """(run, shots, seed) of every cell of the grid, the ablations, then the sweeps."""
        return tuple(cell for block in CELLS for cell in getattr(self, block).cells)

    @property
    def shots(self) -> dict[int, bool]:
        """Each number of shots of the three blocks, and whether any run is trained with it."""
        blocks = [getattr(self, block) for block in CELLS]
        return {
            shots: any(shots in block.shots and block.runs for block in blocks)
            for shots in sorted({shots for block in blocks for shots in block.shots})
        }

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every training seed of the grid, the ablations and the sweeps, ascending."""
        return tuple(sorted({seed for block in CELLS for seed in getattr(self, block).seeds}))

    def run(self, name: str, *, place: str = str(PARAMS)) -> Run:
        """Return the run of this name, with its own settings over the common ones.

        Raises:
            InputError: there is no such entry, or a setting of it is impossible.
        """
        if name not in self.methods:
            raise InputError(
                f"{place}: methods: expected a run of {', '.join(self.methods)}, found {name!r}"
            )
        block = dict(self.methods[name])
        where = f"{place}: methods.{name}"
        method = block.pop("method")
        training = {key: block.pop(key) for key in Training.model_fields if key in block}
        template = {key: block.pop(key) for key in Template.model_fields if key in block}
        pairs = {key: block.pop(key) for key in PairChoice.model_fields if key in block}
        parallel = parse(PairChoice, pairs, place=where)
        self._require_pairs(name, parallel, where=where)
        return Run(
            name=name,
            method=method,
            overrides=(*training, *template),
            training=parse(Training, self.training.model_dump() | training, place=where),
            template=parse(Template, self.template.model_dump() | template, place=where),
            parallel=parallel,
            settings=block,
        )

    def _require_pairs(self, name: str, parallel: PairChoice, *, where: str) -> None:
        """Check that the stage which trains a run has the pairs that the run reads."""
        block = next((one for one in CELLS if name in getattr(self, one).runs), None)
        if block is None:
            return
        if parallel.pairs == "xnli":
            if block != "ablations":
                raise InputError(
                    f"{where}.pairs: expected paws15 in a run of {block}.runs (runs with xnli "
                    f"belong in ablations.runs), found xnli"
                )
            if not self.fewshot.translations:
                raise InputError(f"{where}.pairs: expected fewshot.translations: true, found false")
        most = self.paws15.most if block == "sweeps" else self.paws15.pairs
        wanted = parallel.external_pairs or 0
        if wanted > most:
            raise InputError(
                f"{where}.external_pairs: expected at most {most} (paws15.pairs; in runs of "
                f"sweeps.runs paws15.extended), found {wanted}"
            )


def load_params(path: Path = PARAMS) -> Params:
    """Read params.yaml as DVC does (YAML 1.2: `4e-5` is a number, `no` is a word).

    Raises:
        InputError: the file is missing, is no YAML, or a key, type or value is wrong.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the parameters in this folder, found no such file")
    params = parse(Params, read_yaml(path), place=str(path))
    for name in params.methods:
        params.run(name, place=str(path))
    return params
