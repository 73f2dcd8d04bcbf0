"""What stays float in an int8 file, because it has no int8 kernel, a slow one or too coarse a one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mobilenn.tflite.edits import operators

# Energies of a spectrum span more magnitudes than 256 steps tell apart; see mobilenn.layers.log_mel.
FRONT_END = r"log_mel"
# Columns of a table in their own units: 256 steps of the largest one would not see the others.
_STANDARDISED = r"(^|[;/])standardise/"
# Scores that a mask has taken down to −1e9, and weights that 256 steps of 1/256 are too coarse for; see
# mobilenn.layers.
_ATTENTION = r"attention_(beyond|empty|padding|masked|weights|row|pooled)"
# Probabilities of thousands of tokens, and their mixture; see mobilenn.networks.seq2seq.
_SAID = r"(^|[;/])((said|copying|gate)/|probabilities(;|$))"
# What actions are worth differs by less than 256 steps of all that they are worth tell apart; and what is forbidden is
# taken down by more than they reach. See mobilenn.networks.policy.
_ACTION = r"(^|[;/])(action/|values(/|;|$))"
BY_NAME = (FRONT_END, _STANDARDISED, _ATTENTION, _SAID, _ACTION)  # patterns of outputs' names
_MOMENTS = "moments/"  # of Keras' layer normalisation, whose other operators are called batchnorm


def float_operators(model: Any) -> list[str]:
    """Names of the operators' outputs that stay float.

    Bodies of loops: the loop itself has no int8 form. The softmax that makes an output: 256 steps
    are too coarse for the probabilities of 1,000 classes. RSQRT: its int8 kernel takes 60 ns a value.
    BATCH_MATMUL, the products of attention: XNNPACK has no int8 form of it, and the plain kernel takes 18 times
    as long as XNNPACK's float one. Layer normalisation: SQUARED_DIFFERENCE has none either, and variances span
    many magnitudes.

    Args:
        model: the float `ModelT`.
    """
    loops = [(graph, operator) for graph in model.subgraphs[1:] for operator in graph.operators]
    ends = [(graph, op) for graph, op in operators(model, "SOFTMAX") if op.outputs[0] in graph.outputs]
    kept = [*loops, *ends, *operators(model, "RSQRT", "BATCH_MATMUL"), *_normalisations(model)]
    return [graph.tensors[index].name.decode() for graph, operator in kept for index in operator.outputs]


def _normalisations(model: Any) -> Iterator[tuple[Any, Any]]:
    """Every operator of a layer normalisation."""
    squares = [graph.tensors[op.outputs[0]].name.decode() for graph, op in operators(model, "SQUARED_DIFFERENCE")]
    scopes = tuple(name[: name.index(_MOMENTS)] for name in squares if _MOMENTS in name)
    parts = tuple(f"{scope}{part}/" for scope in scopes for part in ("moments", "batchnorm"))
    for graph in model.subgraphs:
        for operator in graph.operators:
            if parts and graph.tensors[operator.outputs[0]].name.decode().startswith(parts):
                yield graph, operator
