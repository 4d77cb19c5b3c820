"""The error that means wrong use of the command."""

from __future__ import annotations


class UsageError(Exception):
    """One line for the person at the terminal; the command ends with exit code 2."""
