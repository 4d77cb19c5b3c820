"""State dicts against PyTorch's own modules, live, both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import layers, models
from gatework.interop.torch import load_state_dict, read_state_dict, state_dict, write_state_dict

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")

# PyTorch says so once.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")

X = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)


def close(own: Any, theirs: Any) -> None:
    np.testing.assert_allclose(np.asarray(own), theirs.detach().numpy(), rtol=1e-5, atol=1e-5)


def recurrent(kind: str, directions: int, bias: bool) -> tuple[Any, Any, Any]:
    """PyTorch's module, our layer, and what makes both comparable."""
    options: dict[str, Any] = {"batch_first": True, "bidirectional": directions == 2, "bias": bias}
    module = getattr(torch.nn, "RNN" if kind == "SimpleRNN" else kind)(4, 6, **options)
    layer = getattr(layers, kind)(6, return_sequences=True, use_bias=bias)
    return module, layers.Bidirectional(layer) if directions == 2 else layer, lambda y: y[0]


CASES = {
    f"{kind}_{directions}_{'bias' if bias else 'plain'}": (recurrent, (kind, directions, bias))
    for kind in ("LSTM", "GRU", "SimpleRNN")
    for directions in (1, 2)
    for bias in (True, False)
}


def plain(module: Any, layer: Any) -> tuple[Any, Any, Any]:
    return module, layer, lambda y: y


OTHERS = {
    "Linear": lambda: plain(torch.nn.Linear(4, 3), layers.Dense(3)),
    "Linear_plain": lambda: plain(
        torch.nn.Linear(4, 3, bias=False), layers.Dense(3, use_bias=False)
    ),
    "LSTM_projection": lambda: (
        torch.nn.LSTM(4, 6, proj_size=2, batch_first=True),
        layers.LSTM(6, projection=2, return_sequences=True),
        lambda y: y[0],
    ),
    "LSTM_levels_projection": lambda: (
        torch.nn.LSTM(4, 6, num_layers=2, proj_size=2, batch_first=True),
        layers.LSTM(6, num_layers=2, projection=2, return_sequences=True),
        lambda y: y[0],
    ),
    "GRU_levels": lambda: (
        torch.nn.GRU(4, 6, num_layers=3, batch_first=True),
        layers.GRU(6, num_layers=3, return_sequences=True),
        lambda y: y[0],
    ),
    "LayerNorm": lambda: plain(torch.nn.LayerNorm(4), layers.LayerNormalization(epsilon=1e-5)),
    "BatchNorm1d": lambda: (
        Turned(torch.nn.BatchNorm1d(4)),
        layers.BatchNormalization(epsilon=1e-5),
        lambda y: y,
    ),
    "Conv1d": lambda: (
        Turned(torch.nn.Conv1d(4, 6, 3, dilation=2)),
        layers.Conv1D(6, 3, dilation_rate=2),
        lambda y: y,
    ),
    "Conv1d_groups": lambda: (
        Turned(torch.nn.Conv1d(4, 6, 2, groups=2)),
        layers.Conv1D(6, 2, groups=2),
        lambda y: y,
    ),
}


