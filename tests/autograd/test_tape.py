"""GradientTape behaves as TensorFlow documents its own."""

import gc
import weakref

import numpy as np
import pytest
from gatework import ops
from gatework.autograd import GradientTape, Tensor, Variable, is_recording, no_recording


def x3():
    return Tensor(3.0)


def test_a_watched_tensor_is_differentiated():
    x = x3()
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert tape.gradient(y, x).item() == 6.0


def test_trainable_variables_are_followed_and_others_are_not():
    x0 = Variable(3.0)
    x1 = Variable(3.0, trainable=False)
    x2 = Variable(2.0) + 1.0  # a tensor
    x3 = Tensor(3.0)
    with GradientTape() as tape:
        y = x0**2 + x1**2 + x2**2 + x0 * x1 * x2 * x3
    found = tape.gradient(y, [x0, x1, x2, x3])
    assert found[0].item() == 6.0 + 27.0
    assert found[1:] == [None, None, None]
    assert tape.watched_variables() == (x0,)


def test_watch_works_on_a_nested_structure_and_on_non_trainable_variables():
    v = Variable(2.0, trainable=False)
    x = {"a": [x3()], "b": (v,)}
    with GradientTape() as tape:
        tape.watch(x)
        y = x["a"][0] * v
    found = tape.gradient(y, x)
    assert found["a"][0].item() == 2.0
    assert found["b"][0].item() == 3.0
    assert tape.watched_variables() == (v,)


def test_watching_automatically_can_be_turned_off():
    v, w = Variable(2.0), Variable(5.0)
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(v)
        y = v * w
    assert tape.watched_variables() == (v,)
    assert [g and g.item() for g in tape.gradient(y, [v, w])] == [5.0, None]


def test_what_happens_before_watch_is_not_recorded():
    x = x3()
    with GradientTape() as tape:
        y = x * x
        tape.watch(x)
    assert tape.gradient(y, x) is None


@pytest.mark.parametrize("bad", [3.0, np.ones(2, np.float32), [x3(), "x"]])
def test_only_tensors_can_be_watched(bad):
    with GradientTape() as tape, pytest.raises(TypeError, match="tensor must be a Tensor or Var"):
        tape.watch(bad)


def test_integers_cannot_be_watched():
    with pytest.raises(ValueError, match="must be floating-point to be watched, not int64"):
        GradientTape().watch(Tensor([1, 2]))


def test_a_tape_is_used_up_by_one_gradient():
    w = Variable(3.0)
    with GradientTape() as tape:
        y = w * w
    tape.gradient(y, w)
    with pytest.raises(RuntimeError, match="make it with persistent=True"):
        tape.gradient(y, w)


def test_a_tape_that_was_never_entered_says_so():
    with pytest.raises(RuntimeError, match="inside its 'with' block"):
        GradientTape().gradient(x3(), x3())


def test_a_persistent_tape_is_not_used_up():
    w = Variable(3.0)
    with GradientTape(persistent=True) as tape:
        y = w * w
        z = y * y
    assert tape.gradient(z, w).item() == 108.0
    assert tape.gradient(y, w).item() == 6.0
    assert tape.gradient(z, w).item() == 108.0


def test_a_tape_can_be_entered_again():
    w = Variable(3.0)
    tape = GradientTape()
    with tape:
        y = w * w
    with tape:  # goes on where it was
        z = y * w
    assert tape.gradient(z, w).item() == 27.0
    with tape:  # begins anew
        y = w * w
    assert tape.gradient(y, w).item() == 6.0


def test_a_tape_cannot_be_entered_twice_at_once():
    with GradientTape() as tape, pytest.raises(ValueError, match="must not be recording"):
        tape.__enter__()


def test_the_gradient_may_be_taken_inside_the_block():
    w = Variable(3.0)
    with GradientTape() as tape:
        g = tape.gradient(w * w, w)
        assert not is_recording(w)  # a tape that is used up stops recording
    assert g.item() == 6.0


def test_sources_give_their_structure():
    a, b, c = Variable(1.0), Variable(2.0), Variable(3.0)
    with GradientTape(persistent=True) as tape:
        y = a * b + b * c
    found = tape.gradient(y, {"z": a, "a": [b, (c,)]})
    assert list(found) == ["z", "a"]
    assert found["z"].item() == 2.0
    assert found["a"][0].item() == 4.0
    assert isinstance(found["a"][1], tuple)
    assert found["a"][1][0].item() == 2.0
    assert tape.gradient(y, []) == []
    assert [g.item() for g in tape.gradient(y, (b, b))] == [4.0, 4.0]


def test_several_targets_are_summed():
    w = Variable(3.0)
    with GradientTape(persistent=True) as tape:
        y = {"square": w * w, "twice": w * 2.0}
    assert tape.gradient(y, w).item() == 8.0
    given = {"square": Tensor(10.0), "twice": None}
    assert tape.gradient(y, w, output_gradients=given).item() == 62.0


