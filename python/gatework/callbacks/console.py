"""Writing to standard output without ever failing a training run.

A closed or broken output (a pipe whose reader left, a detached terminal) silences the writer; the
run goes on.
"""

from __future__ import annotations

import sys
from typing import Any


class Console:
    """A file-like object over the current `sys.stdout`."""

    def __init__(self) -> None:
        self._broken = False

    @property
    def stream(self) -> Any:
        return sys.stdout

    def write(self, text: str) -> int:
        if not self._broken and self.stream is not None:
            try:
                self.stream.write(text)
            except UnicodeEncodeError:
                encoding = self.encoding
                self.stream.write(text.encode(encoding, "replace").decode(encoding))
            except (OSError, ValueError):
                # ValueError is what a closed file raises.
                self._broken = True
        return len(text)

    def flush(self) -> None:
        if not self._broken and self.stream is not None:
            try:
                self.stream.flush()
            except (OSError, ValueError):
                self._broken = True

    @property
    def encoding(self) -> str:
        return getattr(self.stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """True on a terminal or in a notebook: where a line can be drawn over."""
        if "ipykernel" in sys.modules:
            return True
        try:
            return bool(self.stream.isatty())
        except (AttributeError, OSError, ValueError):
            return False

    def can_write(self, text: str) -> bool:
        try:
            text.encode(self.encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True


def announce(message: str) -> None:
    """Prints a callback's message."""
    console = Console()
    console.write(message + "\n")
    console.flush()
