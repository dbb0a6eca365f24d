"""The network of a configuration, and what is wrapped around it for a run."""

import torch
from torch import nn

from ..backbones import build_backbone, stream_dimensions
from ..heads import ProjectionHead, StreamHeads
from ..model import TclrModel
from .config import TrainingConfig
from .distributed import Ranks, synchronise_batch_norm
from .layout import prefer_channels_last
from .precision import check_precision
from .recompute import checkpoint_activations
from .step import TclrForward


def build_model(*, config: TrainingConfig) -> TclrModel:
    """Backbone and head (one for each stream) of a configuration, with random weights from the global seed."""
    backbone = build_backbone(name=config.backbone)
    sizes = {"hidden_dimension": config.hidden_dimension, "out_dimension": config.out_dimension}
    dimensions = stream_dimensions(backbone)
    if len(dimensions) > 1:
        return TclrModel(backbone=backbone, head=StreamHeads(dimensions=dimensions, **sizes))
    return TclrModel(backbone=backbone, head=ProjectionHead(in_dimension=backbone.dimension, **sizes))


def wrap_model(*, model: TclrModel, config: TrainingConfig, device: torch.device, ranks: Ranks) -> nn.Module:
    """Moves `model` to the device and returns the module to call: memory layout, recomputation, ranks, compilation.

    Raises TrainerError PRECISION_UNSOUND.
    """
    model.to(device)
    if config.channels_last:
        prefer_channels_last(model)
    # Before the ranks are joined: its backward passes are not to be exchanged.
    check_precision(backbone=model.backbone, config=config, device=device)
    if ranks.count > 1 and config.synchronised_batch_norm:
        synchronise_batch_norm(model)
    if config.activation_checkpointing:
        checkpoint_activations(model.backbone)
    forward: nn.Module = TclrForward(model=model)
    if ranks.count > 1:
        forward = nn.parallel.DistributedDataParallel(
            forward,
            device_ids=[device.index] if device.type == "cuda" else None,
            forward_sync_buffers=False,
        )
    return torch.compile(forward) if config.compile else forward
