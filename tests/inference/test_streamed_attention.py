"""Attention step by step: the numbers of the whole sequence, rows at positions of their own."""

from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers
from gatework.inference import compile, export_c, load
from hypothesis import given
from hypothesis import strategies as st

from tests.inference.models import shaken

WORDS, TIME = 11, 13


def close(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=2e-5)


def attention(draw: Any, x: Any) -> Any:
    window = draw(st.sampled_from([None, 1, 3, 20]))
    options = {
        "sliding_window": window,
        "use_bias": draw(st.booleans()),
        "use_gate": draw(st.booleans()),
    }
    if draw(st.booleans()):
        layer: Any = layers.MultiHeadAttention(
            3, 4, value_dim=draw(st.sampled_from([4, 5])), **options
        )
    else:
        heads = draw(st.sampled_from([1, 2, 6]))
        layer = layers.GroupedQueryAttention(4, 6, heads, **options)
    return layer(x, x, use_causal_mask=True)


def block(draw: Any, x: Any) -> Any:
    kind = draw(st.integers(0, 7))
    if kind == 0:
        return attention(draw, x)
    if kind == 1:
        return layers.Add()([x, layers.PositionEmbedding(TIME)(x)])
    if kind == 2:
        return layers.Add()([x, layers.SinePositionEncoding()(x)])
    if kind == 3:
        return layers.RotaryEmbedding(rope_type=draw(st.sampled_from(["linear", "yarn"])))(x)
    if kind == 4:
        return layers.LSTM(12, return_sequences=True)(x)
    if kind == 5:
        return layers.Conv1D(12, 3, padding="causal")(x)
    if kind == 6:
        scaled = layers.Attention(use_scale=draw(st.booleans()))
        return scaled([x, x], use_causal_mask=True)
    return layers.TransformerDecoder(20, 3, normalize_first=draw(st.booleans()))(x)


@st.composite
def models(draw: Any) -> Any:
    ids = layers.Input((None,), dtype="int32")
    x: Any
    if draw(st.booleans()):
        x = layers.TokenAndPositionEmbedding(WORDS, TIME, 12, mask_zero=draw(st.booleans()))(ids)
    else:
        x = layers.Embedding(WORDS, 12, mask_zero=draw(st.booleans()))(ids)
    for _ in range(draw(st.integers(1, 3))):
        x = block(draw, x)
    if draw(st.booleans()):
        x = layers.Dense(70)(x)
    return shaken(gatework.Model(ids, x), draw(st.integers(0, 5)))


@given(model=models(), batch=st.sampled_from([1, 3]), seed=st.integers(0, 50))
def test_programs_are_the_layers_and_streams_the_whole(model: Any, batch: int, seed: int) -> None:
    ids = np.random.default_rng(seed).integers(0, WORDS, (batch, TIME))
    program = compile(model)
    whole = model(ids).numpy()
    close(program(ids), whole)
    steps, blocks = program.session(batch), program.session(batch, max_length=TIME)
    close(np.stack([steps.step(ids[:, t]) for t in range(TIME)], axis=1), whole)
    parts = [blocks.run(ids[:, a:b]) for a, b in ((0, 1), (1, 6), (6, 7), (7, TIME))]
    close(np.concatenate(parts, axis=1), whole)
    for name, state in steps.state.items():
        close(state, blocks.state[name])


def language_model(**options: Any) -> Any:
    ids = layers.Input((None,), dtype="int32")
    x = layers.TokenAndPositionEmbedding(WORDS, 40, 12, **options)(ids)
    for name in ("lower", "upper"):
        x = layers.TransformerDecoder(24, 3, activation="gelu", normalize_first=True, name=name)(x)
    return shaken(gatework.Model(ids, layers.Dense(WORDS)(x)), 6)


