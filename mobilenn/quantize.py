"""Float32 flatbuffer in, quantized flatbuffer out, by ai-edge-quantizer; free of TensorFlow.

Call it in a worker (mobilenn.jobs.quantize): a calibration can kill its process.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from mobilenn.core.errors import ConversionError
from mobilenn.core.precision import Precision
from mobilenn.tflite.edits import (
    IMAGE_RANK,
    constant,
    fit_biases,
    follow_outputs,
    let_pixels_in,
    operators,
    own_outputs,
    read_integers,
)
from mobilenn.tflite.float_parts import BY_NAME, FRONT_END, float_operators
from mobilenn.tflite.writer import parse, serialize

SIGNATURE = "serving_default"
TABLE_RANK = 2  # of a table of vectors: a token's number, its values
Samples = Iterable[Mapping[str, np.ndarray]]
Ranges = dict[str, dict[str, np.ndarray]]

INT8_STEPS = 255
# The largest bound on the relative error of its energies at which a local response normalisation
# runs in int8. Measured on a trained classifier: at a bound of 0.011 the outputs' error grows by
# 1.4 %, at 0.046 by 9 %; in float32 the layer takes three times as long.
MAX_ENERGY_ERROR = 0.02
_LRN_ENERGY = re.compile(r"(?P<scope>[^;]*)lrn_energy")


def quantize_flatbuffer(flatbuffer: bytes, precision: Precision, representative: Samples | None = None) -> bytes:
    """Quantizes a float32 model.

    Inputs of INT8 files that hold pixels (rank 4 and more, all samples whole numbers of 0..255) are
    uint8: stored value and pixel are the same number. Other inputs, all outputs and the softmax
    that makes them stay float32. Ranges are the extremes over the samples.

    Args:
        flatbuffer: a float32 model with the signature `serving_default`.
        precision: DYNAMIC_INT8 and INT4, which need no samples and run dense layers and
            convolutions on integers; or INT8, which runs everything on them. INT4 keeps int8 where
            there is no int4 kernel (depthwise and transposed convolutions).
        representative: calibration samples for INT8: input name to (1, ...) float32, raw values.

    Returns:
        The quantized flatbuffer; equal input gives equal bytes.

    Raises:
        ArtifactError: `flatbuffer` is not a .tflite.
        ConversionError: the model is not float32 or the quantizer refuses it, or samples are missing or do
            not fit.
    """
    if precision not in _RECIPES:
        raise ConversionError(f"{precision} is made by mobilenn.convert, not from a float32 file.")
    samples = [dict(sample) for sample in representative or ()] if precision.needs_calibration else []
    if precision.needs_calibration and not samples:
        raise ConversionError(f"{precision} needs calibration samples and got none.")
    model = parse(flatbuffer)
    _check_float(model)
    inputs = _input_tensors(model)
    samples = _typed(samples, inputs)
    pixels = _pixel_inputs(samples)
    with _one_line_errors(precision):
        from ai_edge_quantizer import quantizer

        found = _calibrated(flatbuffer, samples, [inputs[name].name.decode() for name in pixels]) if samples else {}
        ranges = found or _table_ranges(model) or None
        worker = quantizer.Quantizer(flatbuffer)
        _RECIPES[precision](worker, model, ranges or {})
        result = worker.quantize(ranges, enable_progress_report=False, enable_progress_bar=False)
        made = parse(bytes(result.quantized_model))
    read_integers(made)
    fit_biases(made, model)
    follow_outputs(made, model)
    own_outputs(made)
    let_pixels_in(made, pixels)
    return serialize(made)


@contextlib.contextmanager
def _one_line_errors(precision: Precision) -> Iterator[None]:
    """Turns whatever the quantizer raises into one line, and keeps its warnings and progress bars from the screen."""
    hint = "Allowed: layers that ai-edge-quantizer knows; dynamic_int8 takes more of them than int8."
    try:
        silence = io.StringIO()
        with warnings.catch_warnings(), contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # it raises ValueError, RuntimeError, KeyError, IndexError, AttributeError, …
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        message = f"The quantizer refused the model as {precision}: {first[:300].rstrip('.')}."
        raise ConversionError(message, hint) from error


def _check_float(model: Any) -> None:
    from ai_edge_litert import schema_py_generated as schema

    names = {value: name.lower() for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
    stored = {names.get(tensor.type, "?") for graph in model.subgraphs for tensor in graph.tensors}
    narrow = sorted(stored & {"float16", "int16", "int8", "uint8", "int4"})
    if narrow:
        raise ConversionError(f"The model is not float32: it stores {', '.join(narrow)}.", "Quantize the float32 file.")


def _input_tensors(model: Any) -> dict[str, Any]:
    """The tensors behind the signature's inputs, by their names in it."""
    signature = next((s for s in model.signatureDefs or () if s.signatureKey.decode() == SIGNATURE), None)
    if signature is None:
        raise ConversionError(f"The model has no signature '{SIGNATURE}'.", "Convert it with mobilenn convert.")
    tensors = model.subgraphs[signature.subgraphIndex].tensors
    return {entry.name.decode(): tensors[entry.tensorIndex] for entry in signature.inputs}


