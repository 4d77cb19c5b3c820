"""Bounds are checked, each by its name."""

from typing import Any

import pytest
from gatework.serving import Settings


def test_defaults_reach_this_machine_only() -> None:
    settings = Settings()
    assert settings.host == "127.0.0.1"
    assert settings.max_wait == 0


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("host", "", "host must be a name or an address"),
        ("port", 70000, r"port must be a whole number in \[0, 65535\], not 70000"),
        ("max_batch", 0, "max_batch must be a positive integer, not 0"),
        ("max_batch", True, "max_batch must be a positive integer"),
        ("max_body", 1.5, "max_body must be a positive integer"),
        ("max_wait", -1.0, "max_wait must be seconds, finite and at least 0"),
        ("request_timeout", 0, "request_timeout must be seconds, finite and above 0"),
        ("stop_timeout", float("inf"), "stop_timeout must be seconds"),
    ],
)
def test_what_is_out_of_range(name: str, value: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Settings(**{name: value})