@pytest.mark.parametrize("mask_zero", [False, True])
def test_rows_are_read_restored_cloned_reset_and_chosen(mask_zero: bool) -> None:
    program = compile(language_model(mask_zero=mask_zero))
    rng = np.random.default_rng(0)
    first, second = rng.integers(1 - mask_zero, WORDS, (2, 3, 5))
    session = program.session(3)
    session.run(first)
    kept = session.state
    assert kept["lower/keys"].shape == (3, 3, 5, 4)
    assert kept["upper/length"].tolist() == [5, 5, 5]
    assert ("upper/real" in kept) == mask_zero
    other = session.clone()
    wanted = session.run(second)
    np.testing.assert_array_equal(other.run(second), wanted)
    session.state = kept
    np.testing.assert_array_equal(session.run(second), wanted)
    # A row that begins anew beside others that go on.
    session.state = kept
    session.reset(1)
    found = session.run(second)
    close(found[[0, 2]], wanted[[0, 2]])
    close(found[1], program(second)[1])
    assert session.state["lower/length"].tolist() == [10, 5, 10]
    alone = np.stack([session.step(second[:, t]) for t in range(5)], axis=1)
    close(alone[1], program(np.concatenate([second, second], axis=1))[1, 5:])
    again = program.session(3)
    again.state = session.state
    np.testing.assert_array_equal(again.step(second[:, 0]), session.step(second[:, 0]))
    # Rows in another order, one of them twice.
    session.state = kept
    session.select([2, 0, 0, 1])
    assert session.batch == 4
    close(session.run(second[[2, 0, 0, 1]]), wanted[[2, 0, 0, 1]])
    session.reset()
    close(session.run(second[[1, 1, 1, 1]])[3], program(second)[1])


def test_a_stream_grows_and_a_short_one_is_refused() -> None:
    program = compile(language_model())
    ids = np.random.default_rng(1).integers(0, WORDS, (2, 40))
    session = program.session(2, max_length=6)
    session.run(ids[:, :4])
    before = session.state
    with pytest.raises(ValueError, match=r"'lower' must be at most the max_length .* not 7"):
        session.run(ids[:, 4:7])
    for name, state in session.state.items():
        np.testing.assert_array_equal(state, before[name])
    close(session.run(ids[:, 4:6]), program(ids[:, :6])[:, 4:])
    with pytest.raises(ValueError, match="not 7"):
        session.step(ids[:, 6])
    session.reset(0)
    with pytest.raises(ValueError, match="max_length"):  # the other row is still full
        session.step(ids[:, 0])
    longer = program.session(2)
    longer.run(ids)
    with pytest.raises(ValueError, match="at most 40 in all, as there are positions, not 41"):
        longer.step(ids[:, 0])
    with pytest.raises(ValueError, match="steps of 'lower' must be at most the max_length"):
        session.state = longer.state
    with pytest.raises(ValueError, match="max_length must be a positive integer, not 0"):
        program.session(2, max_length=0)
    wrong = {**before, "upper/length": np.array([4.0, 4.5])}
    with pytest.raises(ValueError, match="length of 'upper' must hold whole numbers in"):
        session.state = wrong
    shorter = {**before, "upper/values": before["upper/values"][:, :, :3]}
    with pytest.raises(ValueError, match="'upper' must be of one number of steps, not 3"):
        session.state = shorter
    with pytest.raises(ValueError, match=r"position of .* must hold whole numbers"):
        session.state = {name: (-v if "position" in name else v) for name, v in before.items()}


def test_a_window_keeps_the_memory_of_an_endless_stream() -> None:
    x = layers.Input((None, 8))
    layer = layers.MultiHeadAttention(2, 4, sliding_window=5, name="near")
    model = shaken(gatework.Model(x, layer(x, x, use_causal_mask=True)), 1)
    program = compile(model)
    values = np.random.default_rng(0).normal(size=(1, 700, 8)).astype("float32")
    session = program.session(1, max_length=10)  # which says nothing where a window does
    found = np.stack([session.step(values[:, t]) for t in range(700)], axis=1)
    close(found, program(values))
    assert session.state["near/keys"].shape[2] < 130


