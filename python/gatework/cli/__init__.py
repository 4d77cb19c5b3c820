"""The `gatework` command: one module per subcommand, each imported when it is asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import bench_command, convert_command, demo_command, info_command, serve_command
from .errors import UsageError

COMMANDS = (info_command, demo_command, convert_command, serve_command, bench_command)


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="gatework", description="Sequence models compiled for the CPU."
    )
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        sub = subparsers.add_parser(
            command.NAME, help=command.HELP, description=command.DESCRIPTION
        )
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 2 wrong use, 130 interrupted."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.version:
        from gatework import __version__

        print(f"gatework {__version__}")
        return 0
    if not hasattr(options, "run"):
        parser.print_help()
        return 0
    try:
        code: int = options.run(options)
    except UsageError as error:
        print(f"gatework: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gatework: interrupted", file=sys.stderr)
        return 130
    return code
