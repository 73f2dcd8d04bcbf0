"""The networks, one per file, found by module name: Config, TINY, PUBLISHED and build."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from mobilenn.core.errors import MissingExtraError, RecipeError, nearest
from mobilenn.core.recipe import PATHS_HINT
from mobilenn.core.records import from_dict


def names() -> tuple[str, ...]:
    """The networks that come with mobilenn, sorted; imports none of them."""
    return tuple(sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_")))


def module(name: str) -> ModuleType:
    """Imports one network.

    Args:
        name: a name of `names()`, or the path of a .py file of the user's own in the same form:
            a frozen dataclass `Config` and `build(config) -> keras.Model`.

    Raises:
        RecipeError: there is no such network, or the file lacks a part.
        MissingExtraError: TensorFlow is not installed.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise MissingExtraError("Networks need TensorFlow, which is not installed.", "pip install 'mobilenn[train]'")
    if name.endswith(".py"):
        return _own(Path(name))
    if name not in names():
        raise RecipeError(f"There is no network '{name}'.", nearest(name, names()))
    return importlib.import_module(f"mobilenn.networks.{name}")


def _own(path: Path) -> ModuleType:
    if not path.is_file():
        raise RecipeError(f"There is no network file {path}.", PATHS_HINT)
    spec = importlib.util.spec_from_file_location(f"mobilenn_own_{path.stem}", path)
    loaded = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(loaded)
    except Exception as error:
        raise RecipeError(f"{path} cannot be imported: {type(error).__name__}: {error}.") from error
    missing = [part for part in ("Config", "build") if not hasattr(loaded, part)]
    if missing:
        message = f"{path} lacks {' and '.join(missing)}."
        raise RecipeError(message, "A network is a frozen dataclass Config and build(config) -> keras.Model.")
    return loaded


def config_class(name: str) -> type:
    """Returns a network's Config."""
    return module(name).Config


def make(name: str, config: Mapping[str, Any]) -> Any:
    """Builds a network from plain values.

    Args:
        name: as `module` takes it.
        config: fields of the network's Config; those left out take the published network's values.

    Returns:
        An untrained keras.Model.

    Raises:
        RecipeError: an unknown network or key, or a value that the network cannot have.
    """
    found = module(name)
    return found.build(from_dict(found.Config, config, "[config]"))
