"""Writing files so that the old one stays until the new one is whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

__all__ = ["atomic_write", "open_file", "read_file"]

_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A binary file that takes the place of ``path`` when the block ends without an error.

    It is written under a temporary name in the same folder, flushed to disk, and renamed. After an
    error the old file is as it was and nothing else is left behind. A symbolic link stays, and its
    target is replaced.

    Raises:
        OSError: where the file system refuses.
        ValueError: if ``path`` is a folder, a pipe or a device.
    """
    target = Path(os.path.realpath(path))
    mode = None
    with contextlib.suppress(FileNotFoundError):
        found = target.stat().st_mode
        if not stat.S_ISREG(found):
            kind = "a folder" if stat.S_ISDIR(found) else "a pipe or device"
            raise ValueError(f"filepath must name a file, not {kind}: {os.fspath(path)!r}")
        mode = stat.S_IMODE(found)
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CLOEXEC, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            if mode is not None:
                os.fchmod(descriptor, mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Makes the rename itself survive a power cut, where folders can be flushed."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def open_file(path: str | os.PathLike[str], follow_link: bool = True) -> IO[bytes]:
    """Opens a file to read, and nothing else: a name may come to mean another thing at any time.

    Args:
        path: name of the file.
        follow_link: False refuses a symbolic link.

    Raises:
        ValueError: if ``path`` is a folder, a pipe or a device.
        OSError: if there is no such file, or it may not be read.
    """
    name = os.fspath(path)
    flags = os.O_RDONLY | _CLOEXEC | (0 if follow_link else _NOFOLLOW)
    # Not to wait for the other end of a pipe.
    descriptor = os.open(name, flags | _NONBLOCK)
    try:
        found = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(found):
            kind = "a folder" if stat.S_ISDIR(found) else "a pipe or device"
            raise ValueError(f"filepath must name a file, not {kind}: {name!r}")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The file's bytes, read once: what was checked is what is used.

    Raises:
        ValueError: if ``path`` is a folder, a pipe or a device.
        OSError: if there is no such file, or it may not be read.
    """
    with open_file(path) as file:
        return file.read()
