"""generate(): with caches the same tokens as without, in batches the same as alone."""

import signal
import threading
from itertools import islice
from typing import Any

import numpy as np
import pytest
from gatework import samplers
from gatework.callbacks import Callback
from gatework.layers import LSTM, Bidirectional, Dense, Dropout, Embedding, Input, Layer
from gatework.losses import SparseCategoricalCrossentropy
from gatework.models import Model, Sequential
from gatework.utils import set_random_seed

from tests.models.generation.models import MODELS, VOCABULARY, chain, made

PROMPTS = [[1, 2, 3], [4], [5, 0, 7, 8, 9]]
LENGTH = 24

SAMPLERS = {
    "greedy": lambda: "greedy",
    "random": lambda: samplers.RandomSampler(repetition_penalty=1.3),
    "top_k": lambda: samplers.TopKSampler(4, temperature=1.5),
    "top_p": lambda: samplers.TopPSampler(0.8),
    "min_p": lambda: samplers.MinPSampler(0.05),
    "beam": lambda: samplers.BeamSampler(3, repetition_penalty=1.2),
}


def lists(results: Any) -> Any:
    return [row.tolist() for row in results]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("name", MODELS)
def test_with_and_without_caches_token_for_token(name: str, sampler: str) -> None:
    model = made(name)
    options = {"sampler": SAMPLERS[sampler](), "seed": 5, "stop_tokens": [7, 11]}
    cached = model.generate(PROMPTS, LENGTH, **options)
    anew = model.generate(PROMPTS, LENGTH, use_cache=False, **options)
    assert lists(cached) == lists(anew)
    for row, prompt in zip(cached, PROMPTS, strict=True):
        assert row.dtype == np.int64
        assert row[: len(prompt)].tolist() == prompt
        written = row[len(prompt) :].tolist()
        assert len(row) == LENGTH or written[-1] in (7, 11)
        assert not {7, 11} & set(written[:-1])


@pytest.mark.parametrize("sampler", ["greedy", "beam"])
@pytest.mark.parametrize("name", MODELS)
def test_a_row_of_a_batch_is_what_it_would_be_alone(name: str, sampler: str) -> None:
    model = made(name)
    together = model.generate(PROMPTS, LENGTH, SAMPLERS[sampler](), stop_tokens=11)
    for row, prompt in zip(together, PROMPTS, strict=True):
        alone = model.generate(prompt, LENGTH, SAMPLERS[sampler](), stop_tokens=11)
        assert row.tolist() == alone.tolist()


def test_draws_of_a_row_do_not_hang_on_the_others() -> None:
    model = made("LSTM")
    alone = model.generate(PROMPTS[0], LENGTH, "random", seed=2)
    assert lists(model.generate(PROMPTS, LENGTH, "random", seed=2))[0] == alone.tolist()


def test_draws_are_one_stream_however_long_the_text() -> None:
    model = made("tutorial")
    long = model.generate([1], 600, "random", seed=2)
    assert long[:300].tolist() == model.generate([1], 300, "random", seed=2).tolist()
    rows = model.generate([[1], [2] * 290], 600, "random", seed=2)
    assert rows[0].tolist() == long.tolist()
    rows = model.generate([[1] * 290, [2]], 600, "random", seed=2)
    assert rows[0].tolist() == model.generate([1] * 290, 600, "random", seed=2).tolist()


def test_seeds() -> None:
    model = made("LSTM")
    by_seed = [model.generate([1], LENGTH, "random", seed=s).tolist() for s in (0, 0, 1)]
    assert by_seed[0] == by_seed[1] != by_seed[2]
    sampler = samplers.RandomSampler(seed=0)
    first, second = (model.generate([1], LENGTH, sampler).tolist() for _ in range(2))
    assert first != second  # the sampler's stream of seeds goes on
    again = samplers.RandomSampler(seed=0)
    assert first == model.generate([1], LENGTH, again).tolist()
    set_random_seed(4)
    free = model.generate([1], LENGTH, "random").tolist()
    set_random_seed(4)
    assert free == model.generate([1], LENGTH, "random").tolist()
    with pytest.raises(ValueError, match="seed must be an integer"):
        model.generate([1], LENGTH, "random", seed=-1)


