"""`python -m stages` is `mpt`."""

from stages.cli import script

if __name__ == "__main__":
    script()
