"""`mpt backbone`: the masked language model, from the Hub or from a folder."""


def backbone() -> None:
    """Fetch the backbone and its tokenizer, check them, and write data/backbone/."""
    from pipeline.artifacts import BACKBONE
    from pipeline.config import load_params
    from pipeline.fetching import fetch_backbone
    from stages.terminal import say

    params = load_params()
    facts = fetch_backbone(params.backbone, BACKBONE)
    say(f"{params.backbone.path}: {facts}")