def test_greedy_is_the_argmax_of_predict() -> None:
    model = made("functional")
    text = [3, 1]
    while len(text) < 12:
        text.append(int(model.predict(np.array([text]), verbose=0)[0, -1].argmax()))
    assert model.generate([3, 1], 12).tolist() == text


@pytest.mark.parametrize("name", ["LSTM", "tutorial"])
def test_logits_and_probabilities_mean_the_same(name: str) -> None:
    """Told, found by the last activation, and found by the values where no activation tells."""
    model = made(name)
    expected = model.generate(PROMPTS, LENGTH, "random", seed=1)
    logits = name == "LSTM"
    told = model.generate(PROMPTS, LENGTH, "random", seed=1, from_logits=logits)
    assert lists(told) == lists(expected)
    with pytest.raises(ValueError, match="add up to one"):
        made("LSTM").generate(PROMPTS, LENGTH, from_logits=False)
    ids = Input((None,), dtype="int32")
    if not logits:
        plain = Model(ids, model(ids) * 1.0)  # a product knows nothing of the softmax before it
        assert lists(plain.generate(PROMPTS, LENGTH, "random", seed=1)) == lists(expected)


def test_what_is_no_distribution_is_refused() -> None:
    sigmoid = chain(Embedding(9, 4), LSTM(4), Dense(9, activation="sigmoid"))
    with pytest.raises(ValueError, match="outputs of a sigmoid"):
        sigmoid.generate([1], 5)
    one = chain(Embedding(9, 4), LSTM(4), Dense(1, activation="sigmoid"))
    with pytest.raises(ValueError, match="vocabulary of at least two tokens"):
        one.generate([1], 5)
    ids = Input((None,), dtype="int32")
    x = Embedding(9, 4)(ids)
    with pytest.raises(ValueError, match=r"must give \(batch, time, vocabulary\).*several outputs"):
        Model(ids, [x, x]).generate([1], 5)


def test_positions_end_where_the_model_says() -> None:
    model = made("GPT")
    assert len(model.generate([1, 2], 32)) == 32
    with pytest.raises(ValueError, match=r"at most the 32 positions of .*generate\(window=32\)"):
        model.generate([1, 2], 33)
    text = model.generate([1, 2], 40, window=32)
    assert text.tolist() == model.generate([1, 2], 40, window=32, use_cache=False).tolist()
    assert text[:32].tolist() == model.generate([1, 2], 32).tolist()


@pytest.mark.parametrize("name", ["LSTM", "functional", "GPT"])
def test_a_window_is_what_the_model_reads_of_longer_texts(name: str) -> None:
    model = made(name)
    text = [1, 2, 3]
    while len(text) < LENGTH:
        scores = model.predict(np.array([text[-6:]]), verbose=0)[0, -1]
        text.append(int(scores.argmax()))
    assert model.generate([1, 2, 3], LENGTH, window=6).tolist() == text
    assert model.generate([1, 2, 3], LENGTH, window=6, use_cache=False).tolist() == text
    long = model.generate(text, LENGTH + 3, window=6)
    assert long.tolist() == model.generate(text, LENGTH + 3, window=6, use_cache=False).tolist()


def test_padding_as_pad_sequences_pads() -> None:
    from gatework.utils import pad_sequences

    model = made("tutorial")
    text = [4, 2]
    while len(text) < 15:
        ids = pad_sequences([text], maxlen=5, padding="pre")
        text.append(int(model.predict(ids, verbose=0)[0].argmax()))
    options = {"window": 5, "padding": "pre", "use_cache": False}
    assert model.generate([4, 2], 15, **options).tolist() == text
    with pytest.raises(ValueError, match="use_cache must be False with padding"):
        model.generate([1], 5, window=5, padding="pre")
    with pytest.raises(ValueError, match="window must be given with padding"):
        model.generate([1], 5, padding="pre", use_cache=False)
    with pytest.raises(ValueError, match="padding must be 'pre' for a model that gives the last"):
        model.generate([1], 5, window=5, padding="post", use_cache=False)


