"""The whole of params.yaml, and how its blocks fit together."""

from itertools import combinations
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from pipeline.errors import InputError
from pipeline.params.grid import Comparison, Grid
from pipeline.params.runs import METHODS, PARAMS, Run, Runs, matched_name, read_params
from pipeline.params.strict import Name, parse
from pipeline.params.text import BackboneSource, Datasets, Fewshot, Paws15

CELLS = ("grid", "ablations", "sweeps", "matched")
"""The blocks that name cells: Table I, Table II, Figures 4 and 5, matched updates in Table I."""

VARIANTS = ("ablations", "sweeps")
"""The blocks of variants of comparison.reference."""


class Params(Runs, extra="forbid"):
    """The whole of params.yaml; `backbone` is short for `backbones` with one of the name `base`."""

    datasets: Datasets
    backbone: BackboneSource | None = None
    backbones: Annotated[dict[Name, BackboneSource], Field(min_length=1)] | None = None
    fewshot: Fewshot
    paws15: Paws15
    grid: Grid
    ablations: Grid
    sweeps: Grid
    matched: Grid
    comparison: Comparison

    @property
    def blocks(self) -> dict[str, Grid]:
        """The blocks that name cells, by name; runs of `matched` as their cells are named."""
        matched = tuple(map(matched_name, self.matched.runs))
        named = {"matched": self.matched.model_copy(update={"runs": matched})}
        return {name: getattr(self, name) for name in CELLS} | named

    @model_validator(mode="after")
    def _methods_and_runs_exist(self) -> Self:
        for name in self.methods:
            method = self.method_of(name)
            # Tables put the paper's numbers of a method beside the run of its name.
            if name != method and (METHODS / f"{name}.py").exists():
                raise ValueError(
                    f"methods.{name}.method: expected {name}, since the run has the name of this "
                    f"method, found {method!r}"
                )
        if not self.grid.runs:
            raise ValueError("grid.runs: expected at least one run, found []")
        comparison = self.comparison
        named = [(f"{key}.runs", name) for key in CELLS for name in getattr(self, key).runs]
        named += [
            (f"comparison.{key}", getattr(comparison, key)) for key in ("reference", "baseline")
        ]
        named += [(f"comparison.table2.{row}", name) for row, name in comparison.table2.items()]
        for key, name in named:
            if name not in self.methods:
                known = ", ".join(self.methods)
                raise ValueError(f"{key}: expected entries of methods ({known}), found {name!r}")
        return self

    @model_validator(mode="after")
    def _variants_are_of_the_method_of_the_reference(self) -> Self:
        """Check what Table II and Figures 4 and 5 take for granted of the runs that they show."""
        reference = self.comparison.reference
        wanted = self.method_of(reference)
        for block in VARIANTS:
            for name in getattr(self, block).runs:
                if (method := self.method_of(name)) != wanted:
                    raise ValueError(
                        f"{block}.runs: expected variants of comparison.reference, of method "
                        f"{wanted!r}, found {name!r} of method {method!r} (it belongs in grid.runs)"
                    )
        return self

    @model_validator(mode="after")
    def _each_run_is_in_one_block(self) -> Self:
        blocks = {key: self.blocks[key] for key in ("grid", *VARIANTS)}
        for (key, block), (other, later) in combinations(blocks.items(), 2):
            if shared := [name for name in later.runs if name in block.runs]:
                raise ValueError(
                    f"{other}.runs: expected runs that are not in {key}.runs, found {shared[0]!r}"
                )
        return self

    @model_validator(mode="after")
    def _matched_runs_are_others_than_the_reference(self) -> Self:
        for name in self.matched.runs:
            if name == self.comparison.reference:
                raise ValueError(
                    f"matched.runs: expected runs other than comparison.reference, found {name!r}"
                )
            if matched_name(name) in self.methods:
                raise ValueError(
                    f"methods.{matched_name(name)}: expected another name, since {name} is in "
                    f"matched.runs, found {matched_name(name)!r}"
                )
        return self

    @model_validator(mode="after")
    def _compared_languages_are_tested(self) -> Self:
        for code in self.comparison.languages or ():
            if code not in self.languages.all:
                raise ValueError(
                    f"comparison.languages: expected test languages "
                    f"({', '.join(self.languages.all)}), found {code!r}"
                )
        return self

    @property
    def compared_languages(self) -> tuple[str, ...]:
        """The languages of tables, tests and figures, in the order of the test languages."""
        chosen = self.comparison.languages or self.languages.all
        return tuple(code for code in self.languages.all if code in chosen)

    @model_validator(mode="after")
    def _pair_languages_are_targets(self) -> Self:
        if others := [c for c in self.pair_languages if c not in self.languages.targets]:
            raise ValueError(
                f"paws15.languages: expected languages in languages.targets, found {others[0]!r}"
            )
        return self

    @property
    def pair_languages(self) -> tuple[str, ...]:
        """The target languages of the parallel pairs."""
        return self.paws15.languages or self.languages.targets

    @property
    def reads_unlabelled(self) -> bool:
        """Whether a run in `ablations` has `pairs: xnli_unlabelled`."""
        runs = self.ablations.runs
        return any(self.methods[run].get("pairs") == "xnli_unlabelled" for run in runs)

    def entry_of(self, name: str) -> str:
        """Return the entry of `methods` of a run whose cells have this name in data/runs/."""
        return name if name in self.methods else name.removesuffix(matched_name(""))

    def backbone_of(self, name: str) -> str:
        """Return the name of the backbone of a run whose cells have this name in data/runs/."""
        return self.run(self.entry_of(name)).backbone

    @property
    def table1(self) -> Grid:
        """The runs and shots of Table I: those of `grid`, then those of `matched`."""
        grid, matched = self.grid, self.blocks["matched"]
        return grid.model_copy(
            update={
                "runs": (*grid.runs, *matched.runs),
                "shots": tuple(dict.fromkeys([*grid.shots, *(k for _, k, _ in matched.cells)])),
            }
        )

    @property
    def cells(self) -> tuple[tuple[str, int, int], ...]:
        """(run, shots, seed) of every cell, block by block."""
        return tuple(cell for block in self.blocks.values() for cell in block.cells)

    @property
    def shots(self) -> dict[int, bool]:
        """Each number of shots in the blocks, and whether any run is trained with it."""
        blocks = self.blocks.values()
        return {
            shots: any(shots in block.shots and block.runs for block in blocks)
            for shots in sorted({shots for block in blocks for shots in block.shots})
        }

    @property
    def used_shots(self) -> tuple[int, ...]:
        """The numbers of shots that a run is trained with, ascending."""
        return tuple(shots for shots, is_used in self.shots.items() if is_used)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every training seed in the blocks, ascending."""
        return tuple(sorted({seed for block in self.blocks.values() for seed in block.seeds}))

    def run(self, name: str, *, place: str = str(PARAMS)) -> Run:
        """Return the run of this name, after checking that its block has the pairs that it reads.

        Raises:
            InputError: there is no such entry, or one of its settings is impossible.
        """
        run, where = super().run(name, place=place), f"{place}: methods.{name}"
        key = next((key for key in CELLS if name in getattr(self, key).runs), None)
        if key is None:
            return run
        if (pairs := run.parallel.pairs) != "paws15":
            if key != "ablations":
                raise InputError(
                    f"{where}.pairs: expected paws15 for a run in {key}.runs (runs with {pairs} "
                    f"belong in ablations.runs), found {pairs}"
                )
            if pairs == "xnli" and not self.fewshot.translations:
                raise InputError(f"{where}.pairs: expected fewshot.translations: true, found false")
        most = self.paws15.most if key == "sweeps" else self.paws15.pairs
        wanted = run.parallel.external_pairs or 0
        if wanted > most:
            raise InputError(
                f"{where}.external_pairs: expected at most {most} (paws15.pairs, or "
                f"paws15.extended for runs in sweeps.runs), found {wanted}"
            )
        return run


def load_params(path: Path = PARAMS) -> Params:
    """Read the whole of params.yaml; raise an InputError if a key, type or value is wrong."""
    params = parse(Params, read_params(path), place=str(path))
    for name in params.methods:
        params.run(name, place=str(path))
    return params
