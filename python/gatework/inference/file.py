"""The `.gwp` file: a program that is shipped without the model it was made of.

64 bytes of header, a JSON text padded with spaces to a multiple of 64 bytes, then the arrays as
they lie in memory, each padded with zeros to a multiple of 64. All numbers are little-endian;
header, text and arrays have a CRC-32 each. The arrays follow one another in the order in which the
text lists them, and fill the file to its end: nothing in it says where anything is. They are of
float32, or int64 for ids; those of int8, a byte a number, are what version 2 has more.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import zlib
from typing import IO, Any

import numpy as np

from .. import tree
from .._json_text import read_json
from ..autograd import Array
from .document import described, read_document
from .program import Program, sizes_for
from .quantizing import is_quantized

__all__ = ["load", "write_program"]

MAGIC = b"\x89GWP\r\n\x1a\n"
VERSION, OLDEST = 2, 1
# Magic, version, bytes of text, bytes of arrays, their CRCs, that of the header before it.
HEADER = struct.Struct("<8sIQQIII")
ALIGN = 64
MOST_TEXT = 1 << 28


def write_program(program: Program, filepath: str | os.PathLike[str]) -> None:
    """Writes a program to a file; see ``Program.save``."""
    from ..utils.files import atomic_write

    document, arrays = described(program, _self_test(program))
    text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGN)
    pieces = [piece for array in arrays for piece in _stored(array)]
    checksum = size = 0
    for piece in pieces:
        checksum = zlib.crc32(piece, checksum)
        size += len(piece)
    version = VERSION if any(array.dtype == np.int8 for array in arrays) else OLDEST
    begin = (MAGIC, version, len(text), size, zlib.crc32(text), checksum)
    header = HEADER.pack(*begin, zlib.crc32(HEADER.pack(*begin, 0)[:-4]))
    with atomic_write(filepath) as file:
        file.write(header + bytes(ALIGN - len(header)))
        file.write(text)
        for piece in pieces:
            file.write(piece)


def _stored(array: Array) -> tuple[bytes, bytes]:
    """The bytes of an array, and those up to the next."""
    values = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return values, bytes(-len(values) % ALIGN)


def load(filepath: str | os.PathLike[str], verify: bool = False) -> Program:
    """Reads a program that ``program.save`` wrote, and packs its weights for this processor.

    The file is mapped into memory, not copied: replace it by another, as ``save`` does, but do not
    write into it while a program uses it.

    Args:
        filepath: the file.
        verify: run the self-test that the file holds.

    Raises:
        ValueError: the file is damaged, of a newer version or no program; or the self-test fails.
        OSError: there is no such file, or it may not be read.
    """
    name = os.fspath(filepath)
    if os.path.exists(name) and not os.path.isfile(name):
        raise ValueError(f"filepath must name a file, not a folder, pipe or device: {name!r}")
    with open(name, "rb") as file:
        try:
            program, test = _read(file)
        except (ValueError, TypeError, MemoryError) as error:
            raise ValueError(f"{name!r} must be a whole program file: {error}") from error
    if verify:
        _verify(name, program, test)
    return program


def _read(file: IO[bytes]) -> tuple[Program, Any]:
    size = os.fstat(file.fileno()).st_size
    if size < ALIGN:
        raise ValueError(f"it has {size} bytes, less than a header")
    mapped = memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))
    header = bytes(mapped[: HEADER.size])
    magic, version, text_size, data_size, text_crc, data_crc, crc = HEADER.unpack(header)
    if magic != MAGIC:
        raise ValueError("it does not begin as one")
    if zlib.crc32(header[:-4]) != crc or any(mapped[HEADER.size : ALIGN]):
        raise ValueError("its header is damaged")
    if not OLDEST <= version <= VERSION:
        raise ValueError(f"it is of version {version}, and this reads versions 1 to {VERSION}")
    if text_size > MOST_TEXT or text_size % ALIGN or ALIGN + text_size + data_size != size:
        raise ValueError(f"it has {size} bytes, not {ALIGN + text_size + data_size}")
    text = mapped[ALIGN : ALIGN + text_size]
    data = mapped[ALIGN + text_size :]
    if zlib.crc32(text) != text_crc or zlib.crc32(data) != data_crc:
        raise ValueError("its checksum is another: it is damaged")
    document = read_json(bytes(text), "its text")
    program, test = read_document(document, lambda sizes, types: _arrays(data, sizes, types))
    if test[0]:
        # All shapes are checked, nothing is computed. What the file says decides how much memory
        # that takes: not out of proportion to the weights.
        needed = program._core.reserve([list(array.shape) for array in test[0]])
        if needed > (1 << 28) + 256 * size:
            raise ValueError(f"it must need memory in proportion, not {needed} bytes")
    return program, test


def _arrays(data: memoryview, shapes: list[tuple[int, ...]], types: list[str]) -> list[Array]:
    """The arrays of those shapes and types, one after the other, together all of the data."""
    found: list[Array] = []
    begin = 0
    for shape, name in zip(shapes, types, strict=True):
        dtype = np.dtype(f"<{name}")
        count = 1
        for n in shape:
            count *= n
            if count * dtype.itemsize > len(data):
                raise ValueError(f"it must hold an array of shape {shape}, but is too short")
        end = begin + count * dtype.itemsize
        if end > len(data):
            raise ValueError(f"it must hold an array of shape {shape}, but is too short")
        array = np.frombuffer(data[begin:end], dtype)
        found.append(array.astype(dtype.newbyteorder("="), copy=False).reshape(shape))
        begin = end + -end % ALIGN
    if begin != len(data):
        raise ValueError(f"its arrays must fill {len(data)} bytes, not {begin}")
    return found


def _self_test(program: Program) -> tuple[list[Array], list[Array]]:
    """Inputs of two rows, and what the program makes of them; nothing where no length will do."""
    rng = np.random.default_rng(0)
    for length in (4, 16, 64, 256, 1024):
        inputs: list[Array] = []
        for one in program.inputs:
            shape = sizes_for(one, 2, length)
            inputs.append(
                rng.standard_normal(shape, np.float32)
                if one.kind == "floats"
                else rng.integers(0, one.limit or 2, shape)
            )
        try:
            return inputs, tree.flatten(program(inputs if len(inputs) > 1 else inputs[0]))
        except ValueError:  # too short for a window
            continue
    return [], []


def _verify(name: str, program: Program, test: tuple[list[Array], list[Array]]) -> None:
    """Raises ValueError unless the program gives the outputs of its self-test.

    They may differ by the rounding of another processor's kernels; and where that turns a value
    that int8 rounds up into one that it rounds down, by some steps of 1/127.
    """
    inputs, outputs = test
    if not inputs:
        return
    try:
        found = tree.flatten(program(inputs if len(inputs) > 1 else inputs[0]))
    except ValueError as error:
        raise ValueError(f"{name!r} must pass its self-test: {error}") from error
    for i, (array, wanted) in enumerate(zip(found, outputs, strict=True)):
        share = 0.05 if any(map(is_quantized, program._steps)) else 1e-4
        allowed = share * (1.0 + float(np.max(np.abs(wanted), initial=0.0)))
        if array.shape != wanted.shape or not np.allclose(
            array, wanted, rtol=1e-4, atol=allowed, equal_nan=True
        ):
            raise ValueError(f"{name!r} must pass its self-test, but output {i} is another")