def test_a_functional_model_of_fixed_length() -> None:
    ids = Input((6,), dtype="int32")
    x = LSTM(9, return_sequences=True)(Embedding(VOCABULARY, 5)(ids))
    every = Model(ids, Dense(VOCABULARY)(x))
    every.set_weights([np.random.default_rng(0).normal(size=w.shape) for w in every.weights])
    cached = every.generate(PROMPTS, 12)
    assert lists(cached) == lists(every.generate(PROMPTS, 12, use_cache=False))
    with pytest.raises(ValueError, match="window must be 6, the length of the inputs"):
        every.generate([1], 5, window=4)
    last = Model(
        ids, Dense(VOCABULARY, activation="softmax")(LSTM(4)(Embedding(VOCABULARY, 5)(ids)))
    )
    with pytest.raises(ValueError, match="made for sequences of 6 steps"):
        last.generate([1], 8)
    text = [3]
    while len(text) < 9:
        padded = np.array([[0] * (6 - len(text[-6:])) + text[-6:]])
        text.append(int(last.predict(padded, verbose=0)[0].argmax()))
    assert last.generate([3], 9, use_cache=False).tolist() == text


def test_a_layer_that_looks_ahead_is_refused_by_name_unless_asked() -> None:
    model = Sequential(
        [Input((None,)), Embedding(9, 4), Bidirectional(LSTM(4), name="both"), Dense(9)]
    )
    with pytest.raises(ValueError, match=r"layer 'both' \(Bidirectional\).*use_cache=False"):
        model.generate([1], 5)
    text = [1]
    while len(text) < 5:
        text.append(int(model.predict(np.array([text]), verbose=0)[0].argmax()))
    assert model.generate([1], 5, use_cache=False).tolist() == text

    class Own(Model):
        def call(self, inputs: Any) -> Any:
            return model(inputs)

    own = Own()
    own(np.array([[1]]))
    with pytest.raises(ValueError, match=r"its call\(\) is not that of Model"):
        own.generate([1], 5)
    assert own.generate([1], 5, use_cache=False).tolist() == text


GRAPHS = {
    "ops.mean": lambda ops, x: x - ops.mean(x, axis=1, keepdims=True),
    "ops.sum": lambda ops, x: x * ops.expand_dims(ops.sum(x, axis=-1), -1),
    "ops.flip": lambda ops, x: ops.flip(x, axis=1),
    "ops.transpose": lambda ops, x: ops.transpose(x, (0, 2, 1)),
    "ops.getitem": lambda ops, x: x[:, 0],
    "values for every step": lambda ops, x: x + np.ones((4, 5), np.float32),
    "time with what has none": lambda ops, x: x + x[:, -1],
    "ops.einsum": lambda ops, x: ops.einsum("btf,bsf->bts", x, x),
    "ops.concatenate": lambda ops, x: ops.concatenate([x, x], axis=1),
}


@pytest.mark.parametrize("why", GRAPHS)
def test_operations_that_mix_steps_are_refused(why: str) -> None:
    from gatework import ops

    ids = Input((4 if "every" in why else None,), dtype="int32")
    x = Embedding(9, 5)(ids)
    outputs = GRAPHS[why](ops, x)
    model = Model(ids, outputs)
    along = "along the axis of time" if why in ("ops.flip", "ops.mean", "ops.concatenate") else why
    with pytest.raises(ValueError, match=f"cannot run step by step: .*{along}"):
        model.initial_cache(1, 4)


def test_operations_that_leave_steps_apart_run_step_by_step() -> None:
    from gatework import ops

    ids = Input((None,), dtype="int32")
    x = Embedding(VOCABULARY, 8)(ids)
    gate = ops.sigmoid(x[..., :4]) * ops.cast(ops.expand_dims(ops.not_equal(ids, 3), -1), "float32")
    y = ops.concatenate([gate, x[:, :, 4:]], axis=-1) / (ops.max(x, axis=-1, keepdims=True) + 3.0)
    y = LSTM(8, return_sequences=True)(ops.where(ops.greater(y, 0.0), y, 0.1 * y))
    table = np.random.default_rng(0).normal(size=(8, VOCABULARY)).astype(np.float32)
    model = Model(ids, ops.log_softmax(ops.matmul(y, table))[:, -1, :])
    assert lists(model.generate(PROMPTS, LENGTH)) == lists(
        model.generate(PROMPTS, LENGTH, use_cache=False)
    )


