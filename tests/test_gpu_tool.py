"""The benchmark of a GPU: what it trains, and what it says of it."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from mobilenn import networks

TOOLS = Path(__file__).resolve().parents[1] / "tools"


@pytest.fixture(scope="module")
def tool():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOLS))
        spec = importlib.util.spec_from_file_location("gpu_tool", TOOLS / "benchmark_gpu.py")
        loaded = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, "gpu_tool", loaded)
        spec.loader.exec_module(loaded)
        yield loaded


def asked(**options):
    return argparse.Namespace(
        **{"recipes": [], "published": [], "samples": (96, 32), "epochs": 2, "rounds": 1, **options}
    )


def test_recipes_have_their_size_and_published_networks_that_of_the_paper(tool):
    (mlp, small), (vgg, large) = tool.jobs(asked(recipes=["mlp"], published=["vgg"]))
    assert (mlp, small["samples"], small["batch_size"]) == ("mlp", 96, 64)
    assert small["config"]["classes"] == 10
    assert (vgg, large["config"], large["samples"]) == ("vgg, as published", {}, 32)


@pytest.mark.parametrize("name", ["mlp", "gru"])
def test_every_timed_epoch_has_its_seconds(tool, name):
    ((_, job),) = tool.jobs(asked(recipes=[name]))
    seconds = tool.epochs({**job, "precision": "float32"})
    assert len(seconds) == 2
    assert min(seconds) > 0


def test_values_are_of_the_kind_that_a_network_takes(tool):
    for name in ("mlp", "text_attention"):
        module = networks.module(name)
        model = module.build(module.TINY)
        inputs, targets = tool.values(model, 50)
        ((key, made),) = inputs.items()
        assert made.shape == (50, *model.inputs[0].shape[1:])
        assert made.dtype == (np.uint8 if key == "image" else np.int32)
        assert targets.max() < model.outputs[0].shape[-1]


def test_the_page_says_how_many_times_faster(tool):
    sides = {"cpu_float32": 3.0, "gpu_float32": 0.5, "gpu_mixed_float16": 0.25}
    epoch_s = {name: {"median": value} for name, value in sides.items()}
    rows = [{"title": "vgg", "samples": 8, "batch_size": 4, "epoch_s": epoch_s}]
    page = tool.page({"rows": rows, "environment": {"gpu": "G 200", "cpu": "C", "cores": 16}})
    assert "  6.0× |" in page
    assert " 12.0× |" in page
    assert "G 200 against 16 cores of C" in page


def test_without_a_gpu_it_says_so(tool):
    with pytest.raises(tool.MobilennError, match="sees no GPU"):
        tool.gpu_name()