def _typed(samples: list[dict[str, np.ndarray]], inputs: Mapping[str, Any]) -> list[dict[str, np.ndarray]]:
    """The samples in the dtypes of the inputs; raises ConversionError where names or shapes do not fit."""
    from ai_edge_litert import schema_py_generated as schema

    expected = {name: tuple(tensor.shape) for name, tensor in inputs.items()}
    for sample in samples:
        found = {name: np.shape(value) for name, value in sample.items()}
        if found != expected:
            raise ConversionError(f"A calibration sample holds {_shapes(found)}.", f"Required: {_shapes(expected)}.")
    dtypes = {schema.TensorType.INT32: np.int32, schema.TensorType.INT64: np.int64}
    kinds = {name: dtypes.get(tensor.type, np.float32) for name, tensor in inputs.items()}
    return [{name: np.asarray(value, kinds[name]) for name, value in sample.items()} for sample in samples]


def _shapes(shapes: Mapping[str, tuple[int, ...]]) -> str:
    named = (f"{name} ({', '.join(str(int(d)) for d in shape)})" for name, shape in sorted(shapes.items()))
    return ", ".join(named) or "nothing"


def _pixel_inputs(samples: list[dict[str, np.ndarray]]) -> set[str]:
    """Names of the inputs that hold pixels in every sample."""
    names = samples[0] if samples else ()
    return {name for name in names if all(_are_pixels(sample[name]) for sample in samples)}


def _are_pixels(values: np.ndarray) -> bool:
    in_range = values.ndim >= IMAGE_RANK and values.min() >= 0 and values.max() <= 255
    return bool(in_range and np.all(values == np.rint(values)))


def _calibrated(flatbuffer: bytes, samples: list[dict[str, np.ndarray]], pixels: list[str]) -> Ranges:
    """Extremes of every tensor over the samples; those of pixel tensors are 0..255 whatever the samples reach."""
    from ai_edge_quantizer import calibrator, recipe_manager
    from ai_edge_quantizer.utils import qsv_utils

    observer = calibrator.Calibrator(
        flatbuffer,
        num_threads=1,
        mode=calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED,
        qsv_update_func=qsv_utils.min_max_update,
    )
    observer.calibrate({SIGNATURE: samples}, recipe_manager.RecipeManager())
    ranges = observer.get_model_qsvs()
    dead = [name for name, range_ in ranges.items() if not np.any(range_["min"]) and not np.any(range_["max"])]
    for names, high in ((dead, 1.0), (pixels, 255.0)):  # no scale fits a range of 0..0
        ranges |= {name: {"min": np.zeros(1, np.float32), "max": np.full(1, high, np.float32)} for name in names}
    return ranges


def _keep_float(worker: Any, pattern: str, operation: str = "*") -> None:
    from ai_edge_quantizer import qtyping

    kind = qtyping.TFLOperationName(operation)
    worker.update_quantization_recipe(regex=pattern, operation_name=kind, algorithm_key="no_quantize")


def _dynamic_int8(worker: Any, model: Any, ranges: Ranges) -> None:
    from ai_edge_quantizer import recipe

    worker.load_quantization_recipe(recipe.dynamic_wi8_afp32())
    _keep_energies(worker)
    _quantize_tables(worker, model)


def _int4(worker: Any, model: Any, ranges: Ranges) -> None:
    from ai_edge_quantizer import qtyping, recipe

    worker.load_quantization_recipe(recipe.dynamic_wi8_afp32())
    for operation in (qtyping.TFLOperationName.FULLY_CONNECTED, qtyping.TFLOperationName.CONV_2D):
        worker.add_dynamic_config(".*", operation, num_bits=4)
    _keep_energies(worker)
    _quantize_tables(worker, model)


