"""The backbone: an XLM-R-shaped masked language model of 2 layers, pretrained on generated text."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaForMaskedLM

from pipeline.files import unfinished
from pipeline.pocket.alignment import align_embeddings
from pipeline.pocket.corpus import Corpora
from pipeline.pocket.grammar import Grammar
from pipeline.pocket.text import Line, Mixture, Text
from pipeline.pocket.tokenizer import MAX_LENGTH, build_tokenizer
from pipeline.progress import Progress, silent

SEED = 20240608
BATCH = 64
CHUNK = 32  # batches that are drawn together, so that the lines of each have similar lengths
IGNORED = -100
Masked = tuple[Tensor, Tensor]
"""Pieces, partly masked, and targets: the ids under masks, elsewhere IGNORED; [T] or [B, T]."""


@dataclass(frozen=True)
class Phase:
    """Updates of AdamW on some text; after warm-up, the rate is constant or falls to zero."""

    name: str
    updates: int
    learning_rate: float
    mixture: Mixture
    falls: bool = False


def schedule(grammar: Grammar) -> tuple[Phase, ...]:
    """Return the phases. Before the last one, the word embeddings are aligned."""
    share = {"near": 1.0, "mid": 0.9, "far": 0.8, "low": 0.7}
    everyone = {code: share[rules.closeness] for code, rules in grammar.languages.items()}
    everyone["en"] = 3.0
    phrases = Mixture({"en": 1.0}, fragments=1.0, phrases=(1,))
    fragments = replace(phrases, phrases=(1, 2), fillers=0.3)
    sentences = replace(phrases, fragments=0.4, phrases=(1, 2, 3), fillers=0.5)
    longer = replace(sentences, fragments=0.2)
    mixed = replace(longer, languages=everyone, dialogues=0.78, parallel=0.04, switched=0.15)
    return (
        Phase("English phrases", 600, 1e-3, phrases),
        Phase("English fragments", 300, 1e-3, fragments),
        Phase("English sentences", 1600, 1.5e-3, sentences),
        Phase("English, slower", 600, 4e-4, longer),
        # A higher rate, or more masked words of plain text, would undo the alignment. With 4,000
        # updates, nearly all languages would reach English.
        Phase("all languages", 1200, 7e-4, mixed, falls=True),
    )


def write_backbone(corpora: Corpora, folder: Path, progress: Progress = silent) -> None:
    """Pretrain the backbone without the corpora's pairs; replace `folder` with it."""
    tokenizer = build_tokenizer(corpora.grammar)
    model = _pretrain(corpora, tokenizer, progress)
    with unfinished(folder.parent) as scratch:
        complete = scratch / folder.name
        model.save_pretrained(complete)
        tokenizer.save_pretrained(complete)
        (complete / "model.safetensors").chmod(0o644)  # safetensors writes for the owner only
        shutil.rmtree(folder, ignore_errors=True)
        complete.rename(folder)


def _pretrain(
    corpora: Corpora, tokenizer: PreTrainedTokenizerFast, progress: Progress
) -> XLMRobertaForMaskedLM:
    torch.manual_seed(SEED)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=512,
        max_position_embeddings=MAX_LENGTH + 2,  # positions start after the padding id
        type_vocab_size=1,
        initializer_range=1.5 / 128**0.5,  # with the usual 0.02, it would stay at chance
        # A model this small does better without dropout, in pretraining and in training.
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        layer_norm_eps=1e-5,
    )
    model = XLMRobertaForMaskedLM(config)
    grammar, pairs, rng = corpora.grammar, corpora.pairs, Random(SEED)
    words = model.roberta.embeddings.word_embeddings.weight
    phases = schedule(grammar)
    for phase in phases:
        if phase is phases[-1]:
            generator = torch.Generator().manual_seed(SEED)
            with torch.no_grad():
                words.copy_(align_embeddings(words, grammar, tokenizer, generator))
        text = Text(grammar, pairs, rng, phase.mixture)
        _train(model, phase, _batches(text, tokenizer), progress)
    return model.eval()


def _train(
    model: XLMRobertaForMaskedLM, phase: Phase, batches: Iterator[Masked], progress: Progress
) -> None:
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=phase.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    warmup = max(1, min(100, phase.updates // 10))

    def rate(step: int) -> float:
        rise = min(1.0, (step + 1) / warmup)
        return rise * (1 - step / phase.updates) if phase.falls else rise

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    model.train()
    for step, (pieces, targets) in enumerate(islice(batches, phase.updates), start=1):
        states = model.roberta(pieces, (pieces != model.config.pad_token_id).long())[0]
        masked = targets != IGNORED
        loss = cross_entropy(model.lm_head(states[masked]), targets[masked])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        progress(phase.name, step, phase.updates, f"loss {loss.item():.3f}")


def _batches(text: Text, tokenizer: PreTrainedTokenizerFast) -> Iterator[Masked]:
    lines = text.lines()
    while True:
        examples = _encode(list(islice(lines, BATCH * CHUNK)), tokenizer, text.rng)
        examples.sort(key=lambda example: len(example[0]))
        groups = [examples[start : start + BATCH] for start in range(0, len(examples), BATCH)]
        text.rng.shuffle(groups)
        for group in groups:
            pieces, targets = map(list, zip(*group, strict=True))
            yield (
                pad_sequence(pieces, batch_first=True, padding_value=tokenizer.pad_token_id),
                pad_sequence(targets, batch_first=True, padding_value=IGNORED),
            )


def _encode(lines: list[Line], tokenizer: PreTrainedTokenizerFast, rng: Random) -> list[Masked]:
    """Tokenize each segment of each line separately, as the methods' templates do, and mask."""
    texts = [segment.text for line in lines for segment in line.segments if segment.text]
    encoded = iter(tokenizer(texts, add_special_tokens=False)["input_ids"])
    mask, size = int(tokenizer.mask_token_id), len(tokenizer)
    first, last = int(tokenizer.bos_token_id), int(tokenizer.eos_token_id)
    examples = []
    for line in lines:
        ids, targets = [first], [IGNORED]
        for segment in line.segments:
            random = [rng.randrange(mask + 1, size) for _ in range(segment.fillers)]
            for piece in next(encoded) if segment.text else random:
                hidden = segment.mask > 0 and rng.random() < segment.mask
                ids.append(mask if hidden else piece)
                targets.append(piece if hidden else IGNORED)
        examples.append((torch.tensor([*ids, last]), torch.tensor([*targets, IGNORED])))
    return examples
