"""Calls of the core with arguments that nobody should give: ``python -m tests.fuzz.calls``.

Begins with good calls of every function and class, and changes arguments one by one: shapes, types,
strides, aliases, numbers, names, what is missing. A call may compute or raise; the process must go
on, and a sanitizer has nothing to say. In a build with GATEWORK_TRACE, calls that reach new code
are kept and changed further; else they are drawn at random. A trial is the name of a good call and
the seeds of its changes, which is all one needs to run it again: ``--again NAME SEED SEED ...``.
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from gatework import _core

from tests.fuzz.good_calls import CALLS

LAST = Path("build/fuzz/calls/last.txt")
ALLOWED = (ValueError, TypeError, RuntimeError, MemoryError, OverflowError)
LARGEST = 1 << 16  # numbers in an array
MOST_CHANGES = 12

INTEGERS = (0, 1, -1, 2, 3, 7, 16, 64, 2**31 - 1, 2**31, 2**32, 2**62, 2**63 - 1, -(2**63), 2**64)
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 3e38, 1e308, np.inf, -np.inf, np.nan)
TEXTS = (
    "",
    "tanh",
    "relu",
    "softmax",
    "lstm",
    "gru",
    "floats",
    "ids",
    "mask",
    "x" * 300,
    "\x00",
    "é",
)
TYPES = ("f4", "f8", "f2", "i4", "i8", "u1", "?", "c8", ">f4", "O", "U3")

Place = tuple[Any, ...]


def leaves(value: Any, path: Place = ()) -> list[Place]:
    """The places of everything inside of dictionaries, lists and tuples, and of those."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key in value:
            found += leaves(value[key], (*path, key))
    elif isinstance(value, list | tuple):
        for i, one in enumerate(value):
            found += leaves(one, (*path, i))
    return found