class Turned(torch.nn.Module):  # type: ignore[misc]
    """A module of (batch, features, time) on our axes; its state is that of the module."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any) -> Any:
        return self.inner(x.transpose(1, 2)).transpose(1, 2)

    def state_dict(self) -> Any:
        return self.inner.state_dict()

    def load_state_dict(self, state: Any, strict: bool = True) -> Any:
        return self.inner.load_state_dict(state, strict=strict)


def made(name: str, seed: int) -> tuple[Any, Any, Any]:
    torch.manual_seed(seed)
    if name in CASES:
        function, arguments = CASES[name]
        module, layer, pick = function(*arguments)
    else:
        module, layer, pick = OTHERS[name]()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0, 0.5)
    module.eval()
    layer.build(X.shape)
    return module, layer, pick


@pytest.mark.parametrize("name", [*CASES, *OTHERS])
def test_from_torch(name: str) -> None:
    module, layer, pick = made(name, 1)
    load_state_dict(layer, module.state_dict())
    close(layer(X), pick(module(torch.from_numpy(X))))


@pytest.mark.parametrize("name", [*CASES, *OTHERS])
def test_to_torch(name: str) -> None:
    module, layer, pick = made(name, 1)
    rng = np.random.default_rng(2)
    layer.set_weights([rng.uniform(0.1, 1, w.shape) for w in layer.get_weights()])
    state = {key: torch.from_numpy(value) for key, value in state_dict(layer).items()}
    # BatchNorm's counter is theirs alone.
    found = module.load_state_dict(state, strict=False)
    assert not found.unexpected_keys
    assert not [key for key in found.missing_keys if "num_batches" not in key]
    close(layer(X), pick(module(torch.from_numpy(X))))


class Tagger(torch.nn.Module):  # type: ignore[misc]
    """Embedding, two levels of a bidirectional LSTM, a GRU and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.words = torch.nn.Embedding(9, 4)
        self.encoder = torch.nn.LSTM(4, 5, num_layers=2, bidirectional=True, batch_first=True)
        self.last = torch.nn.GRU(10, 3, batch_first=True)
        self.head = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(3, 2))

    def forward(self, ids: Any) -> Any:
        x, _ = self.encoder(self.words(ids))
        return self.head(self.last(x)[0])


def tagger() -> Any:
    return models.Sequential(
        [
            layers.Input((None,)),
            layers.Embedding(9, 4, name="words"),
            layers.Bidirectional(layers.LSTM(5, return_sequences=True), name="low"),
            layers.Bidirectional(layers.LSTM(5, return_sequences=True), name="high"),
            layers.GRU(3, return_sequences=True, name="last"),
            layers.Dropout(0.5),
            layers.Dense(2, name="head"),
        ]
    )


NAMES = {
    "words": "words",
    "low": ("encoder", 0),
    "high": ("encoder", 1),
    "last": "last",
    "head": "head.1",
}
IDS = np.array([[1, 2, 3, 0], [8, 7, 6, 5]])


@pytest.mark.parametrize("names", [NAMES, None], ids=["names", "order"])
@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_a_model_from_a_file(tmp_path: Path, names: Any, ending: str) -> None:
    torch.manual_seed(4)
    module, model = Tagger().eval(), tagger()
    path = tmp_path / f"tagger.{ending}"
    if ending == "pt":
        torch.save({"state_dict": module.state_dict(), "epoch": 3}, path)
    else:
        from safetensors.torch import save_file

        save_file(module.state_dict(), path)
        names = NAMES  # safetensors sorts the entries
    load_state_dict(model, read_state_dict(path), names)
    close(model(IDS), module(torch.from_numpy(IDS)))


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_a_model_to_a_file(tmp_path: Path, ending: str) -> None:
    module, model = Tagger().eval(), tagger()
    write_state_dict(tmp_path / f"tagger.{ending}", state_dict(model, NAMES))
    if ending == "pt":
        state = torch.load(tmp_path / "tagger.pt", weights_only=True)
    else:
        from safetensors.torch import load_file

        state = load_file(tmp_path / "tagger.safetensors")
    module.load_state_dict(state)
    close(model(IDS), module(torch.from_numpy(IDS)))


def test_bfloat16(tmp_path: Path) -> None:
    module = torch.nn.Linear(4, 3).to(torch.bfloat16)
    layer = layers.Dense(3)
    layer.build((None, 4))
    load_state_dict(layer, module.state_dict())
    np.testing.assert_array_equal(layer.kernel.numpy(), module.weight.detach().float().numpy().T)


class Canary:
    def __reduce__(self) -> Any:
        return (open, (self.path, "w"))

    def __init__(self, path: str) -> None:
        self.path = path


def test_pickled_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.pt"
    torch.save({"x": Canary(str(tmp_path / "canary"))}, path)
    with pytest.raises(ValueError, match=r"evil\.pt"):
        read_state_dict(path)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04N.", b"<html>"])
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.pt"):
        read_state_dict(path)


SEEN = np.random.default_rng(1).normal(size=(3, 6, 8)).astype(np.float32)
WIDE = np.random.default_rng(2).normal(size=(3, 5, 8)).astype(np.float32)
BLOCK: dict[str, Any] = {"dim_feedforward": 12, "dropout": 0.0, "batch_first": True}


