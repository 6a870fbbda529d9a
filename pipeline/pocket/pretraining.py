"""The backbone: an XLM-R-shaped masked language model of 2 layers, pretrained on generated text."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from random import Random

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaForMaskedLM

from pipeline.pocket.alignment import align_embeddings
from pipeline.pocket.corpus import Pair
from pipeline.pocket.grammar import Grammar
from pipeline.pocket.text import Line, Mixture, draw_lines
from pipeline.pocket.tokenizer import MAX_LENGTH
from pipeline.progress import Progress, silent

SEED = 20240608
HIDDEN, LAYERS, HEADS, INNER = 128, 2, 4, 512
INITIAL_STD = 1.5 / HIDDEN**0.5
"""With the usual 0.02 a model of this size does not leave chance."""

BATCH = 64
CHUNK = 32
"""Batches whose lines are drawn at once, so that lines of like length are batched together."""

STEPS = (600, 300, 1600, 600, 1200)
"""Updates of each phase. 4,000 in the last one would bring nearly all languages to English."""

SHARE = {"near": 1.0, "mid": 0.9, "far": 0.8, "low": 0.7}
"""How much of the mixed text is in a language, by closeness to English, relative to a near one."""

ENGLISH_SHARE = 3.0
IGNORED = -100


@dataclass(frozen=True)
class Phase:
    """A stretch of pretraining.

    Attributes:
        name: for the progress.
        steps: updates.
        learning_rate: of AdamW, at its highest.
        mixture: what is read.
        falls: whether the rate falls linearly to zero; otherwise it stays.
    """

    name: str
    steps: int
    learning_rate: float
    mixture: Mixture
    falls: bool


def schedule(grammar: Grammar) -> tuple[tuple[Phase, ...], tuple[Phase, ...]]:
    """Return the phases before the alignment of the word embeddings and those after it."""
    english = {"en": 1.0}
    everyone = {code: SHARE[rules.closeness] for code, rules in grammar.languages.items()}
    everyone["en"] = ENGLISH_SHARE
    phrases = Mixture(english, 1.0, (1,), 0.0, dialogues=1.0, parallel=0.0, switched=0.0)
    fragments = replace(phrases, phrases=(1, 2), fillers=0.3)
    sentences = replace(phrases, fragments=0.4, phrases=(1, 2, 3), fillers=0.5)
    longer = replace(sentences, fragments=0.2)
    mixed = replace(longer, languages=everyone, dialogues=0.78, parallel=0.04, switched=0.15)
    before = (
        Phase("English phrases", STEPS[0], 1e-3, phrases, falls=False),
        Phase("English fragments", STEPS[1], 1e-3, fragments, falls=False),
        Phase("English sentences", STEPS[2], 1.5e-3, sentences, falls=False),
        Phase("English, slower", STEPS[3], 4e-4, longer, falls=False),
    )
    # A higher rate, or more of the masked words of plain text, undoes the alignment.
    after = (Phase("all languages", STEPS[4], 7e-4, mixed, falls=True),)
    return before, after


def new_backbone(tokenizer: PreTrainedTokenizerFast) -> XLMRobertaForMaskedLM:
    """Return the model before pretraining; torch's global generator draws the weights."""
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=MAX_LENGTH + 2,  # positions start after the padding id
        type_vocab_size=1,
        initializer_range=INITIAL_STD,
        # So small a model is better without, in pretraining and in training.
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        layer_norm_eps=1e-5,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return XLMRobertaForMaskedLM(config)


