"""The block `training` of params.yaml."""

import math
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from pipeline.params.strict import EITHER, KEYED, PLAIN, ShotsName, Strictly, shown

DURATION = {"epochs", "updates"}
"""The keys that exclude each other."""

Pass = Literal["longest", "labelled", "pairs"]


class Training(Strictly):
    """How a run is trained; a run's own entry may override every key.

    An `epoch` is a number of updates, or one pass over the labelled examples, the parallel pairs,
    or the longest of the streams that the method draws from (the others are repeated). Training
    lasts for `epochs` or for `updates`, of which one is given; with 0 epochs a run is evaluated
    untrained.
    `batch_size` may depend on the shots: {k1: 4, k8: 24} is 4 below 8 shots, and 24 from there on.
    With `best_dev`, the epoch of the highest dev accuracy is kept, among those from `select_from`
    on: where losses change, the first epochs may have learned nothing yet.
    """

    epochs: NonNegativeInt | None = None
    updates: PositiveInt | None = None
    batch_size: Annotated[
        Annotated[PositiveInt, PLAIN] | Annotated[dict[ShotsName, PositiveInt], KEYED], EITHER
    ]
    learning_rate: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)]
    clip: Annotated[float, Field(gt=0)]
    max_length: PositiveInt
    precision: Literal["float32", "bfloat16"]
    selection: Literal["best_dev", "last"]
    epoch: Pass | PositiveInt
    select_from: PositiveInt = 1
    optimizer: Literal["adamw", "adam_l2"] = "adamw"  # decoupled decay, or added to the gradient
    schedule: Literal["constant", "linear"] = "constant"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0
    floor: Annotated[float, Field(ge=0, lt=1)] = 0.0  # the share of the rate at the end
    trainable: Literal["all", "all_but_words", "prompt"] = "all"  # words: the embeddings
    rows_at_once: PositiveInt | None = None  # in one forward pass of an update; all by default
    threads: PositiveInt = 1  # of the CPU for an update; their number changes the last bits
    checkpointing: bool = False  # layers are computed again for gradients, in less memory
    weights: Literal["float32", "bfloat16"] = "float32"  # of layers, and of their Adam's moments

    @field_validator("epoch", mode="before")
    @classmethod
    def _passes_or_updates(cls, epoch: object) -> object:
        if epoch in get_args(Pass) or (type(epoch) is int and epoch > 0):
            return epoch
        raise ValueError(
            f"expected {', '.join(get_args(Pass))} or a number of updates, found {shown(epoch)}"
        )

    @model_validator(mode="after")
    def _lasts_for_epochs_or_updates(self) -> Self:
        if self.epochs is None and self.updates is None:
            raise ValueError("epochs: expected this key, or updates, found neither")
        if self.epochs is not None and self.updates is not None:
            raise ValueError(
                f"updates: expected either epochs or updates, found {self.epochs} epochs and "
                f"{self.updates} updates"
            )
        return self

    @model_validator(mode="after")
    def _has_a_batch_size_for_every_shots(self) -> Self:
        if isinstance(self.batch_size, dict) and "k1" not in self.batch_size:
            raise ValueError("batch_size.k1: expected this key, found nothing")
        return self

    @model_validator(mode="after")
    def _has_a_floor_only_if_the_rate_falls(self) -> Self:
        if self.schedule == "constant" and self.floor:
            raise ValueError(f"floor: expected 0 with schedule: constant, found {self.floor:g}")
        return self

    @model_validator(mode="after")
    def _selects_from_an_epoch_only_by_dev(self) -> Self:
        if self.selection == "last" and self.select_from > 1:
            raise ValueError(
                f"select_from: expected 1 with selection: last, found {self.select_from}"
            )
        return self

    @model_validator(mode="after")
    def _rounds_weights_only_where_it_computes_so(self) -> Self:
        if self.weights == "bfloat16" and self.precision != "bfloat16":
            raise ValueError(
                f"weights: expected float32 with precision: {self.precision}, found {self.weights}"
            )
        return self

    @property
    def known_epochs(self) -> int | None:
        """The number of epochs, or None if it depends on the text to train on."""
        if self.updates is None:
            return self.epochs
        return math.ceil(self.updates / self.epoch) if isinstance(self.epoch, int) else None

    def batch_size_at(self, shots: int) -> int:
        """Return the batch size for a number of labelled pairs per label."""
        if isinstance(self.batch_size, int):
            return self.batch_size
        sizes = {int(name[1:]): size for name, size in self.batch_size.items()}
        return sizes[max(start for start in sizes if start <= shots)]
