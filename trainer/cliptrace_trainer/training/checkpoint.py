"""Checkpoints: everything a run needs to go on as if it had never stopped."""

import random
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..data.files import write_atomically
from ..errors import TrainerError
from .config import TrainingConfig

FORMAT = "cliptrace-checkpoint-1"
# A file of these alone can be measured and exported; going on needs the rest.
_PARTS = frozenset({"config", "progress", "model"})
_REMEDY = "give another checkpoint, such as the run's best.pt, or start a new --out"


@dataclass(kw_only=True)
class Progress:
    """`epoch` and `batch` are the next to run; `loss_sum` and `lost`, the ids of videos that could not be read, are
    this epoch's so far; `best_score` is best.pt's."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    trained_seconds: float = 0.0
    loss_sum: float = 0.0
    best_score: float | None = None
    lost: list[str] = field(default_factory=list)


def save_checkpoint(
    *,
    path: Path,
    config: TrainingConfig,
    progress: Progress,
    videos: int,
    model: dict,
    optimizer: dict,
    schedule: dict,
    scaler: dict,
    neighbours: dict,
    phases: list[dict],
) -> None:
    """Replace `path` in one step. Raises TrainerError DISK_FULL; the earlier checkpoint is kept."""
    content = {
        "format": FORMAT,
        "config": config.to_json(),
        "progress": vars(progress),
        "videos": videos,
        "model": model,
        "optimizer": optimizer,
        "schedule": schedule,
        "scaler": scaler,
        "neighbours": neighbours,
        "phases": phases,
        "random": random_states(),
    }
    write_atomically(path=path, write=lambda stream: torch.save(content, stream))


def load_checkpoint(path: Path) -> dict:
    """Read with weights only: no code in the file can run.

    Raises TrainerError CHECKPOINT_MISSING or CHECKPOINT_INVALID.
    """
    if not path.is_file():
        raise TrainerError("CHECKPOINT_MISSING", f"{path} is missing; train first, or give its place")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise invalid_checkpoint(path=path, error=error) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise TrainerError(
            "CHECKPOINT_INVALID",
            f"{path} is not in the format {FORMAT}; for the authors' files use `import`",
        )
    if missing := sorted(_PARTS - set(content)):
        raise TrainerError("CHECKPOINT_INVALID", f"{path} lacks {', '.join(missing)}; {_REMEDY}")
    return content


def configuration_of(content: dict, *, path: Path) -> TrainingConfig:
    """The configuration in a loaded checkpoint. Raises TrainerError CHECKPOINT_INVALID or CONFIGURATION_INVALID."""
    try:
        return TrainingConfig.from_json(content["config"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise invalid_checkpoint(path=path, error=error) from error


def invalid_checkpoint(*, path: Path, error: Exception) -> TrainerError:
    said = next(iter(str(error).splitlines()), "")
    return TrainerError(
        "CHECKPOINT_INVALID",
        f"{path} is cut short, damaged or no checkpoint of this trainer ({type(error).__name__}: {said}); {_REMEDY}",
    )


def load_model_state(*, model: torch.nn.Module, state: dict, path: Path, backbone: str) -> None:
    """Raises TrainerError CHECKPOINT_OTHER_ARCHITECTURE, naming the first difference."""
    own = model.state_dict()
    for name in sorted({*own, *state}):
        if name not in own or name not in state:
            difference = f"{name} is only in {'the model' if name in own else 'the checkpoint'}"
        elif own[name].shape != state[name].shape:
            difference = f"{name} is {list(state[name].shape)}, not {list(own[name].shape)}"
        else:
            continue
        raise TrainerError(
            "CHECKPOINT_OTHER_ARCHITECTURE",
            f"{path} does not fit {backbone}: {difference}; give the --backbone it was trained with, or another --out",
        )
    model.load_state_dict(state)


def random_states() -> dict:
    """States of every generator that training may draw from, in types that load with weights only."""
    states = {"python": random.getstate(), "torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def restore_random_states(states: dict) -> None:
    version, values, gauss = states["python"]
    random.setstate((version, tuple(values), gauss))
    torch.set_rng_state(states["torch"])
    if "cuda" in states and torch.cuda.device_count() == len(states["cuda"]):
        torch.cuda.set_rng_state_all(states["cuda"])
