"""Frozen dataclasses to plain dictionaries and back; unknown keys are refused by name."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from mobilenn.core.errors import RecipeError, nearest

T = TypeVar("T")


def to_dict(record: Any) -> Any:
    """Turns a dataclass, and what it holds, into JSON-ready values (tuples become lists)."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return {f.name: to_dict(getattr(record, f.name)) for f in dataclasses.fields(record)}
    if isinstance(record, Mapping):
        return {str(key): to_dict(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [to_dict(value) for value in record]
    if isinstance(record, Enum):
        return record.value
    if isinstance(record, Path):
        return str(record)
    return record


def from_dict(cls: type[T], values: Mapping[str, Any], where: str = "") -> T:
    """Builds the dataclass `cls` from plain values, checking names and types.

    Args:
        cls: a dataclass; its annotations decide what is allowed.
        values: plain values, as TOML or JSON gives them.
        where: the place that errors name, such as `[train]`.

    Returns:
        The record, with lists turned into tuples and numbers widened where the field says float.

    Raises:
        RecipeError: an unknown key (with the nearest known one), a missing one, or a value of
            the wrong type.
    """
    where = where or cls.__name__
    if not isinstance(values, Mapping):
        raise RecipeError(f"{where} is not a table. Received: {values!r}.", "Allowed: key = value pairs.")
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            raise RecipeError(f"Unknown key '{key}' in {where}.", nearest(key, fields))
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise RecipeError(f"{where} lacks the key '{name}'.", f"Required: {', '.join(_required(fields))}.")
    hints = typing.get_type_hints(cls)
    return cls(**{key: _coerce(hints[key], value, f"{where} {key}") for key, value in values.items()})


def _required(fields: Mapping[str, dataclasses.Field]) -> list[str]:
    missing = dataclasses.MISSING
    return [n for n, f in fields.items() if f.default is missing and f.default_factory is missing]


def _coerce(hint: Any, value: Any, where: str) -> Any:
    """Returns `value` as the annotation `hint` wants it, or raises RecipeError."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in args:
            return None
        return _coerce(next(a for a in args if a is not type(None)), value, where)
    if origin is typing.Literal:
        if value not in args:
            raise RecipeError(f"{where} is {value!r}.", nearest(str(value), map(str, args)))
        return value
    if origin is tuple and isinstance(value, list | tuple):
        inner = args[0] if args else Any
        return tuple(_coerce(inner, item, where) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise RecipeError(f"{where} is not a table. Received: {value!r}.", "Allowed: key = value pairs.")
        return {key: _coerce(args[1] if args else Any, item, f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(hint):
        return value if isinstance(value, hint) else from_dict(hint, value, where)
    return _scalar(hint, value, where)


def _scalar(hint: type, value: Any, where: str) -> Any:
    if isinstance(hint, type) and issubclass(hint, Enum):
        if isinstance(value, hint) or value in [m.value for m in hint]:
            return hint(value)
        raise RecipeError(f"{where} is {value!r}.", nearest(str(value), [m.value for m in hint]))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if isinstance(value, hint) and not (hint in (int, float) and isinstance(value, bool)):
        return value
    raise RecipeError(f"{where} is {value!r}.", f"Allowed: a value of type {getattr(hint, '__name__', hint)}.")
