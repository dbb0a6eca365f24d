"""The command line: `python -m cliptrace_trainer COMMAND`."""

import argparse
import sys
from collections.abc import Sequence

from . import __version__
from .commands import ablation, evaluate, import_published, models, prepare, quantise, train
from .errors import TrainerError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cliptrace_trainer", description="Prepare videos, train an encoder by TCLR, measure and export it."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (prepare, train, evaluate, ablation, models, import_published, quantise):
        module.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done with some files failed, 130 interrupted."""
    parsed = build_parser().parse_args(arguments)
    try:
        return parsed.run(parsed)
    except TrainerError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
