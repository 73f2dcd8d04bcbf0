"""Networks of attention: their parts, their outputs, texts of every length."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras

from mobilenn import networks
from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.core.errors import RecipeError
from mobilenn.core.precision import Precision
from mobilenn.runtime.host import HostSession

NAMES = ("text_attention", "image_attention", "video_attention")


def build(name, **changes):
    keras.backend.clear_session()
    keras.utils.set_random_seed(4)
    module = networks.module(name)
    return module.build(type(module.TINY)(**{**vars(module.TINY), **changes}))


def drawn(model, count=3):
    shape = (count, *model.inputs[0].shape[1:])
    return np.random.default_rng(0).integers(0, 20, shape).astype(model.inputs[0].dtype.name)


@pytest.mark.parametrize("kind", ["multi_head", "additive", "mean"])
@pytest.mark.parametrize("name", NAMES)
def test_attention_is_a_second_output_that_sums_to_one(name, kind):
    model = build(name, attention=kind)
    assert model.output_names == ["probabilities", "attention"]
    weights = model(drawn(model))[1].numpy()
    assert weights.shape[1] == {"text_attention": 7, "image_attention": 4, "video_attention": 4}[name]
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    assert (weights >= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_mean_lacks_queries_keys_and_scores_and_nothing_else(name):
    full, mean = ({layer.name: layer for layer in build(name, attention=a).layers} for a in ("multi_head", "mean"))
    gone = {layer for layer in full if layer not in mean and full[layer].weights}
    assert gone == {"block1_query", "block1_key", "pool_score"}
    assert {layer for layer in mean if layer not in full and mean[layer].weights} == set()
    for layer in set(full) & set(mean):
        assert [w.shape for w in full[layer].weights] == [w.shape for w in mean[layer].weights]


def test_no_dense_layer_hides_inside_another():
    """What tfmot prunes and trains for int8 has to stand in the graph."""
    for name in NAMES:
        for layer in build(name).layers:
            inner = [part for part in layer.submodules if isinstance(part, keras.layers.Dense) and part is not layer]
            assert not inner, layer.name


def test_a_class_token_reads_like_the_paper():
    model = build("image_attention", pooling="token", attention="multi_head")
    weights = model(drawn(model))[1].numpy()
    assert weights.shape == (3, 4)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize(("kind", "order"), [("multi_head", "positions"), ("additive", "gru"), ("mean", "none")])
def test_texts_of_every_length_are_defined(tmp_path, kind, order):
    """Empty, one token, full, and numbers past the vocabulary's in none of the runtimes make a NaN."""
    model = build("text_attention", attention=kind, order=order)
    texts = np.zeros((4, 7), np.int32)
    texts[1, 0] = 5
    texts[2] = np.arange(1, 8)
    texts[3, :3] = [1, 1, 1]
    found = [output.numpy() for output in model(texts)]
    assert all(np.isfinite(output).all() for output in found)
    np.testing.assert_allclose(found[1][0], np.full(7, 1 / 7), rtol=1e-6)
    np.testing.assert_allclose(found[1][1], [1, 0, 0, 0, 0, 0, 0], atol=1e-6)
    assert (found[1][3, 3:] == 0).all()
    path = tmp_path / "model.tflite"
    path.write_bytes(to_flatbuffer(model, Precision.FLOAT32))
    for api in ("interpreter", "compiled_model"):
        with HostSession(path, api=api) as session:
            made = session.predict({"tokens": texts})
        np.testing.assert_allclose(made["attention"], found[1], atol=1e-5)
        np.testing.assert_allclose(made["probabilities"], found[0], atol=1e-5)


def test_padding_changes_nothing():
    """A text's class does not depend on what stands behind it: padding is hidden from every row that counts."""
    for kind in ("multi_head", "additive", "mean"):
        model = build("text_attention", attention=kind)
        embedding = model.get_layer("embedding")
        text = np.array([[4, 9, 0, 0, 0, 0, 0]], np.int32)
        before = model(text)[0].numpy()
        table = embedding.get_weights()[0]
        table[0] += 7
        embedding.set_weights([table])
        np.testing.assert_allclose(model(text)[0], before, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "changes", "word"),
    [
        ("text_attention", {"heads": 3}, "3 heads cannot share 8"),
        ("text_attention", {"vocabulary": 1}, "vocabulary"),
        ("text_attention", {"blocks": -1}, "blocks"),
        ("text_attention", {"order": "gru", "features": 9, "heads": 3}, "features"),
        ("image_attention", {"patch": 3}, "patch"),
        ("image_attention", {"input_size": 12, "patch": 6, "stem": "convolutions"}, "power of two"),
        ("image_attention", {"pooling": "token", "attention": "mean"}, "class token"),
        ("video_attention", {"filters": ()}, "filters"),
        ("video_attention", {"dropout": 1.0}, "dropout"),
    ],
)
def test_configs_that_cannot_be_built_are_named(name, changes, word):
    with pytest.raises(RecipeError, match=word):
        build(name, **changes)


def test_convolutions_end_in_as_many_patches():
    for stem in ("patches", "convolutions"):
        assert build("image_attention", stem=stem).get_layer("attention").output_shape == (None, 4)
