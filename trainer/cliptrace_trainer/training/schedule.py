"""Learning-rate factors: the paper's warm-up and plateau, a cosine, and a trapezoid."""

import math

from .config import TrainingConfig

# The factors of the authors' first five epochs.
PAPER_WARM_UP = (1 / 100, 1 / 20, 1 / 10, 1 / 2, 1.0)
_PLATEAU_DROP = 0.1
_PLATEAU_IMPROVEMENT = 1e-4


class Schedule:
    """`factor(progress_epochs)` multiplies the base rate; `end_epoch(loss)` feeds the plateau rule."""

    def __init__(self, *, config: TrainingConfig) -> None:
        self._config = config
        self._best_loss = math.inf
        self._epochs_without_gain = 0
        self._plateau_factor = 1.0

    def factor(self, *, progress_epochs: float) -> float:
        """`progress_epochs` counts epochs since the start of the run, with fractions inside one."""
        config = self._config
        warm_up = config.warm_up_epochs
        if config.schedule == "plateau":
            if progress_epochs < warm_up:
                place = int(progress_epochs / warm_up * len(PAPER_WARM_UP))
                return PAPER_WARM_UP[place]
            return self._plateau_factor
        if progress_epochs < warm_up:
            return max(progress_epochs, 0.02) / warm_up
        if config.schedule == "trapezoid":
            left = (config.epochs - progress_epochs) / config.decay_epochs
            return min(1.0, max(left, 0.0))
        share = min(1.0, (progress_epochs - warm_up) / max(1, config.epochs - warm_up))
        return 0.5 * (1 + math.cos(math.pi * share))

    def end_epoch(self, *, loss: float, epoch: int) -> None:
        """After `plateau_epochs` epochs (past the warm-up) without a lower loss the rate drops tenfold."""
        if epoch < self._config.warm_up_epochs:
            return
        if loss < self._best_loss * (1 - _PLATEAU_IMPROVEMENT):
            self._best_loss = loss
            self._epochs_without_gain = 0
            return
        self._epochs_without_gain += 1
        if self._epochs_without_gain >= self._config.plateau_epochs:
            self._plateau_factor *= _PLATEAU_DROP
            self._epochs_without_gain = 0

    def state_dict(self) -> dict:
        return {
            "best_loss": self._best_loss,
            "epochs_without_gain": self._epochs_without_gain,
            "plateau_factor": self._plateau_factor,
        }

    def load_state_dict(self, state: dict) -> None:
        self._best_loss = state["best_loss"]
        self._epochs_without_gain = state["epochs_without_gain"]
        self._plateau_factor = state["plateau_factor"]
