"""`mpt inputs`: what stages read outside the repository, by content."""


def inputs() -> None:
    """Write to data/inputs/ the hashes of all that params.yaml names outside the repository.

    These are datasets, given splits, backbones, translations, and the inputs that runs declare.
    DVC runs a stage again if the content that it reads changes; only files that changed are read.
    """
    from pipeline.inputs.declared import OUTSIDE
    from pipeline.inputs.fingerprints import INPUTS, write_fingerprints
    from pipeline.params.whole import load_params
    from stages.terminal import say

    params = load_params()
    for stage, sources in write_fingerprints(params).items():
        counts = [
            f"{key} {files.get('commit') or f'({len(files)} of its files)'}"
            for key, read in sources.items()
            for files in [read.get("files", read)]
        ]
        say(f"{INPUTS / stage}.json: {', '.join(counts) or 'nothing'}")
    names = [f"{run}.{name}" for run in params.methods for name in params.run(run).inputs]
    say(f"{OUTSIDE}: {', '.join(names) or 'nothing'}")
