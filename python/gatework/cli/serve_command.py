"""`gatework serve`."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from .errors import UsageError

NAME = "serve"
DESCRIPTION = (
    "Serve a model over HTTP: POST /predict, streams over WebSocket at /stream, /model, /health, "
    "/metrics. It reads what `gatework convert` reads, .gwp too, and stops on SIGTERM or Ctrl-C "
    "when what is in flight is done. Needs the extra 'serve'."
)
HELP = "serve a model over HTTP"

# Options beside --host and --port: the name of the setting, and what is said of it.
BOUNDS = {
    "max_batch": "rows that run together",
    "max_wait": "seconds that a request waits for others to run with",
    "max_rows": "rows of one request",
    "max_length": "steps of one sequence",
    "max_body": "bytes of a request",
    "max_queue": "rows that wait",
    "max_sessions": "streams at a time",
    "request_timeout": "seconds for reading and answering a request",
    "session_timeout": "seconds after which a silent stream is closed",
    "idle_timeout": "seconds after which a silent connection is closed",
    "stop_timeout": "seconds for what is in flight when the server stops",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the address and the bounds."""
    from gatework.serving.settings import Settings

    defaults = {field.name: field.default for field in fields(Settings)}
    parser.add_argument("model", metavar="FILE", help="the model or program to serve")
    parser.add_argument(
        "--host", default=defaults["host"], help="address (default: %(default)s, this machine only)"
    )
    parser.add_argument(
        "--port", type=int, default=defaults["port"], help="port (default: %(default)s; 0: any)"
    )
    parser.add_argument(
        "--dtype", help='what products are computed in, as for `compile`: "bfloat16"'
    )
    parser.add_argument("--threads", type=int, help="threads of one batch (default: all cores)")
    for name, text in BOUNDS.items():
        kind: Any = type(defaults[name])
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            default=defaults[name],
            metavar="N",
            help=f"{text} (default: %(default)s)",
        )


def run(options: argparse.Namespace) -> int:
    """Serve until told to stop; return the exit code."""
    from gatework import runtime
    from gatework.serving import Settings, load_program
    from gatework.serving.process import serve

    try:
        settings = Settings(
            host=options.host,
            port=options.port,
            **{name: getattr(options, name) for name in BOUNDS},
        )
        if options.threads is not None:
            runtime.set_num_threads(options.threads)
        program = load_program(options.model, options.dtype)
        serve(program, settings)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise UsageError(error) from error
    return 0
