"""The two ways in which a command ends badly; everything else is a bug."""


class InputError(ValueError):
    """The user's input is wrong: one line that names the place, the expected and the found.

    Commands end with exit code 2.
    """


class RunError(RuntimeError):
    """The input was fine and the run failed all the same: one line that says why.

    Commands end with exit code 1.
    """
