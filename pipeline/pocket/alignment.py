"""Places the word embeddings of other languages near the English ones before they are trained.

XLM-R learns from 2.5 TB of text to place translations close to each other; a miniature cannot.
This initialisation stands in for it. How similar a language starts to English is graded by
`closeness` in the grammar.
"""

from collections import Counter, defaultdict
from functools import partial

import torch
from torch import Generator, Tensor
from torch.nn.functional import normalize
from transformers import PreTrainedTokenizerFast

from pipeline.pocket.grammar import Grammar, Phrase
from pipeline.pocket.tokenizer import SPACE

SIMILARITY = {"near": 0.85, "mid": 0.8, "far": 0.72, "low": 0.65}
"""The cosine between a word's embedding and that of its English counterpart, by closeness."""

_unit = partial(normalize, dim=0, eps=1e-6)


def align_embeddings(
    embeddings: Tensor, grammar: Grammar, tokenizer: PreTrainedTokenizerFast, generator: Generator
) -> Tensor:
    """Return embeddings, [V, d], with every piece of other languages moved next to English.

    A phrase's English vector is the mean over its pieces, weighted by one over the number of
    phrases that contain a piece, so articles and prepositions count little. A piece of another
    language moves to the mean of the English vectors of its phrases; a phrase counts less if it
    contains a rarer piece. Noise then lowers the cosine to that of SIMILARITY. Pieces that
    English uses must have been trained; they stay unchanged.
    """
    english, english_counts = _phrases(grammar, tokenizer, "en")
    vectors = []
    for pieces in english:
        weights = torch.tensor([1.0 / english_counts[piece] for piece in pieces])
        vectors.append((weights[:, None] * embeddings[pieces]).sum(0) / weights.sum())
    size = embeddings[sorted(english_counts)].norm(dim=1).mean()
    targets: dict[int, list[Tensor]] = defaultdict(list)
    for code, rules in grammar.languages.items():
        cosine = SIMILARITY[rules.closeness]
        phrases, counts = _phrases(grammar, tokenizer, code)
        rarest = [min((counts[piece] for piece in pieces), default=0) for pieces in phrases]
        for piece in sorted(counts.keys() - english_counts.keys()):
            mean = torch.zeros_like(vectors[0])
            for vector, pieces, count in zip(vectors, phrases, rarest, strict=True):
                if piece in pieces:
                    mean += vector * (count / counts[piece])
            noise = torch.randn(len(mean), generator=generator)
            mixed = cosine * _unit(mean) + (1 - cosine**2) ** 0.5 * _unit(noise)
            targets[piece].append(size * mixed)
    aligned = embeddings.clone()
    for piece, by_language in targets.items():
        aligned[piece] = torch.stack(by_language).mean(0)
    return aligned


def _phrases(
    grammar: Grammar, tokenizer: PreTrainedTokenizerFast, language: str
) -> tuple[list[list[int]], Counter[int]]:
    """Return the pieces of all phrases and literals, and how many of these contain each piece.

    Their order is the same for every language.
    """
    rules = grammar.languages[language]
    texts = [
        grammar.phrase(Phrase(concept), language, feminine=concept.feminine)
        for concept in grammar.lexicon.concepts
    ]
    texts += [*rules.answers, rules.question, rules.answer, rules.negation.format("")]
    space = tokenizer.convert_tokens_to_ids(SPACE)
    encoded = tokenizer(texts, add_special_tokens=False)["input_ids"]
    phrases = [[piece for piece in pieces if piece != space] for pieces in encoded]
    return phrases, Counter(piece for pieces in phrases for piece in set(pieces))
