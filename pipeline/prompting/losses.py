"""The losses: cross-entropy (Eq. 3) and the symmetric KL divergence of the alignment (Eq. 7)."""

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
    if source.shape != target.shape:
        raise ValueError(
            f"expected pairs of rows, found {tuple(source.shape)} and {tuple(target.shape)}"
        )
    difference = (source.exp() - target.exp()) * (source - target)
    return difference.sum(-1).mean()