@pytest.mark.parametrize("name", ["LSTM", "tutorial"])
def test_streams(name: str) -> None:
    model = made(name)
    whole = model.generate([1, 2], LENGTH, "random", seed=3, stop_tokens=7, strip_prompt=True)
    assert list(model.stream_generate([1, 2], LENGTH, "random", seed=3, stop_tokens=7)) == (
        whole.tolist()
    )
    rows = model.generate(PROMPTS, LENGTH, stop_tokens=7, strip_prompt=True)
    streamed: list[list[int]] = [[], [], []]
    for row, token in model.stream_generate(PROMPTS, LENGTH, stop_tokens=7):
        streamed[row].append(token)
    assert streamed == lists(rows)
    begun = list(islice(model.stream_generate([1, 2], 10**7, "random", seed=3), 3))
    assert begun == model.generate([1, 2], 5, "random", seed=3)[2:].tolist()
    with pytest.raises(ValueError, match="to stream, not be a BeamSampler"):
        model.stream_generate([1], 5, "beam")
    with pytest.raises(ValueError, match="max_length"):  # before the first token is asked for
        model.stream_generate([1, 2], 1)


def test_prompts_of_any_form() -> None:
    model = made("LSTM")
    expected = model.generate([1, 2, 3], LENGTH).tolist()
    for prompt in (np.array([1, 2, 3], np.uint8), (1, 2, 3), np.array([1, 9, 2, 9, 3])[::2]):
        assert model.generate(prompt, LENGTH).tolist() == expected
    for batch in (np.array([[1, 2, 3]]), [np.array([1, 2, 3])], [(1, 2, 3)]):
        assert lists(model.generate(batch, LENGTH)) == [expected]
    assert model.generate([1, 2, 3], 3).tolist() == [1, 2, 3]
    assert lists(model.generate([[1, 2, 3], [4]], 3))[0] == [1, 2, 3]
    given = np.array([[1, 2, 3]])
    model.generate(given, LENGTH)
    assert given.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("prompt", "options", "error", "message"),
    [
        ([], {}, ValueError, "prompt must hold at least one token, not none"),
        ([[1], []], {}, ValueError, r"prompt\[1\] must hold at least one token"),
        (np.zeros((0, 3), int), {}, ValueError, "must hold at least one sequence"),
        ([1, -2], {}, ValueError, "prompt must hold ids of at least 0, not -2 at 1"),
        ([1, 99], {}, ValueError, "99"),
        ([[1, 2], [3, 4, 99]], {}, ValueError, r"prompt\[1\].*below 23.*not 99 at 2"),
        ([1.5], {}, TypeError, "prompt must hold whole numbers, not float"),
        ([True], {}, TypeError, "prompt must hold whole numbers, not bool"),
        ("text", {}, TypeError, "a tokenizer's encode"),
        (["text"], {}, TypeError, "a tokenizer's encode"),
        (None, {}, TypeError, "prompt must be a list or array of token ids, not None"),
        (np.zeros((1, 2, 3), int), {}, ValueError, r"shape \(time,\) or \(batch, time\), not \(1"),
        ([[1], 2], {}, ValueError, "prompt must have shape"),
        ([1, 2, 3], {"max_length": 2}, ValueError, "at least the 3 tokens of prompt, not 2"),
        ([1], {"max_length": 0}, ValueError, "max_length must be a positive integer, not 0"),
        ([1], {"max_length": 2.5}, ValueError, "max_length must be a positive integer, not 2.5"),
        ([1], {"stop_tokens": -1}, ValueError, "stop_tokens must be an id or a list"),
        ([1], {"stop_tokens": "x"}, ValueError, "stop_tokens must be an id or a list"),
        ([1], {"stop_tokens": 23}, ValueError, "stop_tokens must be below 23.*not 23"),
        ([1], {"sampler": "topk"}, ValueError, "nearest: 'top_k'"),
        ([1], {"window": 0}, ValueError, "window must be a positive integer, not 0"),
        ([1], {"padding": "left"}, ValueError, "padding must be 'pre', 'post' or None"),
        ([1], {"stop_token": 3}, TypeError, "no argument 'stop_token'; nearest: 'stop_tokens'"),
    ],
)
def test_bad_arguments_are_named(prompt: Any, options: Any, error: type, message: str) -> None:
    model = made("LSTM")
    with pytest.raises(error, match=message):
        model.generate(prompt, **{"max_length": 6, **options})