def pretrain(
    grammar: Grammar,
    held_out: frozenset[Pair],
    tokenizer: PreTrainedTokenizerFast,
    progress: Progress = silent,
) -> XLMRobertaForMaskedLM:
    """Pretrain the backbone from nothing.

    Args:
        grammar: the languages.
        held_out: pairs that no dialogue may be about.
        tokenizer: the miniature's own.
        progress: called after every update.
    """
    torch.manual_seed(SEED)
    model = new_backbone(tokenizer)
    rng = Random(SEED)
    before, after = schedule(grammar)

    def run(phase: Phase) -> None:
        lines = draw_lines(grammar, held_out, rng, phase.mixture)
        batches = _batches(lines, tokenizer, rng)
        _run(model, phase, batches, progress, pad=int(tokenizer.pad_token_id))

    for phase in before:
        run(phase)
    generator = torch.Generator().manual_seed(SEED)
    words = model.roberta.embeddings.word_embeddings.weight
    with torch.no_grad():
        words.copy_(align_embeddings(words, grammar, tokenizer, generator))
    for phase in after:
        run(phase)
    return model.eval()


def _run(
    model: XLMRobertaForMaskedLM,
    phase: Phase,
    batches: Iterator[tuple[Tensor, Tensor]],
    progress: Progress,
    *,
    pad: int,
) -> None:
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=phase.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    warmup = max(1, min(100, phase.steps // 10))

    def rate(step: int) -> float:
        rise = min(1.0, (step + 1) / warmup)
        return rise * (1 - step / phase.steps) if phase.falls else rise

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    model.train()
    for step in range(phase.steps):
        loss = _loss(model, *next(batches), pad=pad)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        progress(phase.name, step + 1, phase.steps, f"loss {loss.item():.3f}")


def _loss(model: XLMRobertaForMaskedLM, pieces: Tensor, targets: Tensor, *, pad: int) -> Tensor:
    """Masked cross-entropy in nats; the head sees the masked places alone.

    Args:
        model: the backbone.
        pieces: ids with masks in place, [B, T].
        targets: the ids under the masks, IGNORED elsewhere, [B, T].
        pad: the padding id.
    """
    states = model.roberta(input_ids=pieces, attention_mask=(pieces != pad).long())[0]
    places = targets != IGNORED
    return cross_entropy(model.lm_head(states[places]), targets[places])


def _batches(
    lines: Iterator[Line], tokenizer: PreTrainedTokenizerFast, rng: Random
) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        chunk = list(islice(lines, BATCH * CHUNK))
        examples = sorted(encode_lines(chunk, tokenizer, rng), key=lambda one: len(one[0]))
        groups = [examples[start : start + BATCH] for start in range(0, len(examples), BATCH)]
        rng.shuffle(groups)
        for group in groups:
            width = len(group[-1][0])
            pad = int(tokenizer.pad_token_id)
            yield (
                torch.tensor([ids + [pad] * (width - len(ids)) for ids, _ in group]),
                torch.tensor([ids + [IGNORED] * (width - len(ids)) for _, ids in group]),
            )


def encode_lines(
    lines: list[Line], tokenizer: PreTrainedTokenizerFast, rng: Random
) -> list[tuple[list[int], list[int]]]:
    """Return for every line its ids with masks in place, and the targets.

    Segments are tokenized each on its own, as the methods' templates do.
    """
    texts = [one.text for line in lines for one in line.segments if one.text]
    encoded = iter(tokenizer(texts, add_special_tokens=False)["input_ids"])
    mask, size = int(tokenizer.mask_token_id), len(tokenizer)
    first, last = int(tokenizer.bos_token_id), int(tokenizer.eos_token_id)
    examples = []
    for line in lines:
        ids, targets = [first], [IGNORED]
        for segment in line.segments:
            if segment.boundary:
                pieces = [last, last]
            elif segment.text:
                pieces = next(encoded)
            else:
                pieces = [rng.randrange(mask + 1, size) for _ in range(segment.fillers)]
            for piece in pieces:
                hidden = segment.mask > 0 and rng.random() < segment.mask
                ids.append(mask if hidden else piece)
                targets.append(piece if hidden else IGNORED)
        examples.append(([*ids, last], [*targets, IGNORED]))
    return examples
