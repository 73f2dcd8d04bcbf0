"""Environments of one's own, by import path: ours by interface, TF-Agents', or Gym's."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from mobilenn.core.errors import RecipeError, nearest
from mobilenn.core.recipe import PATHS_HINT
from mobilenn.environments import Environment

ALLOWED = (
    "Allowed: a subclass of mobilenn.environments.Environment, a PyEnvironment, or Gym's reset and step beside "
    "action_space and observation_space."
)


def make_own(name: str, settings: Mapping[str, Any]) -> Environment:
    """Makes an environment of one's own.

    Args:
        name: `package.module:Class`, importable from the current folder too, or `file.py:Class`.
        settings: the class's arguments, by name.

    Raises:
        RecipeError: no such module, file or class, a class without `reset` and `step`, or arguments that it refuses.
    """
    found = _class(name)
    try:
        made = found(**settings)
    except Exception as error:  # a stranger's constructor may raise anything
        message = f"{name} cannot be made: {type(error).__name__}: {error}."
        raise RecipeError(message, "Its arguments stand in [data.settings].") from error
    if isinstance(made, Environment):
        return made
    if hasattr(made, "time_step_spec") and hasattr(made, "action_spec"):
        from mobilenn.environments._agents import FromAgents

        return FromAgents(made)
    if hasattr(made, "action_space") and hasattr(made, "observation_space"):
        from mobilenn.environments._gym import FromGym

        return FromGym(made)
    raise RecipeError(f"{name} says nothing of its actions and observations.", ALLOWED)


def source_digest(name: str) -> str:
    """The first digits of the SHA-256 of the file that a class stands in."""
    place = inspect.getsourcefile(_class(name))
    return hashlib.sha256(Path(place).read_bytes()).hexdigest()[:16] if place else "without a source"


def _class(name: str) -> Any:
    module_name, _, class_name = name.rpartition(":")
    module = _file(Path(module_name)) if module_name.endswith(".py") else _module(module_name)
    if not hasattr(module, class_name):
        known = [key for key, value in vars(module).items() if inspect.isclass(value)]
        raise RecipeError(f"{module_name} has no class '{class_name}'.", nearest(class_name, known))
    found = getattr(module, class_name)
    missing = [part for part in ("reset", "step") if not callable(getattr(found, part, None))]
    if missing:
        raise RecipeError(f"{name} has no {' and no '.join(missing)}.", ALLOWED)
    return found


def _module(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)  # a command that is installed does not look into the folder that it is typed in
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        hint = f"Allowed: a module that `python -c 'import {name}'` finds, or file.py:Class."
        raise RecipeError(f"There is no module '{error.name}'.", hint) from None
    except Exception as error:
        raise RecipeError(f"{name} cannot be imported: {type(error).__name__}: {error}.") from error


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise RecipeError(f"There is no environment file {path}.", PATHS_HINT)
    name = f"mobilenn_own_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded  # dataclasses look their module up there
    try:
        spec.loader.exec_module(loaded)
    except Exception as error:
        del sys.modules[name]
        raise RecipeError(f"{path} cannot be imported: {type(error).__name__}: {error}.") from error
    return loaded