def copied(value: Any) -> Any:
    """With arrays of its own, where they may be written to."""
    if isinstance(value, np.ndarray):
        return value.copy() if value.flags.writeable else value
    if isinstance(value, dict):
        return {key: copied(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(copied(one) for one in value)
    return value


def at(value: Any, path: Place) -> Any:
    for key in path:
        value = value[key]
    return value


def replaced(value: Any, path: Place, new: Any) -> Any:
    """A copy of the containers along a path, with another value at its end."""
    if not path:
        return new
    inner = replaced(value[path[0]], path[1:], new)
    if isinstance(value, dict):
        return {**value, path[0]: inner}
    items = [inner if i == path[0] else one for i, one in enumerate(value)]
    return tuple(items) if isinstance(value, tuple) else items


def of_shape(array: Any, shape: list[int]) -> Any:
    """The numbers of an array over and over, in another shape."""
    if any(n < 0 for n in shape) or int(np.prod(shape, dtype=object)) > LARGEST:
        return array
    flat = array.reshape(-1)
    if flat.size == 0:
        return np.zeros(shape, array.dtype)
    return np.resize(flat, shape)


def laid_out(array: Any, draw: random.Random) -> Any:
    """The same numbers elsewhere in memory."""
    kind = draw.randrange(7)
    if kind == 0:
        return np.asfortranarray(array)
    if kind == 1 and array.ndim:
        return np.repeat(array, 2, axis=-1)[..., ::2]
    if kind == 2 and array.ndim:
        return array[..., ::-1]
    if kind == 3:
        raw = np.zeros(array.nbytes + 1, np.uint8)
        moved = raw[1:].view(array.dtype) if array.dtype != object else array.reshape(-1)
        return np.copyto(moved.reshape(array.shape), array) or moved.reshape(array.shape)
    if kind == 4:
        found = array.copy()
        found.flags.writeable = False
        return found
    if kind == 5 and array.ndim:
        return np.broadcast_to(array[:1], array.shape) if len(array) else array
    return array[np.newaxis][0] if kind == 6 else array.T


def changed_array(array: Any, draw: random.Random) -> Any:
    kind = draw.randrange(10)
    shape = list(array.shape)
    if kind <= 2 and shape:
        axis = draw.randrange(len(shape))
        shape[axis] = draw.choice([shape[axis] + 1, shape[axis] - 1, 0, 1, 2, 17, 2 * shape[axis]])
        return of_shape(array, shape)
    if kind == 3:
        if draw.random() < 0.5 and shape:
            del shape[draw.randrange(len(shape))]
        else:
            shape.insert(draw.randint(0, len(shape)), draw.choice([1, 2]))
        return of_shape(array, shape)
    if kind == 4:
        with np.errstate(all="ignore"):
            return array.astype(draw.choice(TYPES))
    if kind == 5:
        return laid_out(array, draw)
    if kind <= 8 and array.size:
        found = array.copy()
        if found.dtype.kind in "iu":
            number = draw.choice([n for n in INTEGERS if abs(n) < 2**31])
        else:
            number = draw.choice([v for v in FLOATS if not abs(v) > 3e38 or abs(v) == np.inf])
        found.flat[draw.randrange(found.size)] = number
        return found
    return draw.choice([None, 0, 1.5, "x", [], [1.0], array.tolist(), array[:0] if shape else 3])


def changed(value: Any, draw: random.Random) -> Any:
    """Another value in the place of one."""
    if draw.random() < 0.05:
        return draw.choice([None, True, 0, -1, 0.5, "", "x", [], (), {}, b"x", object()])
    if isinstance(value, np.ndarray):
        try:
            return changed_array(value, draw)
        except (ValueError, TypeError):
            return None
    if isinstance(value, bool):
        return draw.choice([not value, not value, None, 2])
    if isinstance(value, int):
        return draw.choice([value + 1, value - 1, draw.choice(INTEGERS)])
    if isinstance(value, float):
        return draw.choice([-value, 2 * value, draw.choice(FLOATS)])
    if isinstance(value, str):
        return draw.choice([draw.choice(TEXTS), draw.choice(NAMES)])
    if value is None:
        ones = np.ones(draw.choice([(3,), (2, 3), (4, 4), ()]), "f4")
        return draw.choice([ones, 0, 1, 0.5, [], True])
    if isinstance(value, list | tuple):
        items = list(value)
        kind = draw.randrange(4)
        if kind == 0 and items:
            del items[draw.randrange(len(items))]
        elif kind == 1 and items:
            items.insert(draw.randint(0, len(items)), draw.choice(items))
        elif kind == 2:
            draw.shuffle(items)
        else:
            items.append(draw.choice([None, 0, "x"]))
        return type(value)(items) if type(value) in (list, tuple) else items
    if isinstance(value, dict) and value:
        found = dict(value)
        key = draw.choice(list(found))
        if draw.random() < 0.7:
            del found[key]
        else:
            found[draw.choice([*found, "other"])] = found[key]
        return found
    return value


NAMES = (*_core.ACTIVATIONS, *_core.CELLS)


def mutated(arguments: dict[str, Any], seed: int) -> dict[str, Any]:
    """One change of the arguments of a call; sometimes one argument in the place of another."""
    draw = random.Random(seed)
    places = leaves(arguments)
    if not places:
        return arguments
    place = draw.choice(places)
    if draw.random() < 0.1:
        return dict(replaced(arguments, place, at(arguments, draw.choice(places))))
    return dict(replaced(arguments, place, changed(at(arguments, place), draw)))


def try_call(name: str, seeds: list[int]) -> str:
    """Runs a trial; the name of what it raised, "" if it computed.

    Raises what is not allowed.
    """
    call, good = CALLS[name]
    arguments = copied(good())
    for seed in seeds:
        arguments = mutated(arguments, seed)
    draw = random.Random(sum(seeds))
    levels = _core.isa_available()
    _core.set_isa(draw.choice(levels) if seeds and draw.random() < 0.3 else levels[-1])
    _core.set_num_threads(draw.choice([1, 1, 2, 3]))
    try:
        with np.errstate(all="ignore"):
            call(arguments)
    except ALLOWED as error:
        return type(error).__name__
    finally:
        _core.set_isa(levels[-1])
    return ""


class Trace:
    """The places that ran since it was asked last and never before."""

    def __init__(self) -> None:
        try:
            library = ctypes.CDLL(_core.__file__)
            self._now: Any = np.frombuffer(
                (ctypes.c_ubyte * 65536).in_dll(library, "gatework_trace"), np.uint8
            )
        except ValueError:
            self._now = np.zeros(0, np.uint8)
        self._seen = np.zeros_like(self._now)

    def news(self) -> int:
        fresh = (self._now > self._seen).sum()
        np.maximum(self._seen, self._now, out=self._seen)
        self._now[:] = 0
        return int(fresh)

    @property
    def places(self) -> int:
        return int(self._seen.sum())


def run(seconds: float, draw: random.Random, note: Callable[[str], Any]) -> tuple[int, int]:
    """Tries for so long; the number of calls, and of places reached."""
    trace = Trace()
    trace.news()
    corpus: list[tuple[str, list[int]]] = []
    for name in CALLS:
        if (raised := try_call(name, [])) != "":
            raise AssertionError(f"the good call {name} raised {raised}")
        corpus.append((name, []))
    trace.news()
    count, end = len(corpus), time.monotonic() + seconds
    names = list(CALLS)
    while time.monotonic() < end:
        if draw.random() < 0.3:
            name, seeds = draw.choice(names), []
        else:
            name, seeds = draw.choice(corpus)
        for _ in range(draw.choice((1, 1, 1, 2, 4))):
            seeds = [*seeds, draw.randrange(1 << 30)]
        note(f"{name} {' '.join(map(str, seeds))}")
        faulthandler.dump_traceback_later(120, exit=True)
        try_call(name, seeds)
        faulthandler.cancel_dump_traceback_later()
        count += 1
        if len(seeds) <= MOST_CHANGES and trace.news():
            corpus.append((name, seeds))
    return count, trace.places


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.calls", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--again", nargs="+", metavar="WORD", help="a trial as it was printed")
    given = parser.parse_args()
    if given.again:
        print(try_call(given.again[0], [int(seed) for seed in given.again[1:]]) or "computed")
        return
    LAST.parent.mkdir(parents=True, exist_ok=True)
    file = LAST.open("w", encoding="utf-8")

    def note(text: str) -> None:
        """For what ends the process: the last line of this file says what it was."""
        file.seek(0)
        file.write(text + "\n")
        file.truncate()
        file.flush()

    count, places = run(given.seconds, random.Random(given.seed), note)
    print(f"cov: {places}")
    print(f"number_of_executed_units: {count}")


if __name__ == "__main__":
    sys.exit(main())
