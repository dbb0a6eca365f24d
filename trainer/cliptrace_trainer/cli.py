"""The command line: `python -m cliptrace_trainer COMMAND`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from . import __version__
from .commands import ablation, evaluate, import_published, memory, models, prepare, quantise, train
from .data.files import write_error
from .errors import TrainerError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cliptrace_trainer", description="Prepare videos, train an encoder by TCLR, measure and export it."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (prepare, train, memory, evaluate, ablation, models, import_published, quantise):
        module.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done with some files failed, 130 interrupted."""
    parsed = build_parser().parse_args(arguments)
    try:
        return parsed.run(parsed)
    except (TrainerError, OSError, torch.OutOfMemoryError) as error:
        print(_told(error), file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _told(error: TrainerError | OSError | torch.OutOfMemoryError) -> TrainerError:
    """What the machine refuses (space, permission, memory) as an error with a code and a remedy, like the others."""
    if isinstance(error, TrainerError):
        return error
    if isinstance(error, OSError):
        known = write_error(path=Path(error.filename or "."), error=error)
        if known.code == "DISK_FULL":
            return known
        return TrainerError(
            "FILE_FAILED", f"{error}; check that it is there and that this user may read it, or write where it belongs"
        )
    return TrainerError(
        "OUT_OF_MEMORY",
        f"{str(error).splitlines()[0]}; give a smaller --batch-size or clip, --activation-checkpointing, "
        "or --precision bfloat16",
    )
