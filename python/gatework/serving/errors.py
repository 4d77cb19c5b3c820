"""What a client did wrong, or cannot have now: each with the status of its answer."""

from __future__ import annotations

__all__ = ["BadRequest", "Overloaded", "Refused"]


class Refused(Exception):
    """A request is not answered as it was meant; the message is for the client."""

    status = 500


class BadRequest(Refused):
    """The request is wrong; the same again will be, too."""

    status = 400


class Overloaded(Refused):
    """The server has too much to do or is stopping; later it may do it."""

    status = 503
