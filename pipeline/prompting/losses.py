"""The losses: cross-entropy (Eq. 3), and the alignment by KL divergence (Eq. 7) or by contrast."""

import torch
from torch import Tensor
from torch.nn import functional


def label_word_cross_entropy(logits: Tensor, labels: Tensor, *, word_ids: Tensor) -> Tensor:
    """Cross-entropy over only the label words, in nats, mean over examples.

    `logits` are at the mask, [B, V]; `labels` are label ids, [B]; `word_ids` of the words, [C].
    """
    return functional.cross_entropy(logits[:, word_ids], labels)


def vocabulary_cross_entropy(logits: Tensor, labels: Tensor, *, word_ids: Tensor) -> Tensor:
    """The same over the whole vocabulary (Eq. 2 read literally); see label_word_cross_entropy."""
    return functional.cross_entropy(logits, word_ids[labels])


CROSS_ENTROPIES = {"vocabulary": vocabulary_cross_entropy, "label_words": label_word_cross_entropy}
"""By the parameter `ce_over`."""


def symmetric_kl(source: Tensor, target: Tensor) -> Tensor:
    """Alignment loss of Eq. 7, KL(S||T) + KL(T||S), in nats, mean over pairs.

    The sum of both is (p - q)(log p - log q), summed over the vocabulary. Gradients flow through
    both sides, log-probabilities at the mask, [B, V]; a ValueError says that they are not pairs.
    """
    _require_pairs(source, target)
    difference = (source.exp() - target.exp()) * (source - target)
    return difference.sum(-1).mean()


def info_nce(source: Tensor, target: Tensor, *, temperature: float) -> Tensor:
    """Contrastive alignment: InfoNCE of parallel rows, in nats, mean over pairs and directions.

    With s_ij the cosine similarity of source row i and target row j, divided by the temperature,
    it is the mean of -log softmax_j(s_ij) and -log softmax_i(s_ij) at i = j: each row has its own
    parallel as the positive, and the other rows of the other side as negatives. A batch of one pair
    has none, so its loss is 0.

    CoLAP (Borchert et al. 2025) has only the targets' direction. Its released code takes the sum
    of the whole diagonal as the positive of every row, so that a row also gains from others' pairs.

    Gradients flow through both sides, hidden states at the mask, [B, d]; a ValueError says that
    they are not pairs.
    """
    _require_pairs(source, target)
    similar = functional.normalize(source, dim=-1) @ functional.normalize(target, dim=-1).T
    own = torch.arange(len(source), device=source.device)
    directions = (similar / temperature, similar.T / temperature)
    return torch.stack([functional.cross_entropy(logits, own) for logits in directions]).mean()


def _require_pairs(source: Tensor, target: Tensor) -> None:
    if source.shape != target.shape:
        raise ValueError(
            f"expected pairs of rows, found {tuple(source.shape)} and {tuple(target.shape)}"
        )
