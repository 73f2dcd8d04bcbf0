"""A recipe as TOML text, so that a report can be run again from its own page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml(values: Mapping[str, Any]) -> str:
    """Returns plain values as TOML; None and empty top-level tables are left out.

    Args:
        values: strings, numbers, booleans, lists and nested mappings.
    """
    lines: list[str] = []
    _table(values, (), lines)
    return "\n".join(lines).strip() + "\n"


def _table(values: Mapping[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    plain = {k: v for k, v in values.items() if v is not None and not isinstance(v, Mapping)}
    nested = {k: v for k, v in values.items() if isinstance(v, Mapping) and (v or path)}
    if path and (plain or not nested):
        lines += ["", f"[{'.'.join(map(_key, path))}]"]
    width = max((len(_key(key)) for key in plain), default=0)
    lines += [f"{_key(key):{width}} = {_value(value)}" for key, value in plain.items()]
    for key, table in nested.items():
        _table(table, (*path, key), lines)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value if item is not None)}]"
    if isinstance(value, Mapping):
        pairs = (f"{_key(key)} = {_value(item)}" for key, item in value.items() if item is not None)
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
