"""Any masked language model of `transformers` that computes from embeddings.

Importing this file takes seconds, so only a backbone that needs it does.
"""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModelForMaskedLM, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput
from transformers.utils import logging

from pipeline.backbone.backbone import Backbone
from pipeline.backbone.rows import Batch
from pipeline.errors import InputError
from pipeline.files import refusing

UNLIKELY = -10_000.0
"""The bias of a token that is no answer; float16 has it too."""

WANTED = {
    "lang_ids": "the language of each row",
    "bbox": "the place of each word on a page",
    "decoder_input_ids": "the input of a decoder",
}
"""What the forward pass of some classes asks for besides text, by its argument."""

DROPOUTS = ("hidden_dropout_prob", "dropout", "classifier_dropout")
"""The keys of config.json that may hold the share that a classifier drops."""


class Given(nn.Module):
    """Stands in for an encoder, and returns the states that it is given."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self._encoder = (encoder,)  # not as a part, whose weights would be counted twice

    @property
    def embeddings(self) -> Any:  # noqa: ANN401
        """Those of the encoder, which the head of DeBERTa reads."""
        return self._encoder[0].embeddings

    def forward(self, *_: object, inputs_embeds: Tensor, **__: object) -> BaseModelOutput:
        """Return the states, [1, R, d]."""
        return BaseModelOutput(last_hidden_state=inputs_embeds)


def head_of(model: PreTrainedModel) -> nn.Module:
    """Return the head of a masked language model: its own forward pass without its encoder.

    It shares its weights with the model.
    """
    head: nn.Module = copy(model)
    head._modules = model._modules | {model.base_model_prefix: Given(model.base_model)}
    return head


class MaskedLm(Backbone):
    """The encoder and the head of a class of `transformers`.

    Rows are padded in the blocks of `Layout`, on the right, so the positions that each class
    counts by itself are right.

    Args:
        model: with its weights, or with shapes in place of them.
        separator: the token after which token types change from 0 to 1; None without types.
    """

    def __init__(self, model: PreTrainedModel, *, separator: int | None) -> None:
        super().__init__()
        config = model.config
        self.encoder, self.separator = model.base_model, separator
        self.head: nn.Module | None = head_of(model)
        self.prefix = model.base_model_prefix
        self.hidden_size = int(config.hidden_size)
        self.embedding_size = self.words.embedding_dim
        shares = (getattr(config, name, None) for name in DROPOUTS)
        self.dropout = float(next((share for share in shares if share is not None), 0.0))
        self.initializer_range = float(getattr(config, "initializer_range", 0.02))
        self.max_length = longest(self.encoder, config)
        self.tied = self._shared()

    def _shared(self) -> dict[str, str]:
        """Return the further names of parameters that have several, with the first name of each."""
        first: dict[int, str] = {}
        names = [(self._named(name), one) for name, one in self.encoder.named_parameters()]
        if self.head is not None:
            names += self.head.named_parameters(remove_duplicate=False)
        kept = [(name, first.setdefault(id(one), name)) for name, one in names]
        return {name: one for name, one in kept if name != one}

    def _named(self, name: str) -> str:
        """Return the name of a part of the encoder in the whole model."""
        return f"{self.prefix}.{name}"

    @property
    def words(self) -> nn.Embedding:
        """The word embeddings, [V, e]."""
        words: nn.Embedding = self.encoder.get_input_embeddings()
        return words

    @property
    def has_head(self) -> bool:
        """Whether there is a head; see Backbone.has_head."""
        return self.head is not None

    @property
    def layers(self) -> nn.Module:
        """The encoder; see Backbone.layers."""
        encoder: nn.Module = self.encoder
        return encoder

    def recompute_layers(self, *, place: str) -> None:
        """Keep only the input of layers; see Backbone.recompute_layers."""
        if not self.encoder.supports_gradient_checkpointing:
            raise InputError(
                f"{place}: expected false, since {type(self.encoder).__name__} of transformers "
                f"cannot compute its layers again, found true"
            )
        # Its older name, until transformers 6.
        enable = getattr(self.encoder, "activation_checkpointing_enable", None)
        (enable or self.encoder.gradient_checkpointing_enable)({"use_reentrant": False})

    def drop_head(self) -> None:
        """Remove the head; see Backbone.drop_head."""
        self.head, self.tied = None, {}

    def read(self, words: Tensor, batch: Batch) -> Tensor:
        """Return hidden states where rows are read; see Backbone.read."""
        layout = batch.layout
        rows = layout.spread(words)
        inputs = [{"inputs_embeds": one} for one in rows]
        if layout.padded:
            for one, mask in zip(inputs, layout.masks(), strict=True):
                one["attention_mask"] = mask.long()
        if self.separator is not None:
            for one, types in zip(inputs, layout.spread(self._types(batch)), strict=True):
                one["token_type_ids"] = types[..., 0]
        states = layout.gather([self._encoded(one) for one in inputs])
        return states.index_select(0, batch.read_at)

    def _encoded(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the states of a block of rows, [B', T', d].

        Blocks are as wide as fast kernels want, which may be more than there are positions.
        """
        width, most = inputs["inputs_embeds"].shape[1], self.max_length
        mask = inputs.get("attention_mask")
        if width > most and mask is not None and not mask[:, most:].any():
            inputs = {name: values[:, :most] for name, values in inputs.items()}
        states: Tensor = self.encoder(**inputs)[0]
        return functional.pad(states, (0, 0, 0, width - states.shape[1]))

    def _types(self, batch: Batch) -> Tensor:
        """Return each token's type, 0 up to its row's first separator and 1 after it, [N, 1]."""
        is_separator = ((batch.ids == self.separator) & (batch.slots < 0)).long()
        before = is_separator.cumsum(0) - is_separator
        places = torch.arange(len(before), device=before.device)
        return (before > before[places - batch.layout.positions]).long()[:, None]

    def answer(self, states: Tensor, words: Tensor | None) -> Tensor:
        """Return the head's logits; see Backbone.answer."""
        assert self.head is not None
        logits: Tensor = self.head(inputs_embeds=states[None]).logits[0]
        return logits if words is None else logits.index_select(-1, words)

    def checkpoint(self, vectors: Tensor) -> dict[str, Tensor]:
        """Return the weights with further tokens; see Backbone.checkpoint."""
        size = self.words.num_embeddings
        encoder = {self._named(name): one for name, one in self.encoder.state_dict().items()}
        parameters = self.encoder.named_parameters()
        (words,) = (self._named(name) for name, one in parameters if one is self.words.weight)
        encoder[words] = torch.cat([encoder[words], vectors.to(encoder[words])])
        if self.head is None:
            return encoder
        own = {n: one for n, one in self.head.state_dict().items() if n not in self.tied}
        answers = {name: one for name, one in own.items() if one.shape[:1] == (size,)}
        biased = any(one.ndim == 1 for one in answers.values())
        if len(vectors) and not answers:
            raise InputError(
                f"data/backbones: expected a head with weights or biases of its own for each "
                f"piece, which keep a soft prompt from being an answer, found "
                f"{type(self.head).__name__}"
            )
        for name, one in answers.items():
            new = one.new_zeros(len(vectors), *one.shape[1:])
            if one.ndim == 1:
                new += UNLIKELY
            elif not biased:
                new += one[0]  # as likely as the first piece, so never the likeliest
            own[name] = torch.cat([one, new])
        return encoder | own


