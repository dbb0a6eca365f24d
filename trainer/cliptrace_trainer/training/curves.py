"""The curves of a run: one CSV row and one TensorBoard point for each logged step."""

import csv
from pathlib import Path

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
    """Rows after `from_step` (written by a run that was killed after its last checkpoint) are cut away."""

    def __init__(self, *, folder: Path, from_step: int, tensorboard: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / CSV_NAME
        kept = _rows_up_to(path=self._path, step=from_step)
        self._stream = self._path.open("w", newline="", encoding="utf-8")
        self._csv = csv.DictWriter(self._stream, COLUMNS)
        self._csv.writeheader()
        self._csv.writerows(kept)
        self._stream.flush()
        self._board = None
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=from_step + 1)

    def add(self, *, step: int, **values: float | int) -> None:
        """Columns that are not given stay empty."""
        self._csv.writerow({"step": step, **{name: _short(value) for name, value in values.items()}})
        self._stream.flush()
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def close(self) -> None:
        self._stream.close()
        if self._board is not None:
            self._board.close()


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
