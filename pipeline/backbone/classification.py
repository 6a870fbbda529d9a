"""FT's classifier, of the XLM-R family's form for every backbone: labels from the first token."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from pipeline.backbone.backbone import Backbone

_OWN, _POOLED = {"dense": "classifier.dense", "out_proj": "classifier.out_proj"}, "classifier"

PLACES: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(("xlm-roberta", "roberta", "camembert", "xlm-roberta-xl"), _OWN),
    "bert": {"dense": "bert.pooler.dense", "out_proj": _POOLED},
    "rembert": {"dense": "rembert.pooler.dense", "out_proj": _POOLED},
    "deberta-v2": {"dense": "pooler.dense", "out_proj": _POOLED},
}
"""By `model_type`: where a class of `transformers` whose classifier computes as ours has its parts.

Others differ: DistilBERT's has a ReLU, ModernBERT's a norm.
"""


class ClassificationHead(nn.Module):
    """Dropout, dense, tanh, dropout, projection to the labels, named as in checkpoints."""

    def __init__(self, backbone: Backbone, labels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(backbone.hidden_size, backbone.hidden_size)
        self.dropout = nn.Dropout(backbone.dropout)
        self.out_proj = nn.Linear(backbone.hidden_size, labels)
        for layer in (self.dense, self.out_proj):
            nn.init.normal_(layer.weight, std=backbone.initializer_range)
            nn.init.zeros_(layer.bias)

    def forward(self, states: Tensor) -> Tensor:
        """Return a logit for each label, [B, d] -> [B, C]."""
        inner = torch.tanh(self.dense(self.dropout(states)))
        logits: Tensor = self.out_proj(self.dropout(inner))
        return logits

    def named_as(self, kind: str) -> dict[str, str]:
        """Return the names of its weights, each with its name in a class of PLACES."""
        parts = (name.partition(".") for name in self.state_dict())
        return {f"{part}.{one}": f"{PLACES[kind][part]}.{one}" for part, _, one in parts}
