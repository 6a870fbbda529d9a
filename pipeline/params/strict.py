"""Strict reading: YAML -> frozen pydantic models, and the first complaint as one line."""

import re
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pipeline.errors import InputError

_CODE, _NAME, _ROW = r"^[a-z]{2}$", r"^[a-z][a-z0-9_]*$", r"^[a-z][a-z-]*$"
LanguageCode = Annotated[str, StringConstraints(pattern=_CODE)]
# A run's name becomes a part of DVC stage names, in which '-' separates.
Name = Annotated[str, StringConstraints(pattern=_NAME)]
# What the paper's tables call their rows.
RowName = Annotated[str, StringConstraints(pattern=_ROW)]


class Strictly(BaseModel):
    """A frozen block of parameters that takes no unknown key and converts no type."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], values: object, *, place: str) -> Model:
    """Validate values; turn the first complaint into one line.

    Args:
        model: the pydantic model.
        values: what was read.
        place: the file, and the keys down to these values: `params.yaml: methods.mpt`.

    Raises:
        InputError: names place, key, the expected and the found.
    """
    try:
        return model.model_validate(values)
    except ValidationError as failure:
        complaints = failure.errors(include_url=False)
        raise InputError(_one_line(complaints, place)) from None


def read_yaml(path: Path) -> object:
    """Read YAML 1.2, as DVC does: `4e-5` is a number, `no` is a word.

    Raises:
        InputError: the file is no YAML; names the line.
    """
    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: expected text in UTF-8, found byte 0x{error.object[error.start]:02x}"
        ) from None
    except MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        # Of a repeated key ruamel quotes both values, which may be whole blocks.
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
"""Complaints of pydantic by type, with the names of what it tells besides."""

_PATTERNS = {
    _CODE: "expected a language code of two small letters",
    _NAME: "expected a name of small letters, digits and _ that starts with a letter",
    _ROW: "expected a name of small letters and - that starts with a letter",
}


def _one_line(complaints: list[ErrorDetails], place: str) -> str:
    first = complaints[0]
    stem = _before_tag(first["loc"])
    forms = [one for one in complaints if stem != first["loc"] and one["loc"][: len(stem)] == stem]
    # Of a union's forms the deepest complaint is about the one that was meant.
    first = max(forms, default=first, key=lambda one: len(one["loc"]))
    alike = [_expected(one) for one in forms or [first] if len(one["loc"]) == len(first["loc"])]
    keys, message = _keys(first["loc"]), " or ".join(alike).replace(" or expected ", " or ")
    inner = re.match(r"([\w.]+): (expected .*)", message, re.DOTALL)
    if inner:
        keys, message = [*keys, inner[1]], inner[2]
    if ", found " not in message:
        found = first["loc"][-2] if first["loc"][-1:] == ("[key]",) else first["input"]
        message += ", found " + ("nothing" if first["type"] == "missing" else shown(found))
    file, _, block = place.partition(": ")
    where = ": ".join(part for part in (file, ".".join(filter(None, [block, *keys]))) if part)
    rest = len({_before_tag(one["loc"]) for one in complaints} - {stem})
    return _flat(f"{where}: {message}" + (f" (and {rest} more)" if rest else ""))


def _expected(complaint: ErrorDetails) -> str:
    kind, context = complaint["type"], complaint.get("ctx", {})
    if kind == "literal_error":
        return "expected " + str(context["expected"]).replace("'", "")
    if kind == "string_pattern_mismatch" and context["pattern"] in _PATTERNS:
        return _PATTERNS[context["pattern"]]
    if kind in _EXPECTED:
        bounds = {name: f"{value:g}" for name, value in context.items() if isinstance(value, float)}
        return _EXPECTED[kind].format(**context | bounds)
    message = complaint["msg"].removeprefix("Value error, ")
    return message.replace("Input should be", "expected")


def _before_tag(loc: tuple[Any, ...]) -> tuple[Any, ...]:
    # Where values may have several forms, pydantic says which one it tried.
    tags = [at for at, part in enumerate(loc) if str(part).startswith(("literal[", "tuple["))]
    return loc[: tags[0]] if tags else loc


def _keys(loc: tuple[Any, ...]) -> list[str]:
    if loc[-1:] == ("[key]",):
        loc = loc[:-2]
    keys: list[str] = []
    for part in loc:
        if isinstance(part, int) and keys:
            keys[-1] += f", entry {part + 1}"
        elif not str(part).startswith(("literal[", "tuple[")):
            keys.append(str(part))
    return keys


def shown(value: object) -> str:
    """Return a value as a message shows it, shortened."""
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _flat(text: str) -> str:
    return " ".join(text.split())
