"""The curves of a run: one CSV row and one TensorBoard point for each logged step."""

import csv
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.files import write_atomically, write_error

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

CSV_NAME = "curves.csv"
COLUMNS = (
    "step",
    "epoch",
    "seconds",
    "learning_rate",
    "total",
    "instance_global",
    "instance_local",
    "local_local",
    "global_local",
    "neighbour",
    "recall_at_1",
    "recall_at_1_altered",
)


class Curves:
    """Rows after `from_step` (written by a run that was killed after its last checkpoint) are cut away.

    Every method raises TrainerError DISK_FULL or WRITE_FAILED; the rows that were there stay.
    """

    def __init__(self, *, folder: Path, from_step: int, tensorboard: bool = True) -> None:
        self._path = folder / CSV_NAME
        kept = _rows_up_to(path=self._path, step=from_step)
        write_atomically(path=self._path, write=lambda stream: stream.write(_table(kept)))
        self._board = None
        with self._told():
            self._stream = self._path.open("a", newline="", encoding="utf-8")
            self._csv = csv.DictWriter(self._stream, COLUMNS)
            if tensorboard:
                self._board = _board(folder / "tensorboard", purge_step=from_step + 1)

    def add(self, *, step: int, **values: float | int) -> None:
        """Columns that are not given stay empty."""
        with self._told():
            self._csv.writerow({"step": step, **{name: _short(value) for name, value in values.items()}})
            self._stream.flush()
            if self._board is not None:
                for name, value in values.items():
                    self._board.add_scalar(name, value, step)

    def close(self) -> None:
        with self._told():
            try:
                self._stream.close()
            finally:
                if self._board is not None:
                    self._board.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise write_error(path=self._path.parent, error=error) from error


def _board(folder: Path, *, purge_step: int) -> "SummaryWriter":
    # Slow to import, and not wanted by every run.
    from torch.utils.tensorboard import SummaryWriter

    threading.excepthook = _without_file_errors
    return SummaryWriter(str(folder), purge_step=purge_step)


def _without_file_errors(failed: threading.ExceptHookArgs) -> None:
    # The board writes in a thread and raises that thread's error from its next call: a traceback of a full disk
    # would only bury the message.
    if not issubclass(failed.exc_type, OSError):
        threading.__excepthook__(failed)


def _table(rows: list[dict]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _rows_up_to(*, path: Path, step: int) -> list[dict]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [
        {name: row.get(name) for name in COLUMNS}
        for row in rows
        if (row.get("step") or "").isdigit() and int(row["step"]) <= step
    ]


def _short(value: float | int) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
