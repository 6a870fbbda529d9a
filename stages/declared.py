"""`mpt declared`: the inputs that runs declare, by content."""


def declared() -> None:
    """Write to data/declared/ the hashes of the inputs that each run in params.yaml declares.

    DVC runs the cells of a run again if its own inputs change. `mpt inputs` has hashed the inputs
    that no stage makes.
    """
    from pipeline.inputs.declared import DECLARED, write_declared
    from stages.terminal import say

    for run, inputs in write_declared().items():
        counts = [f"{name} ({len(files)} of its files)" for name, files in inputs.items()]
        if counts:
            say(f"{DECLARED / run}.json: {', '.join(counts)}")
