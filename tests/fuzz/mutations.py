"""Changes to bytes and to JSON that make readers stumble."""

from __future__ import annotations

import copy
import json
import random
import struct
from typing import Any

INTERESTING = (
    b"\x00", b"\xff", b"\x7f", b"\x80", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80", b"\xff" * 8, b"\xff" * 7 + b"\x7f", b"PK\x01\x02", b"GCOL", b"HEAP",
    b"SNOD", b"TREE", b"OHDR",
)  # fmt: skip

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 2**31, 2**63, -(2**63), 10**30, 0.5, -0.0, 1e-320, 1e308, "",
    "a", "..", "a/b", "Lambda", "LSTM", "__tuple__", "os.system", "float64", "linear", "\ud800",
    "x" * 5000, [], [None], [[]], [0, 0], [-1, None, 3], {}, {"class_name": "Dense", "config": {}},
    {"class_name": "__lambda__", "config": {"code": "4w=="}},
    {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}},
)  # fmt: skip


def mutated(data: bytes, draw: random.Random, other: bytes = b"") -> bytes:
    """The bytes with one to eight changes; ``other`` gives pieces to put in."""
    found = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 4, 8))):
        at = draw.randrange(len(found) + 1)
        kind = draw.randrange(8)
        if kind == 0 and found:
            found[at % len(found)] ^= 1 << draw.randrange(8)
        elif kind == 1 and found:
            found[at % len(found)] = draw.randrange(256)
        elif kind == 2:
            piece = draw.choice(INTERESTING)
            found[at : at + len(piece)] = piece
        elif kind == 3 and len(found) >= 4:
            at %= len(found) - 3
            (number,) = struct.unpack_from("<I", found, at)
            struct.pack_into("<I", found, at, (number + draw.randint(-16, 16)) % 2**32)
        elif kind == 4:
            del found[at : at + draw.choice((1, 4, 16, 256))]
        elif kind == 5:
            size = draw.choice((1, 4, 16, 256))
            found[at:at] = found[draw.randrange(len(found) + 1) :][:size]
        elif kind == 6 and other:
            size = draw.choice((8, 64, 512))
            found[at : at + size] = other[draw.randrange(len(other)) :][:size]
        elif kind == 7 and draw.random() < 0.2:
            del found[at:]
    return bytes(found)


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every (container, key) below a JSON value."""
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            found.append((value, key))
            _places(value[key], found)
    return found


def mutated_json(text: bytes, draw: random.Random) -> bytes:
    """JSON with one to four values changed, removed or repeated; other text by its bytes."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return mutated(text, draw)
    for _ in range(draw.choice((1, 1, 2, 4))):
        places = _places(value, [])
        if not places:
            break
        holder, key = draw.choice(places)
        kind = draw.randrange(6)
        if kind <= 2:
            holder[key] = copy.deepcopy(draw.choice(ODD_VALUES))
        elif kind == 3:
            from_holder, from_key = draw.choice(places)
            holder[key] = json.loads(json.dumps(from_holder[from_key]))
        elif kind == 4:
            del holder[key]
        elif isinstance(holder, list):
            holder.insert(key, json.loads(json.dumps(holder[key])))
        else:
            holder[str(draw.choice(ODD_VALUES))[:40]] = holder.pop(key)
    return json.dumps(value).encode()
