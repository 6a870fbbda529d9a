"""The whole of params.yaml, and how its blocks fit together."""

from pathlib import Path
from typing import Self

from pydantic import ConfigDict, model_validator

from pipeline.errors import InputError
from pipeline.params.grid import Comparison, Grid
from pipeline.params.runs import PARAMS, Run, Runs, method_of, read_params
from pipeline.params.strict import parse
from pipeline.params.text import Datasets, Fewshot, Paws15, Source

CELLS = ("grid", "ablations", "sweeps", "matched")
"""The blocks that name cells: Table I, Table II, Figures 4 and 5, baselines with more updates."""

VARIANTS = {"ablations": "reference", "sweeps": "reference", "matched": "baseline"}
"""The blocks whose runs are variants, and the key of `comparison` that names their method."""


class Params(Runs):
    """The whole of params.yaml."""

    model_config = ConfigDict(extra="forbid")

    datasets: Datasets
    backbone: Source
    fewshot: Fewshot
    paws15: Paws15
    grid: Grid
    ablations: Grid
    sweeps: Grid
    matched: Grid
    comparison: Comparison

    @model_validator(mode="after")
    def _methods_exist(self) -> Self:
        for name, block in self.methods.items():
            try:
                method_of(block)
            except ValueError as error:
                raise ValueError(f"methods.{name}.{error}") from None
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
    def _a_run_is_in_the_block_of_its_method(self) -> Self:
        """A cell depends on the file of one method, which dvc.yaml finds by these rules."""
        for name in self.grid.runs:
            method = self.methods[name]["method"]
            if method != name:
                raise ValueError(
                    f"grid.runs: expected runs named as their method, found {name!r} of method "
                    f"{method!r} (variants belong in ablations.runs or sweeps.runs)"
                )
        for block, key in VARIANTS.items():
            for name in getattr(self, block).runs:
                self._require_variant(name, block=block, key=key)
        return self

    def _require_variant(self, name: str, *, block: str, key: str) -> None:
        compared, method = getattr(self.comparison, key), self.methods[name]["method"]
        if self._method(key) != compared:
            raise ValueError(
                f"comparison.{key}: expected a run named as its method, since the cells of "
                f"{block}.runs depend on that method's file, found {compared!r} of method "
                f"{self._method(key)!r}"
            )
        if method != compared:
            blocks = [
                f"{block}.runs" for block, key in VARIANTS.items() if self._method(key) == method
            ]
            place = " or ".join(blocks) or f"grid.runs, with a file pipeline/methods/{name}.py"
            raise ValueError(
                f"{block}.runs: expected variants of comparison.{key}, of method {compared!r}, "
                f"found {name!r} of method {method!r} (it belongs in {place})"
            )

    def _method(self, key: str) -> str:
        """Return the method of the run that `comparison` names under a key."""
        return str(self.methods[getattr(self.comparison, key)]["method"])

    @model_validator(mode="after")
    def _cells_are_named_once(self) -> Self:
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
        """(run, shots, seed) of every cell, block by block."""
        return tuple(cell for block in CELLS for cell in getattr(self, block).cells)

    @property
    def shots(self) -> dict[int, bool]:
        """Each number of shots of the blocks, and whether any run is trained with it."""
        blocks = [getattr(self, block) for block in CELLS]
        return {
            shots: any(shots in block.shots and block.runs for block in blocks)
            for shots in sorted({shots for block in blocks for shots in block.shots})
        }

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every training seed of the blocks, ascending."""
        return tuple(sorted({seed for block in CELLS for seed in getattr(self, block).seeds}))

    def run(self, name: str, *, place: str = str(PARAMS)) -> Run:
        """Return the run of this name, and check that its block has the pairs that it reads.

        Raises:
            InputError: there is no such entry, or a setting of it is impossible.
        """
        run, where = super().run(name, place=place), f"{place}: methods.{name}"
        block = next((block for block in CELLS if name in getattr(self, block).runs), None)
        if block is None:
            return run
        if run.parallel.pairs == "xnli":
            if block != "ablations":
                raise InputError(
                    f"{where}.pairs: expected paws15 in a run of {block}.runs (runs with xnli "
                    f"belong in ablations.runs), found xnli"
                )
            if not self.fewshot.translations:
                raise InputError(f"{where}.pairs: expected fewshot.translations: true, found false")
        most = self.paws15.most if block == "sweeps" else self.paws15.pairs
        wanted = run.parallel.external_pairs or 0
        if wanted > most:
            raise InputError(
                f"{where}.external_pairs: expected at most {most} (paws15.pairs; in runs of "
                f"sweeps.runs paws15.extended), found {wanted}"
            )
        return run


def load_params(path: Path = PARAMS) -> Params:
    """Read params.yaml as DVC does (YAML 1.2: `4e-5` is a number, `no` is a word).

    Raises:
        InputError: the file is missing, is no YAML, or a key, type or value is wrong.
    """
    params = parse(Params, read_params(path), place=str(path))
    for name in params.methods:
        params.run(name, place=str(path))
    return params