def test_a_model_without_weights_and_one_of_nan_are_refused() -> None:
    with pytest.raises(ValueError, match="must be built before it generates"):
        Sequential([Embedding(9, 4), LSTM(4), Dense(9)]).generate([1], 5)
    model = made("LSTM")
    model.set_weights([np.full(w.shape, np.nan) for w in model.weights])
    for sampler in ("greedy", "top_p", "beam"):
        with pytest.raises(ValueError, match="not nan at best in row 0"):
            model.generate([1], 5, sampler)


class Signalling(samplers.GreedySampler):
    """Ctrl-C arrives while the third token is chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __call__(self, logits: Any, draws: Any) -> Any:
        self.count += 1
        if self.count == 3:
            signal.raise_signal(signal.SIGINT)
        return super().__call__(logits, draws)


@pytest.mark.parametrize("use_cache", [True, False])
def test_ctrl_c_leaves_the_model_as_it_was(use_cache: bool) -> None:
    model = made("stateful")
    model.predict(np.array([[1, 2]]), verbose=0)
    carried = [state.numpy().copy() for state in model.layers[1].states]
    with pytest.raises(KeyboardInterrupt):
        model.generate([1, 2], 50, Signalling(), use_cache=use_cache)
    for before, state in zip(carried, model.layers[1].states, strict=True):
        np.testing.assert_array_equal(before, state.numpy())
    assert model.generate([1, 2], 9).tolist() == made("stateful").generate([1, 2], 9).tolist()


def test_a_sampler_somebody_wrote() -> None:
    class Third(samplers.Sampler):
        needs_draws = False

        def __call__(self, logits: Any, draws: Any) -> Any:
            return np.argsort(-logits, axis=1)[:, 2]

    class Wrong(samplers.Sampler):
        def __call__(self, logits: Any, draws: Any) -> Any:
            return logits.max(axis=1)

    model = made("LSTM")
    scores = model.predict(np.array([[1, 2]]), verbose=0)[0, -1]
    assert model.generate([1, 2], 3, Third())[-1] == np.argsort(-scores)[2]
    with pytest.raises(ValueError, match="sampler must choose 1 token ids, not float32"):
        model.generate([1, 2], 3, Wrong())


def test_threads_generate_at_once() -> None:
    model = made("LSTM")
    expected = [model.generate(prompt, 60, "random", seed=1).tolist() for prompt in PROMPTS]
    found: dict[int, Any] = {}

    def write(i: int) -> None:
        found[i] = model.generate(PROMPTS[i], 60, "random", seed=1).tolist()

    threads = [threading.Thread(target=write, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[i] for i in range(3)] == expected


def test_the_prompt_is_read_in_one_call_and_each_token_in_one_step() -> None:
    read: list[int] = []

    class Counting(Layer):
        acts_per_step = True

        def call(self, inputs: Any) -> Any:
            read.append(inputs.shape[1])
            return inputs

    model = chain(Embedding(9, 4), Counting(), LSTM(4, return_sequences=True), Dense(9))
    read.clear()
    model.generate([1, 2, 3, 4, 5], 12)
    assert read == [5, *[1] * 6]  # nobody asks for what follows the last token
    read.clear()
    model.generate([[1, 2, 3, 4, 5], [6, 7]], 8)
    assert read == [2, *[1] * 5]


def test_generating_between_epochs_changes_nothing() -> None:
    def trained(callbacks: list[Any]) -> Any:
        set_random_seed(0)
        model = chain(Embedding(9, 6), LSTM(6, return_sequences=True), Dropout(0.5), Dense(9))
        loss = SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss)
        ids = np.random.default_rng(0).integers(9, size=(8, 7))
        model.fit(ids[:, :-1], ids[:, 1:], epochs=3, verbose=0, callbacks=callbacks)
        return model

    texts = []

    class Writing(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            texts.append(self.model.generate([1], 20, "random", seed=0).tolist())

    model = trained([Writing()])
    assert texts[-1] == model.generate([1], 20, "random", seed=0).tolist()
    for one, other in zip(model.get_weights(), trained([]).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
