"""Strict reading: YAML -> frozen pydantic models, and the first error as one line."""

import re
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    StringConstraints,
    Tag,
    ValidationError,
)
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pipeline.errors import InputError
from pipeline.files import reading

_CODE, _NAME, _ROW = r"^[a-z]{2}$", r"^[a-z][a-z0-9_]*$", r"^[a-z][a-z-]*$"
_SHOTS = r"^k[1-9][0-9]*$"
_SPLIT = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
LanguageCode = Annotated[str, StringConstraints(pattern=_CODE)]
# A run's name becomes a part of DVC stage names, in which '-' separates.
Name = Annotated[str, StringConstraints(pattern=_NAME)]
# What the paper's tables call their rows.
RowName = Annotated[str, StringConstraints(pattern=_ROW)]
# A number of shots as in the names of files.
ShotsName = Annotated[str, StringConstraints(pattern=_SHOTS)]
# The beginning of a file's name; not a path.
SplitName = Annotated[str, StringConstraints(pattern=_SPLIT)]

# A value or keys and values: `Annotated[Annotated[A, PLAIN] | Annotated[B, KEYED], EITHER]`, whose
# errors are those of the kind that was found.
PLAIN, KEYED = Tag("|plain"), Tag("|keyed")
EITHER = Discriminator(lambda v: "|keyed" if isinstance(v, dict | BaseModel) else "|plain")


class Strictly(BaseModel):
    """A frozen block of parameters that refuses unknown keys and converts no types."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], values: object, *, place: str) -> Model:
    """Validate values that were read from YAML.

    `place` is the file, and the keys down to these values: `params.yaml: methods.mpt`.

    Raises:
        InputError: the first error, by place, key, expected and found.
    """
    try:
        return model.model_validate(values)
    except ValidationError as failure:
        raise InputError(_one_line(failure.errors(include_url=False), place)) from None


def read_yaml(path: Path, *, expected: str) -> tuple[str, object]:
    """Read a file of YAML; return its text, and the values.

    Raises:
        InputError: there is no such file (`expected` says what it should be), or it is no YAML.
    """
    with reading(path, "YAML", expected=expected):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            found = f"{path}: expected text in UTF-8, found byte 0x{byte:02x}"
            raise InputError(found) from None
        return text, parse_yaml(text, path)


def parse_yaml(text: str, path: Path) -> object:
    """Parse YAML 1.2, as DVC does (`4e-5` is a number, `no` a word), or name the faulty line."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except RecursionError:
        raise InputError(f"{path}: expected YAML, found values nested too deeply") from None
    except MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        # For a repeated key, ruamel quotes both values, which may be whole blocks.
        problem = str(error.problem).partition(" with value ")[0].removeprefix("but ")
        found = problem if problem.startswith("found ") else f"found a fault: {problem}"
        raise InputError(f"{path}{line}: expected YAML, {_flat(found)}") from None
    except YAMLError as error:
        raise InputError(f"{path}: expected YAML, found {_flat(str(error))}") from None


_EXPECTED = {
    "extra_forbidden": "expected no such key",
    "invalid_key": "expected no such key",
    "missing": "expected this key",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "finite_number": "expected a finite number",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected at least {ge}",
    "less_than": "expected less than {lt}",
    "less_than_equal": "expected at most {le}",
    "string_type": "expected text",
    "string_too_short": "expected some text",
    "bool_type": "expected true or false",
    "tuple_type": "expected a list",
    "too_short": "expected at least one entry",
    "dict_type": "expected keys and values",
    "model_type": "expected keys and values",
    "model_attributes_type": "expected keys and values",
}
"""Messages for pydantic's types of errors, with the names of their context."""

_PATTERNS = {
    _CODE: "expected a language code of two small letters",
    _NAME: "expected a name of small letters, digits and _ that starts with a letter",
    _ROW: "expected a name of small letters and - that starts with a letter",
    _SHOTS: "expected a number of shots such as k8",
    _SPLIT: "expected the name of a split, of letters, digits and _.-",
}


def _one_line(errors: list[ErrorDetails], place: str) -> str:
    first, message = errors[0], _expected(errors[0])
    keys: list[str] = []
    of_key = first["loc"][-1:] == ("[key]",)
    for part in first["loc"][:-2] if of_key else first["loc"]:
        if str(part).startswith("|"):  # the kind of value, not a key
            continue
        if isinstance(part, int) and keys:
            keys[-1] += f", entry {part + 1}"
        else:
            keys.append(str(part))
    if inner := re.match(r"([\w.]+): (expected .*)", message, re.DOTALL):
        keys, message = [*keys, inner[1]], inner[2]
    if ", found " not in message:
        value = first["loc"][-2] if of_key else first["input"]
        message += ", found " + ("nothing" if first["type"] == "missing" else shown(value))
    file, _, block = place.partition(": ")
    where = ": ".join(filter(None, [file, ".".join(filter(None, [block, *keys]))]))
    others = len({error["loc"] for error in errors}) - 1
    return _flat(f"{where}: {message}" + (f" (and {others} more)" if others else ""))


def _expected(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "literal_error":
        return "expected " + str(context["expected"]).replace("'", "")
    if kind == "string_pattern_mismatch" and context["pattern"] in _PATTERNS:
        return _PATTERNS[context["pattern"]]
    if kind in _EXPECTED:
        bounds = {name: f"{value:g}" for name, value in context.items() if isinstance(value, float)}
        return _EXPECTED[kind].format(**context | bounds)
    message = error["msg"].removeprefix("Value error, ")
    return message.replace("Input should be", "expected")


def shown(value: object) -> str:
    """Return a value as a message shows it, shortened."""
    if value is None:
        return "nothing"
    return shortened(str(value).lower() if isinstance(value, bool) else repr(value))


def shortened(text: str) -> str:
    """Return a text as it is, or the beginning of a long one."""
    return text if len(text) <= 80 else text[:77] + "..."


def _flat(text: str) -> str:
    return " ".join(text.split())
