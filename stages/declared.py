"""`mpt declared`: what the cells of each run depend on by themselves, by content."""


def declared() -> None:
    """Write to data/declared/ the hashes of each run's method, backbone and declared inputs.

    DVC runs the cells of a run again if one of these changes. `mpt inputs` has hashed the inputs
    that no stage makes.
    """
    from pipeline.inputs.declared import DECLARED, write_declared
    from stages.terminal import say

    for run, content in write_declared().items():
        inputs = content["inputs"].items()
        counts = [f"{name} ({len(files)} of its files)" for name, files in inputs]
        if counts:
            say(f"{DECLARED / run}.json: {', '.join(counts)}")
