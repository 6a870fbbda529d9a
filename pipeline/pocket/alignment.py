"""Word embeddings of the other languages, placed near those of English before they are trained.

XLM-R learns to place translations close to one another from 2.5 TB of text; a miniature cannot.
This initialisation stands in for it. It is graded: languages that the grammar calls close to
English start more similar to it than the others.
"""

from collections import Counter

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from pipeline.pocket.grammar import Grammar, Phrase

SIMILARITY = {"near": 0.85, "mid": 0.8, "far": 0.72, "low": 0.65}
"""The cosine between a word's embedding and that of its English counterpart, by closeness."""


def align_embeddings(
    embeddings: Tensor,
    grammar: Grammar,
    tokenizer: PreTrainedTokenizerFast,
    generator: torch.Generator,
) -> Tensor:
    """Return the embeddings with every piece of another language moved next to English.

    A piece that occurs in phrases c = 1..n of a language gets the weighted mean of the English
    vectors of these phrases; a phrase's English vector is the weighted mean over its pieces. Both
    weights are one over the number of phrases that a piece occurs in, so that articles and
    prepositions count little. Noise is mixed in until the cosine is that of SIMILARITY.

    Args:
        embeddings: word embeddings, [V, d], of which the English ones are trained.
        grammar: the languages.
        tokenizer: gives the pieces of a phrase.
        generator: of the noise.

    Returns:
        New embeddings, [V, d]; pieces that English uses are unchanged.
    """
    phrases = {code: _phrases(grammar, tokenizer, code) for code in grammar.languages}
    english_counts = Counter(piece for pieces in phrases["en"] for piece in set(pieces))
    vectors = []
    for pieces in phrases["en"]:
        weights = torch.tensor([1.0 / english_counts[piece] for piece in pieces])
        vectors.append((weights[:, None] * embeddings[pieces]).sum(0) / weights.sum())
    size = embeddings[sorted(english_counts)].norm(dim=1).mean()
    # A piece that several languages share is moved to the mean of what each of them asks for.
    wanted: dict[int, list[Tensor]] = {}
    for code, rules in grammar.languages.items():
        if code == "en":
            continue
        cosine = SIMILARITY[rules.closeness]
        counts = Counter(piece for pieces in phrases[code] for piece in set(pieces))
        for piece in sorted(set(counts) - set(english_counts)):
            mean = torch.zeros_like(vectors[0])
            for vector, pieces in zip(vectors, phrases[code], strict=True):
                if piece in pieces:
                    rarest = min(counts[other] for other in pieces)
                    mean += vector * (rarest / counts[piece])
            noise = torch.randn(len(mean), generator=generator)
            mixed = cosine * _unit(mean) + (1 - cosine**2) ** 0.5 * _unit(noise)
            wanted.setdefault(piece, []).append(size * mixed)
    aligned = embeddings.clone()
    for piece, vectors_of_piece in wanted.items():
        aligned[piece] = torch.stack(vectors_of_piece).mean(0)
    return aligned


def _phrases(
    grammar: Grammar, tokenizer: PreTrainedTokenizerFast, language: str
) -> list[list[int]]:
    """Return the pieces of all phrases and literals, in the same order for every language."""
    rules = grammar.languages[language]
    texts = [
        grammar.phrase(Phrase(one.name), language, feminine=one.feminine)
        for one in grammar.lexicon.concepts
    ]
    texts += [*rules.answers, rules.question, rules.answer, rules.negation.format("")]
    space = tokenizer.convert_tokens_to_ids("▁")
    return [
        [piece for piece in tokenizer.encode(text, add_special_tokens=False) if piece != space]
        for text in texts
    ]


def _unit(vector: Tensor) -> Tensor:
    unit: Tensor = vector / vector.norm().clamp_min(1e-6)
    return unit
