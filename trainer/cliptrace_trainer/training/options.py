"""How a run is carried out, and how it ended."""

from dataclasses import dataclass
from pathlib import Path

from .checkpoint import Progress

LAST_NAME = "last.pt"
BEST_NAME = "best.pt"


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a run is carried out on this machine; nothing here changes what it computes."""

    out: Path
    workers: int = 0
    save_every_seconds: float = 300.0
    log_every_steps: int = 10
    evaluate_every_epochs: int = 5
    stop_after_steps: int | None = None
    tensorboard: bool = True
    progress_bar: bool = True


@dataclass(frozen=True, kw_only=True)
class RunResult:
    finished: bool
    progress: Progress
    checkpoint: Path
