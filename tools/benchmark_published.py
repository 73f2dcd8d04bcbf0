"""Times our int8 files of the published networks against the plain conversion of the same Keras models.

    python tools/benchmark_published.py --out tools/results/published

Each network is built once with random weights and converted twice, each step in a process of its own:
by mobilenn (lowerings, float32 flatbuffer, ai-edge-quantizer), and by TFLiteConverter as its guide says
(full int8 with a representative dataset, no lowering). Both get the same images. The two files are then
run in turn, in one process, on one thread. Writes <out>.json and <out>.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn import networks, provenance
from mobilenn.core import store
from mobilenn.core.errors import WorkerError
from mobilenn.core.precision import Precision

SIDES = ("mobilenn", "plain")
# network file, name in its table of published configs, most that our latency may be of the plain one's
NETWORKS = {"alexnet": ("AlexNet, one tower", 0.6), "vgg": ("VGG-16", 1.02), "googlenet": ("GoogLeNet", 0.5)}
MEMORY_LIMIT_BYTES = 24 << 30
SEED = 7
STEP_TIMEOUT_S = 3600.0


def main() -> None:
    """Reads the options, measures, writes and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=sorted(NETWORKS), action="append", help="may be repeated; default: all")
    parser.add_argument("--images", type=int, default=10, help="calibration images")
    parser.add_argument("--runs", type=int, default=100, help="timed runs of each file")
    parser.add_argument("--work", type=Path, default=Path("build/published"), help="folder of the files between steps")
    parser.add_argument("--reuse", action="store_true", help="keep files in --work that an earlier call has made")
    parser.add_argument("--out", type=Path, required=True, help="path of the results, without an ending")
    options = parser.parse_args()
    if min(options.images, options.runs) < 1:
        parser.error("every count is at least 1")
    rows = [measure(name, options) for name in options.network or NETWORKS]
    result = {"rows": rows, "images": options.images, "environment": provenance.environment()}
    store.write_json(options.out.with_suffix(".json"), result)
    store.write_text(options.out.with_suffix(".md"), markdown(result))
    print(markdown(result))


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Makes both files of one network and times them."""
    published, target = NETWORKS[name]
    folder = options.work / name
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for step in (convert, quantize, plain):
        record = folder / f"{step.__name__}.json"
        if not (options.reuse and record.exists()):
            store.write_json(record, in_process(step, name, folder, options.images))
        made[step.__name__] = store.read_json(record)
        print(f"{name} {step.__name__}: {made[step.__name__]}", file=sys.stderr, flush=True)
    timed = in_process(race, name, folder, options.runs)
    ours, theirs = (timed[side] for side in SIDES)
    return {
        "network": published,
        "parameters": made["convert"]["parameters"],
        "target_ratio": target,
        "ratio_min": ours["min_ms"] / theirs["min_ms"],
        "ratio_median": ours["median_ms"] / theirs["median_ms"],
        "mobilenn": {**ours, **_cost(made["convert"], made["quantize"])},
        "plain": {**theirs, **_cost(made["plain"])},
    }


def _cost(*steps: dict[str, Any]) -> dict[str, Any]:
    peak = max(step["peak_bytes"] for step in steps)
    clock = {key: sum(step[key] for step in steps) for key in ("seconds", "cpu_seconds")}
    return {**clock, "peak_bytes": peak, "fits": peak <= MEMORY_LIMIT_BYTES}


def in_process(step: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Runs a step in a fresh process, so that its memory is its own; adds `peak_bytes`.

    Raises:
        WorkerError: the process died, or ran past STEP_TIMEOUT_S.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(sender, step, arguments))
    process.start()
    sender.close()
    try:
        if not receiver.poll(STEP_TIMEOUT_S):
            raise WorkerError(f"'{step.__name__}' of {arguments[0]} ran past {STEP_TIMEOUT_S:.0f} s.")
        result = receiver.recv()
        process.join(10)
        return result
    except EOFError:
        process.join()
        raise WorkerError(f"'{step.__name__}' of {arguments[0]} died with status {process.exitcode}.") from None
    finally:
        process.kill()
        process.join()


def _serve(sender: Connection, step: Callable[..., dict[str, Any]], arguments: tuple[Any, ...]) -> None:
    sender.send({**step(*arguments), "peak_bytes": _peak_bytes()})


def _clocked(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Does some work; returns what it made, its `seconds` and, since machines are shared, its `cpu_seconds`."""
    start, cpu_start = time.perf_counter(), time.process_time()
    made = work()
    return made, {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu_start}