def test_a_mask_of_the_caller() -> None:
    x, padding = layers.Input((None, 12)), layers.Input((None,), dtype="bool")
    inner = layers.TransformerDecoder(16, 3)(x, decoder_padding_mask=padding)
    model = shaken(gatework.Model([x, padding], inner), 2)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 7, 12)).astype("float32")
    real = rng.random((2, 7)) < 0.7
    program = compile(model)
    assert [one.kind for one in program.inputs] == ["floats", "mask"]
    wanted = model([values, real]).numpy()
    np.testing.assert_array_equal(program([values, real]), wanted)
    np.testing.assert_array_equal(model.predict([values, real], verbose=0), wanted)
    session = program.session(2)
    found = [session.step([values[:, t], real[:, t]]) for t in range(7)]
    close(np.stack(found, axis=1), wanted)


@pytest.mark.parametrize("shape", [(7, 7), (3, 7, 7), (1, 1, 7)])
def test_masks_of_pairs(shape: Any) -> None:
    x, pairs = layers.Input((None, 12)), layers.Input((None,) * len(shape), dtype="bool")
    layer = layers.MultiHeadAttention(3, 4, name="m")
    y = layers.Masking()(x)
    model = shaken(gatework.Model([x, pairs], layer(y, y, attention_mask=pairs)), 3)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 7, 12)).astype("float32")
    values[1, 4:] = 0
    mask = rng.random((2, *shape)) < 0.6
    program = compile(model)
    np.testing.assert_array_equal(program([values, mask]), model([values, mask]).numpy())
    with pytest.raises(ValueError, match="'m' is given a mask of pairs of steps"):
        program.session()


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        (lambda x: layers.TransformerEncoder(8, 2, name="e")(x), "'e' attends to later steps"),
        (lambda x: layers.MultiHeadAttention(2, 4, name="m")(x, x), "'m' attends to later steps"),
        (
            lambda x: layers.MultiHeadAttention(2, 4, name="m")(
                x, layers.UpSampling1D(2)(x), use_causal_mask=True
            ),
            "repeats steps",
        ),
    ],
)
def test_what_looks_ahead_cannot_stream(inner: Any, why: str) -> None:
    x = layers.Input((None, 12))
    with pytest.raises(ValueError, match=why):
        compile(gatework.Model(x, inner(x))).session()


def rotating() -> Any:
    ids = layers.Input((None,), dtype="int32")
    padding = layers.Input((None,), dtype="bool")
    table = layers.ReversibleEmbedding(WORDS, 12)
    x = table(ids)
    x = layers.RotaryEmbedding(rope_type="yarn", scaling_factor=2.0)(
        x + layers.SinePositionEncoding()(x)
    )
    x = layers.TransformerDecoder(16, 3)(x, decoder_padding_mask=padding)
    x = layers.LSTM(12, return_sequences=True, layer_normalization=True)(x)
    return shaken(gatework.Model([ids, padding], table(x, reverse=True)), 3)


def test_masks_and_waves_are_shipped(tmp_path: Path) -> None:
    program = compile(rotating())
    program.save(tmp_path / "r.gwp")
    loaded = load(tmp_path / "r.gwp", verify=True)
    rng = np.random.default_rng(1)
    given = [rng.integers(0, WORDS, (2, 9)), rng.random((2, 9)) < 0.7]
    np.testing.assert_array_equal(loaded(given), program(given))
    session = loaded.session(2)
    found = [session.step([one[:, t] for one in given]) for t in range(9)]
    close(np.stack(found, axis=1), program(given))


def test_it_is_shipped_and_refused_as_c(tmp_path: Path) -> None:
    program = compile(language_model(mask_zero=True))
    program.save(tmp_path / "lm.gwp")
    loaded = load(tmp_path / "lm.gwp", verify=True)
    ids = np.random.default_rng(1).integers(0, WORDS, (2, 9))
    one, two = loaded.session(2), program.session(2)
    for t in range(9):
        np.testing.assert_array_equal(one.step(ids[:, t]), two.step(ids[:, t]))
    with pytest.raises(ValueError, match="no C code"):
        export_c(program, tmp_path / "lm.c")
