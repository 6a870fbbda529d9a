"""`mpt backbone`: the masked language model, from the Hub or from a folder."""


def backbone() -> None:
    """Fetch the backbone and its tokenizer, check them, and write data/backbone/."""
    from pipeline.artifacts import write_json
    from pipeline.backbone.checkpoint import digests
    from pipeline.backbone.files import BACKBONE, BACKBONE_SOURCE
    from pipeline.hub.backbone import FILES, fetch_backbone
    from pipeline.hub.files import pinned
    from pipeline.params.whole import load_params
    from stages.terminal import say

    params = load_params()
    facts = fetch_backbone(params.backbone, BACKBONE)
    commit = pinned(params.backbone, kind="model", key="backbone")
    files = {"sha256": digests(BACKBONE, FILES)}
    write_json(params.backbone.model_dump() | commit | files, BACKBONE_SOURCE)
    say(f"{params.backbone.path}: {facts}")
