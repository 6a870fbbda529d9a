"""`mpt backbone`: the masked language models, from the Hub or from folders."""


def backbone() -> None:
    """Fetch each backbone and its tokenizer, check them, and write data/backbones/NAME/."""
    from pipeline.artifacts import write_json
    from pipeline.backbone.checkpoint import digests
    from pipeline.backbone.files import BACKBONES, backbone_folder, source_path
    from pipeline.files import keep_only
    from pipeline.hub.backbone import FILES, fetch_backbone
    from pipeline.hub.cloze import probe
    from pipeline.hub.files import pinned
    from pipeline.params.whole import load_params
    from stages.terminal import say, warn

    params, made = load_params(), []
    for name, source in params.sources.items():
        folder, key = backbone_folder(name), params.backbone_key(name)
        facts = fetch_backbone(source, folder, key=key)
        commit = pinned(source, kind="model", key=key)
        files = {"sha256": digests(folder, FILES)}
        write_json(source.model_dump() | commit | files, source_path(folder))
        made += [folder, source_path(folder)]
        found = probe(folder)
        say(f"{folder}: {source.path}: {facts}" + (f"; {found}" if found else ""))
        if found and found.says_nothing:
            warn(
                f"{source.path}: the head says nothing of masked words, so only ft can learn from "
                f"it: its checkpoint may lack a trained head"
            )
    keep_only(made, BACKBONES)
