"""FT's classifier, of the XLM-R family's form for every backbone: labels from the first token."""

import torch
from torch import Tensor, nn

from pipeline.backbone.backbone import Backbone

SAME_HEAD = ("xlm-roberta", "roberta", "camembert", "xlm-roberta-xl")
"""The classes of `transformers`, by `model_type`, whose classifier has the form of ours."""


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
