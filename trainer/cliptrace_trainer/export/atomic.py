"""Files that are whole or absent."""

import contextlib
import os
from pathlib import Path

from ..errors import TrainerError


def write_atomically(*, path: Path, content: bytes) -> None:
    """Write beside `path`, flush to disk, then rename over it; an earlier file stays whole if anything fails.

    Raises TrainerError EXPORT_WRITE_FAILED.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise TrainerError(
            "EXPORT_WRITE_FAILED", f"{path} cannot be written ({error.strerror}); free space or choose another folder"
        ) from error
