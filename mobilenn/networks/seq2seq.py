"""Sequence to sequence: recurrent with attention, or a Transformer; trained in one piece, run step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import tf_keras as keras

from mobilenn.core.errors import RecipeError
from mobilenn.layers.causal import Cache, Causal, HeadMean, Next, Places
from mobilenn.layers.cell import GruStep
from mobilenn.layers.copying import Copying
from mobilenn.layers.dropout import Dropout
from mobilenn.layers.multi_head import MultiHead
from mobilenn.layers.padding_mask import PaddingMask
from mobilenn.layers.scaled_dot_product import ScaledDotProduct
from mobilenn.layers.token_embedding import TokenEmbedding
from mobilenn.networks._attention import Attention, block, check_heads
from mobilenn.networks._blocks import check_range, layers

Tensors = Mapping[str, Any]  # by name: Keras tensors


@dataclass(frozen=True, kw_only=True)
class Config:
    """The form and its sizes.

    Args:
        form: `recurrent` is a bidirectional GRU that reads, a GRU that writes, and attention between them;
            `transformer` has attention in place of recurrence.
        vocabulary: number of tokens of source and target together.
        source_length, target_length: tokens of each; the target's count `<end>`.
        width: of token vectors and states; even.
        depth: blocks of the transformer's encoder, and of its decoder.
        heads: of the transformer.
        expansion: width of the transformer's two-layer networks, in widths.
        copying: whether a token of the source may be said in place of one of the vocabulary.
        dropout: on token vectors and on what each part adds, in training.
    """

    form: Literal["recurrent", "transformer"] = "transformer"
    vocabulary: int = 37_000
    source_length: int = 64
    target_length: int = 64
    width: int = 512
    depth: int = 6
    heads: int = 8
    expansion: int = 4
    copying: bool = False
    dropout: float = 0.1

    def __post_init__(self) -> None:
        check_range("vocabulary", self.vocabulary, 5, 1 << 20)
        check_range("source_length", self.source_length, 1, 4096)
        check_range("target_length", self.target_length, 1, 4096)
        check_range("width", self.width, 2, 4096)
        check_range("depth", self.depth, 1, 48)
        check_range("expansion", self.expansion, 1, 16)
        check_range("dropout", self.dropout, 0.0, 0.95)
        if self.width % 2:
            raise RecipeError(f"[config] width is {self.width}.", "Allowed: an even number.")
        if self.form == "transformer":
            check_heads(self.width, self.heads)


TINY = Config(form="recurrent", vocabulary=24, source_length=6, target_length=5, width=8, copying=True)
# Recurrent, of width w and vocabulary V: V·w + V, 3 GRUs (two of w/2) of 3·units·(inputs + units + 2), bridge w·w + w,
# keys w·w, readout 2·w·w + w. Transformer: V·w + V; a block of the encoder 12·w² + 13·w, of the decoder 16·w² + 19·w,
# and two normalisations of 2·w. The paper counts 65 million for the second, its vocabulary being "about 37000".
PUBLISHED = {
    "GRU with attention, width 256": (Config(form="recurrent", vocabulary=8000, width=256), 3_009_856),
    "Transformer base": (Config(), 63_121_544),
    "Transformer, width 128": (Config(vocabulary=8000, width=128, depth=2), 1_958_208),
}


def build(config: Config) -> keras.Model:
    """Builds the network as it is trained: `source` and `target_in` in, `probabilities` (N, T, V) out.

    A decoder that reads the right tokens at every step can be trained on all steps at once. It departs from the
    papers in that source and target share a table of vectors, also with the output; in that the recurrent one
    scores by the dot product of Luong et al., behind its GRU, so that nothing but the GRU runs in a loop; and in
    that the Transformer normalises before each part.

    Reference:
        Sutskever, Vinyals and Le, Sequence to Sequence Learning with Neural Networks (NIPS 2014); Bahdanau, Cho
        and Bengio, Neural Machine Translation by Jointly Learning to Align and Translate (ICLR 2015), for the
        bidirectional reader; Luong, Pham and Manning, Effective Approaches to Attention-based Neural Machine
        Translation (EMNLP 2015), section 3.1; Vaswani et al., Attention Is All You Need (NIPS 2017).
    """
    source = layers.Input((config.source_length,), dtype="int32", name="source")
    target = layers.Input((config.target_length,), dtype="int32", name="target_in")
    embedding = TokenEmbedding(config.vocabulary, config.width, name="embedding")
    reads, writes, _ = _FORMS[config.form]
    memory = reads(config, embedding, source)
    made, _ = writes(config, embedding, {"target_in": target, "source": source, **memory})
    return keras.Model([source, target], made["probabilities"], name="seq2seq")


def steps(config: Config) -> dict[str, keras.Model]:
    """The same network as it runs: `encode` and `decode_step`; mobilenn.runtime.sequence tells what their names mean.

    Its layers bear the names of those that `build` trains.
    """
    reads, writes, caches = _FORMS[config.form]
    source = layers.Input((config.source_length,), dtype="int32", name="source")
    memory = reads(config, TokenEmbedding(config.vocabulary, config.width, name="embedding"), source)
    given = {"token": layers.Input((1,), dtype="int32", name="token")}
    given["source"] = layers.Input((config.source_length,), dtype="int32", name="source")
    given |= {name: layers.Input(tensor.shape[1:], name=name) for name, tensor in memory.items()}
    given |= caches(config)
    made, attention = writes(config, TokenEmbedding(config.vocabulary, config.width, name="embedding"), given)
    ends = [made.pop("probabilities"), layers.Flatten(name="attention")(attention)]
    ends += [layers.Activation("linear", name=name)(tensor) for name, tensor in made.items()]
    handed = [layers.Activation("linear", name=name)(tensor) for name, tensor in memory.items()]
    return {  # the step first, since it is what tools that know no signatures run and profile
        "decode_step": keras.Model(list(given.values()), ends, name="decode_step"),
        "encode": keras.Model(source, handed, name="encode"),
    }


def _read(config: Config, embedding: TokenEmbedding, source: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
    """The recurrent form's reader: what there is to look at, its keys, and the writer's first state."""
    vectors = _dropped(config, embedding(source), "source_dropout")
    reader = layers.GRU(config.width // 2, return_sequences=True, name="reader")
    memory = layers.Bidirectional(reader, name="both")(vectors)
    # read backwards, the first place has seen all
    first = layers.Flatten(name="first")(layers.Cropping1D((0, config.source_length - 1), name="cut")(memory))
    hidden = layers.Dense(config.width, activation="tanh", name="hidden_bridge")(first)
    keys = layers.Dense(config.width, use_bias=False, name="memory_keys")(memory)
    return {"memory": memory, "keys": keys, "hidden": hidden}


def _write(
    config: Config, embedding: TokenEmbedding, given: Tensors
) -> tuple[dict[str, keras.KerasTensor], keras.KerasTensor]:
    """The recurrent form's writer: over a whole text, or one step of it."""
    made = {}
    if "token" in given:
        vector = layers.Flatten(name="vector")(embedding(given["token"]))
        made["next_hidden"] = GruStep(config.width, name="writer")([vector, given["hidden"]])
        states = layers.Reshape((1, config.width), name="states")(made["next_hidden"])
    else:
        vectors = _dropped(config, embedding(given["target_in"]), "target_dropout")
        states = layers.GRU(config.width, return_sequences=True, name="writer")(vectors, initial_state=given["hidden"])
    mask = PaddingMask(name="mask")(given["source"])
    looked, weights = ScaledDotProduct(name="look")([states, given["keys"], given["memory"], mask])
    joined = layers.Concatenate(name="joined")([states, looked])
    readout = layers.Dense(config.width, activation="tanh", name="readout")(joined)
    made["probabilities"] = _said(config, embedding, _dropped(config, readout, "readout_dropout"), weights, given)
    return made, weights