@pytest.mark.parametrize("sizes", [{}, {"kdim": 4, "vdim": 4}], ids=["one size", "two sizes"])
@pytest.mark.parametrize("bias", [True, False])
def test_attention(sizes: dict[str, int], bias: bool) -> None:
    module = torch.nn.MultiheadAttention(8, 2, bias=bias, batch_first=True, **sizes)
    layer = layers.MultiHeadAttention(2, 4, use_bias=bias)
    keys = X if sizes else SEEN
    layer(WIDE, keys)
    randomize(module)
    load_state_dict(layer, module.state_dict())
    expected, _ = module(*(torch.from_numpy(x) for x in (WIDE, keys, keys)))
    close(layer(WIDE, keys), expected)
    there(module, state_dict(layer))


def randomize(module: Any) -> None:
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.5)


def there(module: Any, written: dict[str, Any]) -> None:
    """What was written is what the module holds, entry for entry."""
    held = module.state_dict()
    assert set(written) == set(held)
    for name, value in written.items():
        np.testing.assert_array_equal(value, held[name].numpy(), err_msg=name)


@pytest.mark.parametrize("first", [True, False])
def test_blocks(first: bool) -> None:
    encoder = torch.nn.TransformerEncoderLayer(8, 2, norm_first=first, **BLOCK)
    decoder = torch.nn.TransformerDecoderLayer(8, 2, norm_first=first, **BLOCK)
    causal = torch.nn.Transformer.generate_square_subsequent_mask(5)
    x, seen = torch.from_numpy(WIDE), torch.from_numpy(SEEN)
    options: dict[str, Any] = {"intermediate_dim": 12, "num_heads": 2, "normalize_first": first}
    for layer, module, inputs, expected in (
        (layers.TransformerEncoder(**options), encoder, [WIDE], lambda: encoder(x)),
        (layers.TransformerDecoder(**options), encoder, [WIDE], lambda: encoder(x, causal)),
        (
            layers.TransformerDecoder(**options),
            decoder,
            [WIDE, SEEN],
            lambda: decoder(x, seen, tgt_mask=causal),
        ),
    ):
        layer(*inputs)
        randomize(module)
        load_state_dict(layer, module.state_dict())
        close(layer(*inputs), expected())
        there(module, state_dict(layer))


def test_a_model_of_blocks() -> None:
    """Modules correspond in order, however many parts a block has."""
    block = torch.nn.TransformerEncoderLayer(8, 2, **BLOCK)
    parts = [
        torch.nn.Embedding(9, 8),
        torch.nn.TransformerEncoder(block, 2, enable_nested_tensor=False),
        torch.nn.Linear(8, 3),
    ]
    module = torch.nn.Sequential(*parts)
    randomize(module)
    model = models.Sequential(
        [
            layers.Input((5,), dtype="int32"),
            layers.Embedding(9, 8),
            layers.TransformerEncoder(12, 2, name="low"),
            layers.TransformerEncoder(12, 2, name="high"),
            layers.Dense(3),
        ]
    )
    load_state_dict(model, module.state_dict())
    ids = np.random.default_rng(3).integers(0, 9, (3, 5))
    close(model(ids), module(torch.from_numpy(ids)))


def test_attention_that_pytorch_has_not() -> None:
    for options, message in (
        ({"use_gate": True}, "use_gate of 'a' must be False as in PyTorch, not True"),
        ({"key_dim": 3}, "key_dim of 'a' must be 4 as in PyTorch, not 3"),
        ({"output_shape": 5}, r"output_shape of 'a' must be 8, .* not \(5,\)"),
    ):
        layer = layers.MultiHeadAttention(**{"num_heads": 2, "key_dim": 4, "name": "a", **options})
        layer(WIDE, WIDE)
        with pytest.raises(ValueError, match=message):
            state_dict(layer)
    block = layers.TransformerEncoder(12, 2, feedforward_gate=True, name="b")
    block(WIDE)
    with pytest.raises(ValueError, match="feedforward_gate of 'b' must be False as in PyTorch"):
        state_dict(block)
    groups = layers.GroupedQueryAttention(4, 2, 1)
    groups(WIDE, WIDE)
    with pytest.raises(ValueError, match="must be of a kind that PyTorch has too"):
        state_dict(groups)
