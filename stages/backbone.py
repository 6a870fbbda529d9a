"""`mpt backbone`: the masked language model, from the Hub or from a folder."""


def backbone() -> None:
    """Fetch the backbone and its tokenizer, check them, and write data/backbone/."""
    from pipeline.backbone.files import BACKBONE
    from pipeline.hub.backbone import fetch_backbone
    from pipeline.params.whole import load_params
    from stages.terminal import say

    params = load_params()
    facts = fetch_backbone(params.backbone, BACKBONE)
    say(f"{params.backbone.path}: {facts}")