def test_a_target_that_is_no_scalar_is_summed():
    w = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = w * w
    np.testing.assert_array_equal(tape.gradient(y, w), [2.0, 4.0])


def test_output_gradients_weigh_the_target():
    w = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = w * w
    found = tape.gradient(y, w, output_gradients=np.array([10.0, 100.0]))
    np.testing.assert_array_equal(found, [20.0, 400.0])
    assert found.dtype == "float32"


def test_output_gradients_must_fit():
    w = Variable([1.0, 2.0])
    with GradientTape(persistent=True) as tape:
        y = w * w
    with pytest.raises(ValueError, match=r"must have the target's shape \(2,\), not \(3,\)"):
        tape.gradient(y, w, output_gradients=np.ones(3))
    with pytest.raises(ValueError, match=r"must be as many as the targets \(1\), not 2"):
        tape.gradient(y, w, output_gradients=[None, None])


def test_unconnected_sources():
    w, other = Variable([3.0, 1.0]), Variable(np.ones((2, 3)))
    with GradientTape(persistent=True) as tape:
        y = w * w
    assert tape.gradient(y, other) is None
    zero = tape.gradient(y, other, unconnected_gradients="zero")
    np.testing.assert_array_equal(zero, np.zeros((2, 3)))
    with pytest.raises(ValueError, match="must be 'none' or 'zero', not 'nil'"):
        tape.gradient(y, other, unconnected_gradients="nil")


def test_a_source_may_be_an_intermediate_or_the_target():
    x = x3()
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = y * y + y
    assert tape.gradient(z, [y, x, z])[0].item() == 19.0
    assert tape.gradient(z, x).item() == 114.0
    assert tape.gradient(z, z).item() == 1.0
    assert tape.gradient(x, x).item() == 1.0


@pytest.mark.parametrize(
    ("target", "source", "error", "sentence"),
    [
        (2.0, Tensor(1.0), TypeError, "target must be a Tensor, not float"),
        (None, Tensor(1.0), TypeError, "target must be a Tensor, not NoneType"),
        (Tensor(1), Tensor(1.0), ValueError, "target must be floating-point, not int64"),
        (Tensor(1.0), 1.0, TypeError, "sources must be Tensors or Variables, not float"),
        (Tensor(1.0), None, TypeError, "sources must be Tensors or Variables, not NoneType"),
    ],
)
def test_bad_targets_and_sources(target, source, error, sentence):
    with GradientTape() as tape:
        pass
    with pytest.raises(error, match=sentence):
        tape.gradient(target, source)


def test_stop_recording():
    w = Variable(3.0)
    with GradientTape() as tape:
        y = w * w
        with tape.stop_recording():
            constant = w * 10.0
            assert not is_recording(w)
        z = y * constant
    assert tape.gradient(z, w).item() == 180.0
    with pytest.raises(ValueError, match="must be recording to be stopped"), tape.stop_recording():
        pass


def test_stop_recording_stops_one_tape_only():
    w = Variable(3.0)
    with GradientTape() as outer, GradientTape() as inner:
        with outer.stop_recording():
            y = w * w
        z = y * w
    assert inner.gradient(z, w).item() == 27.0
    assert outer.gradient(z, w).item() == 9.0


def test_no_recording_stops_all_tapes():
    w = Variable(3.0)
    with GradientTape() as outer, GradientTape() as inner:
        with no_recording():
            y = w * w
        z = y * w
    assert inner.gradient(z, w).item() == 9.0
    assert outer.gradient(z, w).item() == 9.0


def test_stop_gradient_makes_a_constant():
    w = Variable(3.0)
    with GradientTape() as tape:
        y = ops.stop_gradient(w * w) * w
    assert tape.gradient(y, w).item() == 9.0


def test_reset_forgets():
    w, v = Variable(3.0), Variable(2.0)
    with GradientTape(persistent=True) as tape:
        y = w * w
        tape.reset()
        z = v * v
    assert tape.gradient(y, w) is None
    assert tape.gradient(z, v).item() == 4.0
    assert tape.watched_variables() == (v,)


def test_nested_tapes_have_their_own_sources():
    x, w = x3(), Variable(2.0)
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape(watch_accessed_variables=False) as inner:
            inner.watch(x)
            y = x * x * w
        assert inner.gradient(y, [x, w])[1] is None
        z = y * x  # the outer tape still follows x and what the inner one recorded
    found = outer.gradient(z, [x, w])
    assert [g.item() for g in found] == [54.0, 27.0]


def test_an_inner_tape_can_start_from_an_intermediate_of_the_outer():
    w = Variable(3.0)
    with GradientTape() as outer:
        h = w * w
        with GradientTape() as inner:
            inner.watch(h)
            y = h * h
        assert inner.gradient(y, h).item() == 18.0
    assert outer.gradient(y, w).item() == 108.0