def longest(encoder: nn.Module, config: Any) -> int:  # noqa: ANN401
    """Return the number of tokens in the longest input.

    Learned positions may be counted from the padding id on, as in XLM-R.
    """
    for name, part in encoder.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
            return part.num_embeddings - (0 if part.padding_idx is None else part.padding_idx + 1)
    return int(config.max_position_embeddings)


def outline(folder: Path, *, separator: int | None, place: str) -> MaskedLm:
    """Return the backbone that config.json describes; under torch's device `meta`, only shapes.

    Raises:
        InputError: there is no such class, or it cannot be a backbone.
    """
    config = read_config(folder, place=place)
    with quietly(place):
        model = AutoModelForMaskedLM.from_config(
            config, trust_remote_code=False, dtype=torch.float32
        )
    require_usable(model, place=place)
    return MaskedLm(model, separator=separator)


def read_config(folder: Path, *, place: str) -> Any:  # noqa: ANN401
    """Return config.json with the defaults of its class; raise an InputError if there is none."""
    with quietly(place):
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def read_model(folder: Path, *, place: str, head: bool = True) -> PreTrainedModel:
    """Read a masked language model in any form of checkpoint, in float32.

    Without `head`, the head need not be there, and is random if it is not. No number is drawn
    from torch's global generator.

    Raises:
        InputError: there is no model, or weights of its class are missing.
    """
    with quietly(place), torch.random.fork_rng(devices=[]):
        model, report = AutoModelForMaskedLM.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, dtype=torch.float32,
            ignore_mismatched_sizes=True, output_loading_info=True,
        )  # fmt: skip
    # transformers fills both with random numbers, and only warns about it.
    unfit = sorted(report["missing_keys"]) + sorted(name for name, *_ in report["mismatched_keys"])
    encoder = [name for name in unfit if name.startswith(f"{model.base_model_prefix}.")]
    if encoder or (head and unfit):
        raise InputError(
            f"{place}: expected weights of {type(model).__name__} that fit config.json, found "
            f"none for {_first(unfit)}" + ("" if encoder else _headless(report))
        )
    require_usable(model, place=place)
    return model


def _headless(report: Mapping[str, Any]) -> str:
    """Return what to say of a checkpoint that lacks nothing but its head."""
    unread = sorted(report["unexpected_keys"])
    return "; its head would start at random, without which only ft works (head: none)" + (
        f"; not read: {_first(unread)}" if unread else ""
    )


def _first(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def require_usable(model: PreTrainedModel, *, place: str) -> None:
    """Raise an InputError unless a class computes states and logits of rows of embeddings."""
    arguments = inspect.signature(model.forward).parameters
    wants = [f"wants {what}" for name, what in WANTED.items() if name in arguments]
    if "inputs_embeds" not in arguments:
        wants = ["takes no embeddings (inputs_embeds)"]
    elif getattr(model.config, "is_decoder", False):
        wants = ["reads only what stands before a token (is_decoder)"]
    elif model.base_model is model:
        wants = ["has no encoder apart from its head"]
    elif not isinstance(model.base_model.get_input_embeddings(), nn.Embedding):
        wants = ["has no table of word embeddings"]
    if wants:
        raise InputError(
            f"{place}: expected a class that computes from embeddings of text, found "
            f"{type(model).__name__}, which {wants[0]}"
        )


@contextmanager
def quietly(place: str) -> Iterator[None]:
    """Load with transformers without its messages; its errors become one line."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with refusing(place, expected="a masked language model with a tokenizer"):
        yield