def _keep_energies(worker: Any) -> None:
    """Squares span too many magnitudes for one scale that is chosen on the fly."""
    for pattern in (r"lrn_energy", FRONT_END):
        _keep_float(worker, pattern)


def _tables(model: Any) -> Iterator[tuple[Any, Any]]:
    """Table and output of every look-up in a constant table, such as that of an embedding."""
    for graph, operator in operators(model, "GATHER"):
        table, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
        if model.buffers[table.buffer].data is not None and len(table.shape) == TABLE_RANK:
            yield table, output


def _quantize_tables(worker: Any, model: Any) -> None:
    """Stores tables in int8; what is looked up becomes float again, so that no activation is rounded."""
    from ai_edge_quantizer import qtyping

    for _, output in _tables(model):
        pattern = f"^{re.escape(output.name.decode())};?$"
        worker.add_static_config(pattern, qtyping.TFLOperationName.GATHER, activation_num_bits=8, weight_num_bits=8)


def _table_ranges(model: Any) -> Ranges:
    """Extremes of tables and of what is looked up in them: known without a sample."""
    ranges: Ranges = {}
    for table, output in _tables(model):
        largest = float(np.abs(constant(model, table, "<f4")).max()) or 1.0
        for tensor in (table, output):
            ones = np.ones([1] * len(tensor.shape), np.float32)
            ranges[tensor.name.decode()] = {"min": -largest * ones, "max": largest * ones}
    return ranges


def _int8(worker: Any, model: Any, ranges: Ranges) -> None:
    from ai_edge_quantizer import qtyping, recipe

    worker.load_quantization_recipe(recipe.static_wi8_ai8())
    for operation in ("INPUT", "OUTPUT"):
        _keep_float(worker, ".*", operation)
    for name in float_operators(model):
        _keep_float(worker, f"^{re.escape(name)};?$")
    for pattern in BY_NAME:
        _keep_float(worker, pattern)
    for name in _loop_products(model):  # the state's range is found on the fly, so weights can be int8 all the same
        worker.add_dynamic_config(f"^{re.escape(name)};?$", qtyping.TFLOperationName.FULLY_CONNECTED, num_bits=8)
    for scope, error in lrn_energy_errors(model, ranges).items():
        single_input = "log|exponent|gain"  # XNNPACK folds this chain into a table between int8 tensors
        parts = single_input if error <= MAX_ENERGY_ERROR else f"square|energy|{single_input}|output"
        _keep_float(worker, rf"(^|;){re.escape(scope)}lrn_({parts})")


_RECIPES: dict[Precision, Callable[[Any, Any, Ranges], None]] = {
    Precision.DYNAMIC_INT8: _dynamic_int8,
    Precision.INT8: _int8,
    Precision.INT4: _int4,
}


def _loop_products(model: Any) -> list[str]:
    """Names of the matrix products inside loops."""
    found = [(graph, op) for graph, op in operators(model, "FULLY_CONNECTED") if graph is not model.subgraphs[0]]
    return [graph.tensors[operator.outputs[0]].name.decode() for graph, operator in found]


def lrn_energy_errors(model: Any, ranges: Ranges) -> dict[str, float]:
    """How wrong int8 could make the energies of each lowered local response normalisation.

    The squares and their sum s carry rounding errors of half a step each; the smallest s, which is
    k, suffers most, and with it the gain s^−β. Little where s hardly leaves k, as with the
    published α = 1e-4; much where the normalisation does much.

    Args:
        model: the float `ModelT`.
        ranges: extremes by tensor name.

    Returns:
        By scope of the layer, such as `lrn1/`: a bound on the relative error of s.
    """
    found = {}
    for graph, conv in operators(model, "CONV_2D"):
        energy = graph.tensors[conv.outputs[0]]
        match = _LRN_ENERGY.search(energy.name.decode())
        if match is None:
            continue
        square, kernel, bias = (graph.tensors[index] for index in conv.inputs)
        window_sum = constant(model, kernel, "<f4").sum(axis=(1, 2, 3)).max()
        square_max, energy_max = (float(np.max(ranges[t.name.decode()]["max"])) for t in (square, energy))
        half_steps = (window_sum * square_max + energy_max) / (2 * INT8_STEPS)
        found[match["scope"]] = float(half_steps / constant(model, bias, "<f4").min())
    return found
