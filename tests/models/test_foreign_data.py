"""Data of other libraries: pandas, SciPy, PyTorch; each test skips where its library is missing."""

import numpy as np
import pytest
from gatework import layers
from gatework.models import Sequential

X = np.arange(30, dtype=np.float32).reshape(10, 3) / 30
Y = X.sum(axis=1, keepdims=True)


def model():
    made = Sequential([layers.Input((3,)), layers.Dense(1)])
    made.layers[0].set_weights([np.array([[0.1], [0.2], [0.3]]), np.array([0.0])])
    made.compile("sgd", "mse")
    return made


def trained(x, y=None, **options):
    made = model()
    made.fit(x, y, epochs=2, shuffle=False, verbose=0, **options)
    return made.get_weights()[0]


@pytest.fixture
def expected():
    return trained(X, Y, batch_size=4)


def test_data_frames_and_series(expected):
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pd.DataFrame(X, columns=list("abc"))
    for y in (pd.DataFrame(Y), pd.Series(Y[:, 0])):
        found = trained(frame, y, batch_size=4, validation_split=0.0)
        np.testing.assert_array_equal(found, expected)
    weights = pd.Series(np.ones(10))
    np.testing.assert_array_equal(trained(frame, Y, batch_size=4, sample_weight=weights), expected)
    np.testing.assert_allclose(model().predict(frame, verbose=0), model().predict(X, verbose=0))


def test_columns_of_other_types():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pd.DataFrame({"a": [1, 2], "b": [True, False], "c": pd.array([1, None], "Int64")})
    found = model().predict(frame, verbose=0)
    np.testing.assert_allclose(found[0], 0.1 + 0.2 + 0.3, rtol=1e-5)
    assert np.isnan(found[1])
    for column in (["x", "y"], pd.Categorical(["x", "y"]), pd.to_datetime(["2020", "2021"])):
        with pytest.raises(TypeError, match=r"x\['b'\] must hold numbers, not .*encode the column"):
            model().predict(frame.assign(b=column), verbose=0)


def test_a_column_of_lists_holds_sequences():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    made = Sequential([layers.Input((None,)), layers.Embedding(9, 2), layers.LSTM(2)])
    rows = [[1, 2, 3], [4], [5, 6]]
    np.testing.assert_array_equal(
        made.predict(pd.Series(rows), verbose=0), made.predict(rows, verbose=0)
    )


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "coo_array", "lil_array"])
def test_sparse_matrices(expected, kind):
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    x = getattr(sparse, kind)(X)
    np.testing.assert_array_equal(trained(x, Y, batch_size=4), expected)
    np.testing.assert_array_equal(trained(x, getattr(sparse, kind)(Y), batch_size=4), expected)
    assert model().fit(x, Y, validation_split=0.3, verbose=0).history["val_loss"]
    with pytest.raises(ValueError, match=r"y must have as many samples as x \(10\), not 9"):
        model().fit(x, Y[:9], verbose=0)


def test_a_large_sparse_matrix_is_never_dense_as_a_whole():
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    # Dense it would take 24 TB.
    x = sparse.csr_array((2_000_000, 3_000_000), dtype=np.float32)
    made = Sequential([layers.Input((3_000_000,)), layers.Dense(1, kernel_initializer="zeros")])
    assert made.predict(x, batch_size=2, steps=1, verbose=0).shape == (2, 1)


def test_torch_loaders(expected):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    data = torch.utils.data
    pairs = data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    loader = data.DataLoader(pairs, batch_size=4)
    np.testing.assert_array_equal(trained(loader), expected)
    alone = data.DataLoader(data.TensorDataset(torch.tensor(X)), batch_size=4)
    assert model().predict(alone, verbose=0).shape == (10, 1)
    assert model().predict(torch.tensor(X), verbose=0).shape == (10, 1)
    with pytest.raises(TypeError, match=r"x must be arrays, .* not TensorDataset"):
        trained(pairs)

    class Stream(data.IterableDataset):
        def __iter__(self):
            yield from zip(torch.tensor(X), torch.tensor(Y), strict=True)

    np.testing.assert_array_equal(trained(data.DataLoader(Stream(), batch_size=4)), expected)


def test_a_torch_loader_of_unequal_sequences():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    rows = [torch.arange(1, n + 1) for n in (3, 1, 2)]
    loader = torch.utils.data.DataLoader(rows, batch_size=2, collate_fn=lambda items: (items,))
    made = Sequential([layers.Input((None,)), layers.Embedding(9, 2), layers.LSTM(2)])
    found = made.predict(loader, verbose=0)
    np.testing.assert_allclose(
        found, made.predict([row.numpy() for row in rows], verbose=0), rtol=1e-5
    )


def test_masked_arrays_are_refused():
    x = np.ma.masked_greater(X, 0.5)
    with pytest.raises(TypeError, match="not masked values: fill them first"):
        model().predict(x, verbose=0)
    assert model().predict(np.ma.array(X), verbose=0).shape == (10, 1)
