"""Initializers: their distributions, their seeds, their names."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gatework import initializers, random

SCALED = {
    # variance times the number of connections, which of them, form of the distribution
    "GlorotUniform": (1.0, "avg", "uniform"),
    "GlorotNormal": (1.0, "avg", "normal"),
    "HeUniform": (2.0, "in", "uniform"),
    "HeNormal": (2.0, "in", "normal"),
    "LecunUniform": (1.0, "in", "uniform"),
    "LecunNormal": (1.0, "in", "normal"),
}


@pytest.mark.parametrize("name", SCALED)
def test_variance_over_connections(name: str) -> None:
    scale, fan, form = SCALED[name]
    values = getattr(initializers, name)(seed=3)((200, 600)).numpy()
    variance = scale / {"in": 200, "avg": 400}[fan]
    assert values.dtype == np.float32
    assert values.mean() == pytest.approx(0, abs=5 * math.sqrt(variance / values.size))
    assert values.var() == pytest.approx(variance, rel=0.02)
    # What lies outside of a uniform distribution's ends, or of two deviations before the cut.
    bound = math.sqrt(3 * variance) if form == "uniform" else 2 * math.sqrt(variance) / 0.8796256
    assert np.abs(values).max() <= bound * (1 + 1e-6)


def test_plain_distributions() -> None:
    shape = (300, 300)
    uniform = initializers.RandomUniform(-1, 3, seed=1)(shape).numpy()
    assert uniform.min() >= -1
    assert uniform.max() < 3
    assert uniform.mean() == pytest.approx(1, abs=0.03)
    normal = initializers.RandomNormal(2.0, 0.5, seed=1)(shape).numpy()
    assert (normal.mean(), normal.std()) == pytest.approx((2, 0.5), abs=0.01)
    cut = initializers.TruncatedNormal(2.0, 0.5, seed=1)(shape).numpy()
    assert np.abs(cut - 2).max() <= 1.0 + 1e-6
    assert cut.std() == pytest.approx(0.5 * 0.87962566, rel=0.02)


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (2, 3, 4)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    values = initializers.Orthogonal(gain=2.0, seed=5)(shape).numpy()
    matrix = values.reshape(-1, shape[-1]).astype(np.float64) / 2
    product = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-6)
    with pytest.raises(ValueError, match="shape must have two axes or more"):
        initializers.Orthogonal()((3,))


def test_constants() -> None:
    assert initializers.Constant(2.5)((2, 2)).numpy().tolist() == [[2.5, 2.5], [2.5, 2.5]]
    assert initializers.Ones()((2,), dtype="int32").dtype == "int32"
    np.testing.assert_array_equal(initializers.Identity(3.0)((2, 3)), 3 * np.eye(2, 3))
    with pytest.raises(ValueError, match="shape must be that of a matrix"):
        initializers.Identity()((2, 2, 2))


@pytest.mark.parametrize(
    ("shape", "fans"),
    [((), (1, 1)), ((5,), (5, 5)), ((2, 3), (2, 3)), ((4, 2, 3), (8, 12))],
)
def test_fans(shape: tuple[int, ...], fans: tuple[int, int]) -> None:
    assert initializers.compute_fans(shape) == fans


class TestSeeds:
    def test_an_integer_gives_the_same_values(self) -> None:
        make = initializers.GlorotUniform(seed=1)
        np.testing.assert_array_equal(make((3, 3)), make((3, 3)))
        assert (make((3, 3)).numpy() != initializers.GlorotUniform(seed=2)((3, 3)).numpy()).any()

    def test_none_draws_anew(self) -> None:
        make = initializers.GlorotUniform()
        assert (make((3, 3)).numpy() != make((3, 3)).numpy()).any()
        random.set_global_seed(1)
        first = make((3, 3)).numpy()
        random.set_global_seed(1)
        np.testing.assert_array_equal(make((3, 3)), first)

    def test_a_generator_goes_on(self) -> None:
        make = initializers.RandomNormal(seed=random.SeedGenerator(4))
        first, second = make((3,)).numpy(), make((3,)).numpy()
        again = initializers.RandomNormal.from_config(make.get_config())
        assert (first != second).any()
        np.testing.assert_array_equal(again((3,)), first)

    @pytest.mark.parametrize("seed", [1.5, "a", True, -1])
    def test_refused(self, seed: object) -> None:
        with pytest.raises(ValueError, match="seed must"):
            initializers.GlorotUniform(seed=seed)


class TestGet:
    @pytest.mark.parametrize("name", [*initializers.CLASSES, *initializers.ALIASES])
    def test_every_name(self, name: str) -> None:
        assert isinstance(initializers.get(name), initializers.Initializer)

    def test_other_forms(self) -> None:
        assert initializers.get(None) is None
        assert isinstance(initializers.get(initializers.Zeros), initializers.Zeros)
        values = initializers.get(np.ones((2, 3)))
        np.testing.assert_array_equal(values((2, 3), dtype="float32"), np.ones((2, 3)))
        with pytest.raises(ValueError, match="shape must be that of the values"):
            values((3, 2))

    def test_configuration(self) -> None:
        made = initializers.VarianceScaling(2.0, "fan_out", "uniform", seed=1)
        again = initializers.deserialize(initializers.serialize(made))
        np.testing.assert_array_equal(made((4, 5)), again((4, 5)))
        assert initializers.get(initializers.serialize(made)).get_config() == made.get_config()
        np.testing.assert_array_equal(made.clone()((4, 5)), made((4, 5)))

    def test_unknown(self) -> None:
        with pytest.raises(
            ValueError, match=r"initializer must be the name of one.*glorot_uniform"
        ):
            initializers.get("glorot_unifrom")
        with pytest.raises(ValueError, match="a callable, not 3"):
            initializers.get(3)

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"scale": 0.0}, "scale must be positive, not 0.0"),
            ({"mode": "fan"}, "mode must be 'fan_in'"),
            ({"distribution": "cauchy"}, "distribution must be 'uniform'"),
        ],
    )
    def test_scaling_refused(self, arguments: dict[str, object], sentence: str) -> None:
        with pytest.raises(ValueError, match=sentence):
            initializers.VarianceScaling(**arguments)
