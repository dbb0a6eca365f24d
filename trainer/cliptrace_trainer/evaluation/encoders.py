"""What can be measured: a checkpoint, or a backbone with random weights."""

from dataclasses import dataclass
from pathlib import Path

import torch

from ..model import TclrModel
from ..training.build import build_model
from ..training.checkpoint import configuration_of, load_checkpoint, load_model_state
from ..training.config import TrainingConfig
from ..training.layout import prefer_channels_last


@dataclass(frozen=True, kw_only=True)
class MeasuredEncoder:
    """A model in evaluation mode and the configuration it was built from."""

    model: TclrModel
    config: TrainingConfig
    source: str


def encoder_from_checkpoint(*, path: Path, device: torch.device) -> MeasuredEncoder:
    """Raises TrainerError CHECKPOINT_MISSING, CHECKPOINT_INVALID or CHECKPOINT_OTHER_ARCHITECTURE."""
    content = load_checkpoint(path)
    config = configuration_of(content, path=path)
    model = build_model(config=config)
    load_model_state(model=model, state=content["model"], path=path, backbone=config.backbone)
    return _ready(model=model, config=config, source=str(path), device=device)


def random_encoder(*, config: TrainingConfig, device: torch.device) -> MeasuredEncoder:
    """The untrained network of a configuration; its weights come from the configuration's seed."""
    torch.manual_seed(config.seed)
    source = f"random {config.backbone}, seed {config.seed}"
    return _ready(model=build_model(config=config), config=config, source=source, device=device)


def _ready(*, model: TclrModel, config: TrainingConfig, source: str, device: torch.device) -> MeasuredEncoder:
    prefer_channels_last(model)
    return MeasuredEncoder(model=model.to(device).eval(), config=config, source=source)
