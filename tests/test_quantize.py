"""Quantization without TensorFlow, on flatbuffers put together by hand."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.core.errors import ArtifactError, ConversionError
from mobilenn.core.precision import Precision
from mobilenn.quantize import lrn_energy_errors, quantize_flatbuffer
from mobilenn.tflite.reader import read
from mobilenn.tflite.writer import parse, serialize

OPERATOR = schema.BuiltinOperator


class Graph:
    """Puts a float model together, operator by operator."""

    def __init__(self):
        self.model = schema.ModelT()
        self.model.version, self.model.operatorCodes = 3, []
        self.model.buffers = [schema.BufferT()]
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs = [self.graph]

    def tensor(self, name, shape, values=None):
        made, buffer = schema.TensorT(), schema.BufferT()
        made.name, made.shape, made.type = name.encode(), np.array(shape, np.int32), schema.TensorType.FLOAT32
        if values is not None:
            array = np.asarray(values)
            made.type = schema.TensorType.INT32 if array.dtype == np.int32 else schema.TensorType.FLOAT32
            buffer.data = np.frombuffer(array.astype(array.dtype.str.replace("f8", "f4")).tobytes(), np.uint8)
            made.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def apply(self, kind, inputs, name, shape, options=None):
        code, operator = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = kind, min(kind, 127), 1
        operator.opcodeIndex = len(self.model.operatorCodes)
        self.model.operatorCodes.append(code)
        operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array([self.tensor(name, shape)], np.int32)
        if options is not None:
            operator.builtinOptions = options
            kind_name = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind_name)
        self.graph.operators.append(operator)
        return int(operator.outputs[0])

    def convolve(self, source, name, kernel, bias, shape, relu=False):
        options = schema.Conv2DOptionsT()
        options.padding, options.strideH, options.strideW = schema.Padding.VALID, 1, 1
        options.fusedActivationFunction = int(relu)
        weights = self.tensor(f"{name}/kernel", kernel.shape, kernel)
        return self.apply(
            OPERATOR.CONV_2D, [source, weights, self.tensor(f"{name}/bias", bias.shape, bias)], name, shape, options
        )

    def finish(self, source, target, names=("image", "probabilities"), key="serving_default"):
        self.graph.inputs, self.graph.outputs = (np.array([index], np.int32) for index in (source, target))
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = key.encode(), 0
        entries = []
        for name, index in zip(names, (source, target), strict=True):
            entry = schema.TensorMapT()
            entry.name, entry.tensorIndex = name.encode(), index
            entries.append([entry])
        signature.inputs, signature.outputs = entries
        self.model.signatureDefs = [signature]
        return serialize(self.model)


def classifier(kernel=None, bias=None, size=4, key="serving_default"):
    """image (1, size, size, 2) → convolution over all of it, ReLU → 3 logits → softmax."""
    generator = np.random.default_rng(5)
    kernel = generator.normal(size=(6, size, size, 2)) / (255 * size) if kernel is None else kernel
    bias = generator.normal(size=6) if bias is None else bias
    graph = Graph()
    image = graph.tensor("image", (1, size, size, 2))
    features = graph.convolve(image, "features", np.float32(kernel), np.float32(bias), (1, 1, 1, 6), relu=True)
    logits = graph.convolve(
        features, "logits", np.float32(generator.normal(size=(3, 1, 1, 6))), np.zeros(3, np.float32), (1, 1, 1, 3)
    )
    shape = graph.tensor("shape", (2,), np.array([1, 3], np.int32))
    flat = graph.apply(OPERATOR.RESHAPE, [logits, shape], "flat", (1, 3))
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    return graph.finish(image, graph.apply(OPERATOR.SOFTMAX, [flat], "softmax", (1, 3), options), key=key)


def normalised(alpha, channels=8, k=2.0, beta=0.75):
    """image (1, 4, 4, channels) → lowered local response normalisation → 1×1 convolution."""
    graph, shape = Graph(), (1, 4, 4, channels)
    index = np.arange(channels)
    band = np.where(np.abs(index[:, None] - index) <= 2, alpha, 0).astype(np.float32)[:, None, None]
    image = graph.tensor("image", shape)
    square = graph.apply(OPERATOR.MUL, [image, image], "lrn1/lrn_square", shape, schema.MulOptionsT())
    energy = graph.convolve(
        square, "lrn1/lrn_energy_bias;lrn1/lrn_energy", band, np.full(channels, k, np.float32), shape
    )
    logarithm = graph.apply(OPERATOR.LOG, [energy], "lrn1/lrn_log", shape)
    power = graph.tensor("lrn1/lrn_exponent/y", (), np.float32(-beta))
    exponent = graph.apply(OPERATOR.MUL, [logarithm, power], "lrn1/lrn_exponent", shape, schema.MulOptionsT())
    gain = graph.apply(OPERATOR.EXP, [exponent], "lrn1/lrn_gain", shape, schema.ExpOptionsT())
    output = graph.apply(OPERATOR.MUL, [image, gain], "lrn1/lrn_output", shape, schema.MulOptionsT())
    eye = np.eye(channels, dtype=np.float32)[:, None, None]
    last = graph.convolve(output, "after", eye, np.zeros(channels, np.float32), shape)
    return graph.finish(image, last, names=("image", "value"))


def pixels(count=8, shape=(4, 4, 2), high=256, seed=0):
    return np.random.default_rng(seed).integers(0, high, (count, 1, *shape)).astype(np.float32)


def samples(values):
    return [{"image": value} for value in values]


def run(flatbuffer, values):
    """Outputs for raw values, as an app feeds them."""
    runner = Interpreter(model_content=flatbuffer, num_threads=1).get_signature_runner("serving_default")
    dtype = runner.get_input_details()["image"]["dtype"]
    return np.stack([next(iter(runner(image=value.astype(dtype)).values())) for value in values])


def spec_of(flatbuffer, name):
    return next(t.spec for t in read(flatbuffer).tensors if t.spec.name.split(";")[0] == name)


@pytest.mark.parametrize(
    ("precision", "dtype", "tolerance"),
    [
        (Precision.DYNAMIC_INT8, "int8", 0.01),
        (Precision.INT8, "int8", 0.02),
        (Precision.INT4, "int4", 0.15),
    ],
)
def test_it_computes_what_the_float_file_computes(precision, dtype, tolerance):
    source = classifier()
    made = quantize_flatbuffer(source, precision, samples(pixels()))
    np.testing.assert_allclose(run(made, pixels(seed=1)), run(source, pixels(seed=1)), atol=tolerance)
    assert spec_of(made, "features/kernel").dtype == dtype
    assert quantize_flatbuffer(source, precision, samples(pixels())) == made


def test_int8_takes_pixels_and_gives_floats():
    made = quantize_flatbuffer(classifier(), Precision.INT8, samples(pixels(high=90)))
    (image,), (output,) = read(made).signatures[0].inputs, read(made).signatures[0].outputs
    assert (image.dtype, image.scale, image.zero_point) == ("uint8", 1.0, 0)  # 0..255, though samples end at 89
    assert output.dtype == "float32"
    assert spec_of(made, "features").dtype == "int8"
    assert spec_of(made, "logits").dtype == "int8"
    assert spec_of(made, "flat_dequant").dtype == "float32"  # the softmax reads floats


@pytest.mark.parametrize("change", [lambda v: v / 255, lambda v: v - 1, lambda v: v * 2, lambda v: v + 0.5])
def test_inputs_that_hold_no_pixels_stay_float(change):
    values = change(pixels())
    made = quantize_flatbuffer(classifier(), Precision.INT8, samples(values))
    assert read(made).signatures[0].inputs[0].dtype == "float32"
    np.testing.assert_allclose(run(made, values), run(classifier(), values), atol=0.03)


def test_a_channel_of_zeros_keeps_its_bias():
    kernel, bias = np.random.default_rng(1).normal(size=(6, 4, 4, 2)) / 1e3, np.linspace(-1, 3, 6)
    kernel[2:5] = 0
    kernel[3] = 1e-12
    source = classifier(kernel, bias)
    made = quantize_flatbuffer(source, Precision.INT8, samples(pixels()))
    np.testing.assert_allclose(run(made, pixels()), run(source, pixels()), atol=0.03)


def test_a_dead_layer_stays_dead():
    source = classifier(np.zeros((6, 4, 4, 2)), np.full(6, -3.0))
    made = quantize_flatbuffer(source, Precision.INT8, samples(pixels()))
    np.testing.assert_allclose(run(made, pixels()), run(source, pixels()), atol=1e-6)


def test_weights_stand_inside_the_flatbuffer():
    rng = np.random.default_rng(2)
    made = quantize_flatbuffer(classifier(rng.normal(size=(6, 256, 256, 2)), size=256), Precision.DYNAMIC_INT8)
    assert len(made) > 256 * 1024  # from there on ai-edge-quantizer puts them behind it
    model = schema.Model.GetRootAs(made, 0)
    assert {model.Buffers(i).Offset() for i in range(model.BuffersLength())} == {0}


@pytest.mark.parametrize(("alpha", "dtype"), [(1e-6, "int8"), (1e-2, "float32")])
def test_a_normalisation_runs_on_integers_where_little_is_lost(alpha, dtype):
    source, values = normalised(alpha), pixels(shape=(4, 4, 8))
    made = quantize_flatbuffer(source, Precision.INT8, samples(values))
    found = {part: spec_of(made, f"lrn1/lrn_{part}").dtype for part in ("square", "energy_bias", "output")}
    assert set(found.values()) == {dtype}
    assert {spec_of(made, f"lrn1/lrn_{part}").dtype for part in ("log", "exponent", "gain")} == {"float32"}
    expected = run(source, values)
    assert np.abs(run(made, values) - expected).max() < 0.02 * np.abs(expected).max()


def test_a_normalisation_keeps_its_float_energies_without_calibration():
    for precision in (Precision.DYNAMIC_INT8, Precision.INT4):
        made = quantize_flatbuffer(normalised(1e-2), precision)
        kernels = {tensor.spec.name.split(";")[-1]: tensor.spec.dtype for tensor in read(made).tensors}
        assert kernels["lrn1/lrn_energy/kernel"] == "float32"
        assert kernels["after/kernel"] != "float32"
        values = pixels(shape=(4, 4, 8))
        expected = run(normalised(1e-2), values)
        assert np.abs(run(made, values) - expected).max() < 0.15 * np.abs(expected).max()


@given(st.floats(1e-8, 1e-2), st.floats(0.5, 8), st.integers(10, 255))
def test_the_bound_on_energies_holds(alpha, k, high):
    values = np.random.default_rng(high).uniform(0, high, (200, 8))
    squares = values**2
    reach = np.abs(np.arange(8)[:, None] - np.arange(8)) <= 2
    energies = k + alpha * squares @ reach
    step = squares.max() / 255
    rounded = k + alpha * (np.rint(squares / step) * step) @ reach
    step = energies.max() / 255
    rounded = np.rint(rounded / step) * step
    ranges = {
        "lrn1/lrn_square": {"min": np.zeros(1), "max": squares.max()},
        "lrn1/lrn_energy_bias;lrn1/lrn_energy": {"min": np.full(1, k), "max": energies.max()},
    }
    (bound,) = lrn_energy_errors(parse(normalised(alpha, k=k)), ranges).values()
    assert np.abs(rounded / energies - 1).max() <= bound * (1 + 1e-5)


@pytest.mark.parametrize(
    ("representative", "message"),
    [
        (None, "needs calibration samples"),
        ([], "needs calibration samples"),
        ([{"picture": np.zeros((1, 4, 4, 2), np.float32)}], r"holds picture \(1, 4, 4, 2\)"),
        ([{"image": np.zeros((1, 5, 5, 2), np.float32)}], r"holds image \(1, 5, 5, 2\)"),
        ([{}], "holds nothing"),
    ],
)
def test_samples_that_do_not_fit_are_refused(representative, message):
    with pytest.raises(ConversionError, match=message):
        quantize_flatbuffer(classifier(), Precision.INT8, representative)


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.FLOAT16, Precision.INT16X8])
def test_precisions_of_the_converter_are_sent_there(precision):
    with pytest.raises(ConversionError, match=r"made by mobilenn\.convert"):
        quantize_flatbuffer(classifier(), precision)


def test_a_model_without_our_signature_is_refused():
    with pytest.raises(ConversionError, match="no signature 'serving_default'"):
        quantize_flatbuffer(classifier(key="predict"), Precision.DYNAMIC_INT8)


def test_bytes_of_something_else_are_refused():
    with pytest.raises(ArtifactError, match=r"not a \.tflite"):
        quantize_flatbuffer(b"PK\x03\x04" * 10, Precision.DYNAMIC_INT8)


def test_what_the_quantizer_raises_becomes_one_line():
    model = parse(classifier())
    model.operatorCodes[0].builtinCode = 9999
    with pytest.raises(ConversionError, match="The quantizer refused the model as int8: ") as caught:
        quantize_flatbuffer(serialize(model), Precision.INT8, samples(pixels()))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.DYNAMIC_INT8])
def test_a_quantized_model_is_not_quantized_again(precision):
    made = quantize_flatbuffer(classifier(), Precision.DYNAMIC_INT8)
    with pytest.raises(ConversionError, match=r"not float32: it stores int8\."):
        quantize_flatbuffer(made, precision, samples(pixels()))


def test_whole_number_inputs_keep_their_dtype():
    graph = Graph()
    ids = graph.tensor("ids", (1, 3))
    graph.graph.tensors[ids].type = schema.TensorType.INT32
    table = graph.tensor("table", (5, 4), np.random.default_rng(0).normal(size=(5, 4)))
    rows = graph.apply(OPERATOR.GATHER, [table, ids], "rows", (1, 3, 4), schema.GatherOptionsT())
    weights = graph.tensor("weights", (2, 4), np.random.default_rng(1).normal(size=(2, 4)))
    options = schema.FullyConnectedOptionsT()
    options.keepNumDims = True
    dense = graph.apply(OPERATOR.FULLY_CONNECTED, [rows, weights, -1], "dense", (1, 3, 2), options)
    source = graph.finish(ids, dense, names=("image", "value"))
    values = np.random.default_rng(2).integers(0, 5, (6, 1, 3))
    made = quantize_flatbuffer(source, Precision.INT8, samples(values.astype(np.float32)))
    assert read(made).signatures[0].inputs[0].dtype == "int32"
    np.testing.assert_allclose(run(made, values), run(source, values), atol=0.05)


def test_it_prints_nothing(capsys):
    quantize_flatbuffer(classifier(), Precision.INT8, samples(pixels(20)))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