def _peak_bytes() -> int:
    """This process's largest resident size; of its own, where getrusage counts what came before exec too."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def build(name: str) -> Any:
    """The published network with random weights, the same in every process."""
    import tf_keras as keras

    keras.utils.set_random_seed(SEED)
    module = networks.module(name)
    config, _ = module.PUBLISHED[NETWORKS[name][0]]
    return module.build(config)


def images(shape: tuple[int, ...], count: int, seed: int = SEED) -> list[np.ndarray]:
    """Pictures (1, size, size, channels) float32 of whole numbers 0..255, with the spectrum of photographs.

    Amplitudes fall off as 1/f, as in natural scenes, and the channels are correlated.
    """
    generator = np.random.default_rng(seed)
    _, height, width, channels = shape
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    falloff = 1 / np.maximum(frequency, 1 / max(height, width))
    made = []
    for _ in range(count):
        spectra = np.fft.rfft2(generator.normal(size=(channels, height, width))) * falloff
        layers = np.fft.irfft2(spectra, s=(height, width))
        picture = np.stack([layers[0] + 0.3 * layer for layer in layers], -1)
        low, high = np.percentile(picture, (1, 99))
        made.append(np.rint(np.clip((picture - low) / (high - low), 0, 1) * 255).astype(np.float32)[None])
    return made


def convert(name: str, folder: Path, _: int) -> dict[str, Any]:
    """Our first half: lowered float32 flatbuffer."""
    from mobilenn.convert.flatbuffer import to_flatbuffer

    model = build(name)
    flatbuffer, clock = _clocked(lambda: to_flatbuffer(model, Precision.FLOAT32))
    store.write_bytes(folder / "float32.tflite", flatbuffer)
    return {**clock, "parameters": model.count_params()}


def quantize(name: str, folder: Path, count: int) -> dict[str, Any]:
    """Our second half: static int8, without TensorFlow."""
    from mobilenn.quantize import quantize_flatbuffer
    from mobilenn.tflite.reader import read

    flatbuffer = (folder / "float32.tflite").read_bytes()
    (spec,) = read(flatbuffer).signatures[0].inputs
    samples = [{spec.name: image} for image in images(spec.shape, count)]
    made, clock = _clocked(lambda: quantize_flatbuffer(flatbuffer, Precision.INT8, samples))
    store.write_bytes(folder / "mobilenn.tflite", made)
    return clock


def plain(name: str, folder: Path, count: int) -> dict[str, Any]:
    """The other side: TFLiteConverter's full int8 of the model as it is, batch 1, uint8 in, float32 out."""
    import tensorflow as tf

    model = build(name)
    (key,), (tensor,) = model.input_names, model.inputs
    shape = (1, *tensor.shape[1:])

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name=key)])
    def serving_default(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {model.output_names[0]: model(inputs, training=False)}

    samples = images(shape, count)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([serving_default.get_concrete_function()], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image] for image in samples)
    converter.inference_input_type = tf.uint8
    made, clock = _clocked(converter.convert)
    store.write_bytes(folder / "plain.tflite", made)
    return clock


def race(name: str, folder: Path, runs: int) -> dict[str, Any]:
    """Runs both files in turn; milliseconds of each, and how far each is from the float32 file."""
    files = {side: folder / f"{side}.tflite" for side in ("float32", *SIDES)}
    players = {side: _interpreter(path) for side, path in files.items()}
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    for side in SIDES:
        players[side].invoke()
    for _ in range(runs):
        for side in SIDES:
            start = time.perf_counter()
            players[side].invoke()
            seconds[side].append(time.perf_counter() - start)
    shape = tuple(players["float32"].get_input_details()[0]["shape"])
    fresh = images(shape, 8, SEED + 1)
    outputs = {side: np.stack([_output(player, image) for image in fresh]) for side, player in players.items()}
    return {
        side: {
            "min_ms": 1e3 * min(seconds[side]),
            "median_ms": 1e3 * statistics.median(seconds[side]),
            "runs": runs,
            "size_bytes": files[side].stat().st_size,
            "error": float(np.abs(outputs[side] - outputs["float32"]).sum(-1).mean() / 2),
        }
        for side in SIDES
    }


def _interpreter(path: Path) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    made = Interpreter(model_content=path.read_bytes(), num_threads=1)
    made.allocate_tensors()
    return made


def _output(player: Any, image: np.ndarray) -> np.ndarray:
    (source,), (target,) = player.get_input_details(), player.get_output_details()
    player.set_tensor(source["index"], image.astype(source["dtype"]))
    player.invoke()
    return player.get_tensor(target["index"])[0]


def markdown(result: dict[str, Any]) -> str:
    """The results as a table and the machine they were measured on."""
    header = "| network | file | min ms | median ms | ratio (min) | target | size MB | error | CPU s | peak GB |"
    lines = [header, "|" + " --- |" * 10]
    for row in result["rows"]:
        for side in SIDES:
            own = row[side]
            ratio, target = (f"{row['ratio_min']:.2f}", f"≤ {row['target_ratio']}") if side == SIDES[0] else ("1", "")
            cells = (row["network"], side, f"{own['min_ms']:.2f}", f"{own['median_ms']:.2f}", ratio, target)
            costs = (f"{own['size_bytes'] / 1e6:.1f}", f"{own['error']:.4f}", f"{own['cpu_seconds']:.1f}")
            lines.append("| " + " | ".join((*cells, *costs, f"{own['peak_bytes'] / 1e9:.1f}")) + " |")
    machine = result["environment"]
    lines += [
        "",
        "Full int8, uint8 in and float32 out, batch 1, one thread, both files run in turn in one process "
        f"({result['rows'][0]['mobilenn']['runs']} times each). Error: half the summed difference of the "
        "probabilities from the float32 file's, mean over 8 images; the plain file's softmax has steps of 1/256, "
        "above which the probabilities of random weights hardly rise. Random weights, "
        f"{result['images']} generated calibration images. CPU s and peak: processor time of the conversion, "
        "and resident memory of its largest step.",
        "",
        f"{machine['cpu']}, {machine['platform']}, Python {machine['python']}; "
        + ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
        + ".",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    from ended import ended

    ended(main)
