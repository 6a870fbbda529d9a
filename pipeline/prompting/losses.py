"""The losses: cross-entropy (Eq. 3) and the symmetric KL divergence of the alignment (Eq. 7)."""

from torch import Tensor
from torch.nn import functional


def label_word_cross_entropy(logits: Tensor, labels: Tensor, *, word_ids: Tensor) -> Tensor:
    """Cross-entropy over only the label words, in nats, mean over examples.

    Args:
        logits: at the mask, [B, V].
        labels: label ids, [B].
        word_ids: the vocabulary id of each label's word, [C].
    """
    return functional.cross_entropy(logits[:, word_ids].float(), labels)


def vocabulary_cross_entropy(logits: Tensor, labels: Tensor, *, word_ids: Tensor) -> Tensor:
    """The same over the whole vocabulary (Eq. 2 read literally); see label_word_cross_entropy."""
    return functional.cross_entropy(logits.float(), word_ids[labels])


CROSS_ENTROPIES = {
    "vocabulary": vocabulary_cross_entropy,
    "label_words": label_word_cross_entropy,
}
"""By the parameter `ce_over`."""


def symmetric_kl(source: Tensor, target: Tensor) -> Tensor:
    """Alignment loss of Eq. 7, KL(S||T) + KL(T||S), in nats, mean over pairs.

    The sum of both is (p - q)(log p - log q), summed over the vocabulary. Gradients flow through
    both sides.

    Args:
        source: log-probabilities at the mask, source language, [B, V].
        target: the same for the parallel target sentences, [B, V].

    Raises:
        ValueError: the shapes differ, so the rows are not pairs.
    """
    if source.shape != target.shape:
        raise ValueError(
            f"expected pairs of rows, found {tuple(source.shape)} and {tuple(target.shape)}"
        )
    difference = (source.exp() - target.exp()) * (source - target)
    return difference.sum(-1).mean()
