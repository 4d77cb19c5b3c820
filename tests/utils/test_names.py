"""Names that other parts own, names that are not here, and the progress bar of a user's loop."""

import pytest
from gatework import callbacks, saving, utils
from gatework.utils import Progbar


def test_every_name_is_there():
    for name in utils.__all__:
        assert getattr(utils, name) is not None
    assert utils.register_keras_serializable is saving.register_keras_serializable
    assert utils.Sequence is utils.PyDataset


def test_other_names_of_keras_say_why_not():
    with pytest.raises(AttributeError, match="'FeatureSpace': data is prepared before"):
        _ = utils.FeatureSpace
    with pytest.raises(AttributeError, match="'get_file': it downloads"):
        _ = utils.get_file
    with pytest.raises(AttributeError, match="'RemoteMonitor': it sends to a server"):
        _ = callbacks.RemoteMonitor
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = utils.nonsense


def test_progbar_averages_values(capsys):
    bar = Progbar(4, width=8, unit_name="line", stateful_metrics=["last"])
    for step in range(4):
        bar.add(1, [("mean", float(step)), ("last", float(step))])
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("4/4 " + "━" * 8)
    assert "s/line - mean: 3.0000 - last: 3.0000" in line
    assert line.count("━") == 8


def test_progbar_without_an_end(capsys):
    bar = Progbar(None, verbose=2)
    bar.update(3, [("loss", 2.0)])
    bar.update(6, [("loss", 4.0)], finalize=False)
    assert bar._sums["loss"] == (18.0, 6)
    bar.update(6, finalize=True)
    assert "6/6 - " in capsys.readouterr().out
    Progbar(2, verbose=0).update(2)
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="only one of stateful_metrics and stateless_metrics"):
        Progbar(1, stateful_metrics=[], stateless_metrics=[])
