"""The two expected ways for a command to fail; any other exception is a bug."""


class InputError(ValueError):
    """The user's input is wrong: one line with the place, the expected and the found.

    The command ends with exit code 2.
    """


class RunError(RuntimeError):
    """The command failed although its input was fine: one line that says why.

    The command ends with exit code 1.
    """