def _encode(config: Config, embedding: TokenEmbedding, source: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
    """The transformer's encoder: keys and values for each block of the decoder."""
    how = Attention(
        kind="multi_head", heads=config.heads, hidden=config.expansion * config.width, dropout=config.dropout
    )
    rows = _dropped(config, Places(config.source_length, name="source_places")(embedding(source)), "source_dropout")
    mask = PaddingMask(name="source_mask")(source)
    for number in range(1, config.depth + 1):
        rows, _ = block(rows, mask, how, f"encoder{number}")
    memory = layers.LayerNormalization(epsilon=1e-6, name="encoder_norm")(rows)
    made = {}
    for number in range(1, config.depth + 1):
        made[f"keys_{number}"] = layers.Dense(config.width, name=f"decoder{number}_look_key")(memory)
        made[f"values_{number}"] = layers.Dense(config.width, name=f"decoder{number}_look_value")(memory)
    return made


def _decode(
    config: Config, embedding: TokenEmbedding, given: Tensors
) -> tuple[dict[str, keras.KerasTensor], keras.KerasTensor]:
    """The transformer's decoder: over a whole text, or one step of it with what it has said in caches."""
    places, made = Places(config.target_length, name="target_places"), {}
    if "token" in given:
        rows = places([embedding(given["token"]), given["position"]])
        made["next_position"] = Next(name="next")(given["position"])
    else:
        rows = _dropped(config, places(embedding(given["target_in"])), "target_dropout")
    mask = PaddingMask(name="mask")(given["source"])
    for number in range(1, config.depth + 1):
        rows, caches = _look_back(config, rows, given, number)
        made |= caches
        rows, weights = _look_over(config, rows, mask, given, number)
        rows = _thought(config, rows, f"decoder{number}")
    rows = layers.LayerNormalization(epsilon=1e-6, name="decoder_norm")(rows)
    attention = HeadMean(name="mean_of_heads")(weights)
    made["probabilities"] = _said(config, embedding, rows, attention, given)
    return made, attention


def _look_back(
    config: Config, rows: keras.KerasTensor, given: Tensors, number: int
) -> tuple[keras.KerasTensor, dict[str, keras.KerasTensor]]:
    """Attention to what was said before; returns the caches after a step."""
    name = f"decoder{number}_back"
    normed = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(rows)
    query, keys, values = (layers.Dense(config.width, name=f"{name}_{p}")(normed) for p in ("query", "key", "value"))
    kept, place = {}, []
    if "token" in given:
        place = [given["position"]]
        keys = Cache(name=f"{name}_cache_key")([given[f"cache_keys_{number}"], keys, *place])
        values = Cache(name=f"{name}_cache_value")([given[f"cache_values_{number}"], values, *place])
        kept = {f"next_cache_keys_{number}": keys, f"next_cache_values_{number}": values}
    found, _ = Causal(config.heads, name=name)([query, keys, values, *place])
    return _added(config, rows, layers.Dense(config.width, name=f"{name}_output")(found), name), kept


def _look_over(
    config: Config, rows: keras.KerasTensor, mask: keras.KerasTensor, given: Tensors, number: int
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Attention to the source; returns its weights (N, heads, T, S) too."""
    name = f"decoder{number}_look"
    normed = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(rows)
    query = layers.Dense(config.width, name=f"{name}_query")(normed)
    found, weights = MultiHead(config.heads, name=name)(
        [query, given[f"keys_{number}"], given[f"values_{number}"], mask]
    )
    return _added(config, rows, layers.Dense(config.width, name=f"{name}_output")(found), name), weights


def _thought(config: Config, rows: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """The two-layer network of a block."""
    made = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(rows)
    made = layers.Dense(config.expansion * config.width, activation="relu", name=f"{name}_dense1")(made)
    return _added(config, rows, layers.Dense(config.width, name=f"{name}_dense2")(made), name)


def _said(
    config: Config,
    embedding: TokenEmbedding,
    readout: keras.KerasTensor,
    attention: keras.KerasTensor,
    given: Tensors,
) -> keras.KerasTensor:
    """Probabilities of the next token: (N, T, V), or (N, V) of a step."""
    scores = embedding(readout)
    if not config.copying:
        scores = layers.Flatten(name="scores")(scores) if "token" in given else scores
        return layers.Activation("softmax", dtype="float32", name="probabilities")(scores)
    said = layers.Activation("softmax", dtype="float32", name="said")(scores)
    gate = layers.Dense(1, activation="sigmoid", dtype="float32", name="gate")(readout)
    name = "copying" if "token" in given else "probabilities"
    mixed = Copying(name=name, dtype="float32")([said, attention, given["source"], gate])
    return layers.Flatten(name="probabilities")(mixed) if "token" in given else mixed


def _added(config: Config, rows: keras.KerasTensor, found: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.Add(name=f"{name}_add")([rows, _dropped(config, found, f"{name}_dropout")])


def _dropped(config: Config, vectors: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return Dropout(config.dropout, name=name)(vectors) if config.dropout else vectors


def _caches(config: Config) -> dict[str, keras.KerasTensor]:
    """Further inputs of the transformer's step."""
    shape = (config.target_length, config.width)
    names = [f"cache_{part}_{number}" for number in range(1, config.depth + 1) for part in ("keys", "values")]
    return {
        "position": layers.Input((1,), dtype="int32", name="position"),
        **{name: layers.Input(shape, name=name) for name in names},
    }


_FORMS = {"recurrent": (_read, _write, lambda _: {}), "transformer": (_encode, _decode, _caches)}
