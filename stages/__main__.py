"""`python -m stages` is `mpt`."""

from stages.cli import main

if __name__ == "__main__":
    main()
