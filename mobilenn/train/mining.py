"""The scheme `mining`: rules found by mlxtend's FP-growth, compiled into the weights of a network."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import tf_keras as keras

from mobilenn.core.errors import DataError, RecipeError
from mobilenn.data import Dataset
from mobilenn.evaluate._rules import Rule, mine
from mobilenn.train.checkpoint import Snapshot
from mobilenn.train.config import TrainConfig, check_taken
from mobilenn.train.events import Events
from mobilenn.train.fit import FitRun

_TAKEN = ("deterministic", "scheme")


def train_mining(model: keras.Model, data: Dataset, settings: TrainConfig, run: FitRun) -> Snapshot:
    """Mines the training baskets and writes the rules into a network like `mobilenn.networks.rules`, in place.

    The thresholds `support` and `confidence` are those of [data]. It takes seconds, so that a killed run starts anew.

    Args:
        model: with the layers `fired` and `scores`.
        data: `train` is mined; an item held out of a basket counts as bought.
        settings: nothing but the scheme.
        run: task and events.

    Returns:
        A snapshot whose history holds `rules`: how many were compiled.

    Raises:
        RecipeError: another task or network, a setting that means nothing here, or more rules than the network holds.
        DataError: no rule is frequent and certain enough.
    """
    check_taken(settings, _TAKEN)
    names = {layer.name for layer in model.layers}
    if run.task != "association" or not {"fired", "scores"} <= names:
        message = f"The scheme mining cannot train {model.name} for the task {run.task}."
        raise RecipeError(message, 'Allowed: network = "rules", task = "association".')
    began = time.monotonic()
    baskets = np.asarray(data.train.inputs["basket"][np.arange(len(data.train))]) > 0
    baskets[np.arange(len(baskets)), data.train.targets] = True
    support, confidence = data.preprocessing["support"], data.preprocessing["confidence"]
    rules = surest(mine(baskets, support, confidence))
    if not rules:
        message = f"No rule has a support of {support} and a confidence of {confidence}."
        raise DataError(message, "Lower data.support or data.confidence.")
    compile_rules(model, rules)
    Events(run.emit, run.stage, 1, 1).tell(0, 1, {"rules": float(len(rules))})
    return Snapshot(epoch=1, history={"rules": [float(len(rules))]}, seconds=time.monotonic() - began)


def surest(rules: Sequence[Rule]) -> list[Rule]:
    """Leaves out rules that never decide a score.

    A → {b, c} is never surer than A → b, which is there with it; and where A ⊂ B and A → c is as sure as B → c, the
    first fires whenever the second does. The scores of all rules and of those left are equal for every basket.

    Args:
        rules: as `mine` finds them.

    Returns:
        Rules with one consequent, by consequent, the surest first.
    """
    single = [rule for rule in rules if len(rule.consequent) == 1]
    single.sort(key=lambda rule: (*rule.consequent, -rule.confidence, len(rule.antecedent), sorted(rule.antecedent)))
    kept: list[Rule] = []
    of_item: list[Rule] = []
    for rule in single:
        if of_item and of_item[0].consequent != rule.consequent:
            of_item = []
        if not any(other.antecedent <= rule.antecedent for other in of_item):
            of_item.append(rule)
            kept.append(rule)
    return kept


def compile_rules(model: keras.Model, rules: Sequence[Rule]) -> None:
    """Writes rules with one consequent into the weights.

    Args:
        model: with the layers `fired` and `scores`.
        rules: at most as many as `fired` has units; the units left never fire.

    Raises:
        RecipeError: there are more.
    """
    fired, scores = model.get_layer("fired"), model.get_layer("scores")
    items, room = fired.kernel.shape
    if len(rules) > room:
        message = f"{len(rules)} rules were found, and the network has room for {room}."
        raise RecipeError(message, f"Set config.rules = {len(rules)}, or raise data.support or data.confidence.")
    antecedents, confidence = np.zeros((items, room), np.float32), np.zeros((room, items), np.float32)
    bias = np.zeros(room, np.float32)
    for number, rule in enumerate(rules):
        antecedents[sorted(rule.antecedent), number] = 1.0
        bias[number] = 1.0 - len(rule.antecedent)
        confidence[number, sorted(rule.consequent)] = rule.confidence
    fired.set_weights([antecedents, bias])
    scores.set_weights([confidence])
