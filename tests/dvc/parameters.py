"""The parameters of a toy project that has stages of every kind."""

from tests import toys


def parameters(**changes: object) -> dict:
    """Return the values of params.yaml, dotted keys changed, as `toys.params`."""
    block = {"shots": [1], "seeds": [1]}
    values: dict = {
        "datasets__xnli": {"path": "data/pocket/hub/xnli"},
        "datasets__paws_x": {"path": "data/pocket/hub/paws-x", "splits": ["validation"]},
        "backbone": {"path": "data/pocket/backbone"},
        "paws15__extended": 14,
        "grid": {"runs": ["sp", "mpt"], "shots": [1], "seeds": [1, 2]},
        "ablations": {"runs": ["no_translator"], **block},
        "sweeps": {"runs": ["length_1", "pairs_12"], **block},
        "matched": {"runs": ["sp"], **block},
        "methods__mpt": {"method": "mpt", "alpha": 0.5},
        "methods__no_translator": {"method": "mpt", "translator": "none"},
        "methods__length_1": {"method": "mpt", "prompt_length": 1},
        "methods__pairs_12": {"method": "mpt", "external_pairs": 12},
        "comparison__table2": {"no-translator": "no_translator", "no-mpt": "sp"},
    }
    return toys.params(**(values | changes))
