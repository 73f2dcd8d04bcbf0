"""Float32 flatbuffer in, quantized flatbuffer out, by ai-edge-quantizer; free of TensorFlow.

Call it in a worker (mobilenn.jobs.quantize): a calibration can kill its process.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from mobilenn.core.errors import ConversionError
from mobilenn.core.precision import Precision

SIGNATURE = "serving_default"
Samples = Iterable[Mapping[str, np.ndarray]]

# Layers that stay float inside an int8 file. The squares and roots of local response normalisation
# run on int8 kernels that are an order of magnitude slower than their float ones, and lose accuracy.
_FLOAT_LAYERS = r".*lrn\d+.*"


def quantize_flatbuffer(flatbuffer: bytes, precision: Precision, representative: Samples | None = None) -> bytes:
    """Quantizes a float32 model.

    INT8 files take raw pixels as uint8 where the input is an image or a clip (rank 4 and more):
    stored value and pixel are the same number. Other inputs, and all outputs, stay float32.

    Args:
        flatbuffer: a float32 model with the signature `serving_default`.
        precision: DYNAMIC_INT8, INT8 or INT4.
        representative: calibration samples for INT8: input name to (1, ...) float32.

    Returns:
        The quantized flatbuffer; equal input gives equal bytes.

    Raises:
        ConversionError: the quantizer refuses the model, or samples are missing.
    """
    if precision not in _RECIPES:
        raise ConversionError(f"{precision} is made by mobilenn.convert, not from a float32 file.")
    if precision.needs_calibration and representative is None:
        raise ConversionError(f"{precision} needs calibration samples and got none.")
    from ai_edge_quantizer import quantizer

    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # its calibrator warns of the memory that it asks for
            worker = quantizer.Quantizer(flatbuffer)
            _RECIPES[precision](worker)
            ranges = _calibrated(worker, flatbuffer, representative) if precision.needs_calibration else None
            made = bytes(worker.quantize(ranges, enable_progress_report=False).quantized_model)
    except (ValueError, RuntimeError, KeyError, NotImplementedError) as error:
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ConversionError(f"The quantizer refused the model as {precision}: {first[:300].rstrip('.')}.") from error
    return _portable(made, pixel_inputs=precision is Precision.INT8)


def _dynamic(bits: int) -> Any:
    def load(worker: Any) -> None:
        from ai_edge_quantizer import recipe

        worker.load_quantization_recipe(recipe.dynamic_wi8_afp32() if bits == 8 else recipe.dynamic_wi4_afp32())

    return load


def _static(worker: Any) -> None:
    from ai_edge_quantizer import qtyping, recipe

    operation = qtyping.TFLOperationName
    worker.load_quantization_recipe(recipe.static_wi8_ai8())
    for regex, kind in ((_FLOAT_LAYERS, operation.ALL_SUPPORTED), (".*", operation.INPUT), (".*", operation.OUTPUT)):
        worker.update_quantization_recipe(regex=regex, operation_name=kind, algorithm_key="no_quantize")


_RECIPES = {Precision.DYNAMIC_INT8: _dynamic(8), Precision.INT4: _dynamic(4), Precision.INT8: _static}


def _calibrated(worker: Any, flatbuffer: bytes, representative: Samples) -> Any:
    """Ranges of every tensor; those of pixel inputs are 0..255 whatever the samples reach."""
    with contextlib.redirect_stderr(io.StringIO()):  # a progress bar of its own
        ranges = worker.calibrate({SIGNATURE: [dict(sample) for sample in representative]}, num_threads=2)
    for name in _pixel_inputs(flatbuffer):
        if name in ranges:
            bounds = {"min": 0.0, "max": 255.0}
            ranges[name] = {**ranges[name], **{k: np.full_like(ranges[name][k], v) for k, v in bounds.items()}}
    return ranges


def _pixel_inputs(flatbuffer: bytes) -> list[str]:
    from ai_edge_litert.interpreter import Interpreter

    details = Interpreter(model_content=flatbuffer).get_input_details()
    return [detail["name"] for detail in details if len(detail["shape"]) >= 4]


def _portable(flatbuffer: bytes, pixel_inputs: bool) -> bytes:
    """Packs a model anew, with its weights inside the flatbuffer proper.

    The quantizer puts them behind it, at offsets from the start of the file, which runtimes older
    than that form do not find.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
    for buffer in model.buffers:
        if buffer.offset:
            buffer.data = np.frombuffer(flatbuffer, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    if pixel_inputs:
        _let_pixels_in(model, schema)
    builder = flatbuffers.Builder(len(flatbuffer) + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _let_pixels_in(model: Any, schema: Any) -> None:
    """Lets pixel inputs be uint8: the QUANTIZE that follows them then only shifts by 128.

    The int8 tensor behind that operator has scale 1 and zero point −128, so uint8 with scale 1 and
    zero point 0 stores the pixel itself.
    """
    codes = [code.builtinCode for code in model.operatorCodes]
    for graph in model.subgraphs:
        for operator in graph.operators:
            source, target = (graph.tensors[tensors[0]] for tensors in (operator.inputs, operator.outputs))
            pixels = operator.inputs[0] in graph.inputs and len(source.shape) >= 4
            if codes[operator.opcodeIndex] == schema.BuiltinOperator.QUANTIZE and pixels:
                source.type = schema.TensorType.UINT8
                source.quantization = schema.QuantizationParametersT()
                source.quantization.scale = np.array(target.quantization.scale, np.float32)
                source.quantization.zeroPoint = np.array(target.quantization.zeroPoint, np.int64) + 128