def test_tapes_one_after_another_do_not_see_each_other():
    w = Variable(3.0)
    with GradientTape() as first:
        h = w * w
    with GradientTape() as second:
        y = h * w
    assert second.gradient(y, w).item() == 9.0
    assert first.gradient(h, w).item() == 6.0


@pytest.mark.parametrize("persistent", [False, True])
def test_second_order_gradients_are_refused(persistent):
    w = Variable(3.0)
    with GradientTape() as outer, GradientTape(persistent=persistent) as inner:
        g = inner.gradient(w * w * w, w)
        penalty = g * g + w
    with pytest.raises(NotImplementedError, match="gradients of gradients are not supported"):
        outer.gradient(penalty, w)


def test_second_order_gradients_on_one_tape_are_refused():
    w = Variable(3.0)
    with GradientTape(persistent=True) as tape:
        g = tape.gradient(w * w * w, w)
    with pytest.raises(NotImplementedError, match="stop_gradient"):
        tape.gradient(g, w)


def test_a_gradient_taken_as_a_constant_is_fine():
    w = Variable(3.0)
    with GradientTape(persistent=True) as tape:
        g = ops.stop_gradient(tape.gradient(w * w, w))
        y = g * w
    assert tape.gradient(y, w).item() == 6.0


def test_a_variable_written_in_place_is_noticed():
    w = Variable(3.0, name="kernel")
    with GradientTape() as tape:
        y = w * w
    w._value[...] = 5.0
    w.touch()
    with pytest.raises(RuntimeError, match="variable 'kernel' must not change in place"):
        tape.gradient(y, w)


def test_a_variable_assigned_later_keeps_its_gradient():
    w = Variable(3.0)
    with GradientTape() as tape:
        y = w * w
        w.assign(5.0)
    assert tape.gradient(y, w).item() == 6.0


def test_a_failed_gradient_leaves_this_thread_clean():
    w = Variable(3.0)
    with GradientTape() as tape:
        y = w * w
    w.touch()
    with pytest.raises(RuntimeError, match="in place"):
        tape.gradient(y, w)
    with GradientTape() as tape:
        y = w * w
    assert tape.gradient(y, w).item() == 6.0


def test_an_exception_inside_the_block_closes_the_tape():
    w = Variable(3.0)

    def fail():
        with GradientTape():
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not is_recording(w)


def test_a_kept_loss_does_not_keep_the_activations():
    w, big = Variable(np.ones(4)), Tensor(np.ones(4))
    alive = weakref.ref(big)
    with GradientTape() as tape:
        loss = ops.sum(w * big)
    tape.gradient(loss, w)
    del big
    gc.collect()
    assert alive() is None
    assert loss.item() == 4.0


def test_nothing_is_recorded_of_constants():
    x = x3()
    with GradientTape():
        assert (x * x)._node is None


def test_a_result_of_an_old_tape_does_not_grow_a_chain():
    w, state = Variable(0.5), Tensor(1.0)
    for _ in range(3):
        with GradientTape() as tape:
            state = state * w
        tape.gradient(state, w)
        assert not state._node.edges


def test_very_long_chains():
    w = Variable(1.0)
    with GradientTape() as tape:
        y = w
        for _ in range(50_000):
            y = -y
    assert tape.gradient(y, w).item() == 1.0
    with GradientTape() as tape:  # dropped without a gradient
        y = w
        for _ in range(50_000):
            y = -y
    del y, tape


def test_only_what_the_sources_need_is_computed():
    from gatework.autograd import needs_gradient, record

    asked = []
    a, b = Variable(2.0), Variable(3.0)

    def vjp(dy):
        asked.append((needs_gradient(a), needs_gradient(b)))
        return dy, dy

    with GradientTape() as tape:
        assert needs_gradient(a)
        y = record(a._value + b._value, (a, b), vjp)
    assert not needs_gradient(a)
    tape.gradient(y, b)
    assert asked == [(False, True)]


def test_several_outputs_of_one_operation():
    from gatework.autograd import record_many

    w = Variable([1.0, 2.0])
    seen = []

    def vjp(dys):
        seen.append(tuple(d is None for d in dys))
        return (sum(d for d in dys if d is not None),)

    with GradientTape(persistent=True) as tape:
        a, b = record_many((w._value + 1, w._value + 2), (w,), vjp)
        y = a * 3.0
        z = y + b
    np.testing.assert_array_equal(tape.gradient(y, w), [3.0, 3.0])
    np.testing.assert_array_equal(tape.gradient(z, w), [4.0, 4.0])
    np.testing.assert_array_equal(tape.gradient(z, b), [1.0, 1.0])
    assert seen[:2] == [(False, True), (False, False)]
