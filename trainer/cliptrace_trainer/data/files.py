"""Files that are either the old version or the new one, never half of each."""

import contextlib
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ..errors import TrainerError


def write_atomically(*, path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write beside `path`, fsync, rename over it, fsync the folder.

    Raises TrainerError DISK_FULL or WRITE_FAILED; the earlier file at `path` is then untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except (OSError, RuntimeError) as error:
        # Not even that can be done below a path that is a file.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise write_error(path=path, error=error) from error


def write_json(*, path: Path, value: object) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(path=path, write=lambda stream: stream.write(text.encode("utf-8")))


def write_error(*, path: Path, error: Exception) -> TrainerError:
    # torch.save reports a full disk as RuntimeError and keeps the OSError, if any, as its context.
    causes = [error, error.__cause__, error.__context__]
    numbers = {getattr(cause, "errno", None) for cause in causes}
    if numbers & {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} or "file write failed" in str(error):
        return TrainerError(
            "DISK_FULL",
            f"no room to write {path}: {error}; free some space and run the same command again "
            "(a training run with --resume), the earlier file is kept",
        )
    return TrainerError(
        "WRITE_FAILED", f"{path} could not be written: {error}; give a folder that this user may write to"
    )


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
