"""`mpt check`: params.yaml, before anything runs."""


def check() -> None:
    """Check params.yaml, with every run's method and its backbone's tokenizer; train nothing."""
    from pipeline.params.whole import load_params
    from pipeline.preflight import preflight
    from stages.terminal import say

    params = load_params()
    preflight(params)
    paths = ", ".join(source.path for source in params.sources.values())
    say(f"params.yaml: {len(params.methods)} runs fit {paths}")
