"""Backbone and head together, with TCLR's two ways of reading a clip."""

from typing import Literal

import torch
from torch import nn


class TclrModel(nn.Sequential):
    """Encoder and projection head; state names start with `0.` (backbone) and `1.` (head) as published.

    Clips are float [batch, 3, frames, height, width], normalised. `forward` exists for wrappers that hook it
    (DistributedDataParallel); it does what the method named by `kind` does.
    """

    def __init__(self, *, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__(backbone, head)

    @property
    def backbone(self) -> nn.Module:
        return self[0]

    @property
    def head(self) -> nn.Module:
        return self[1]

    def features(self, clips: torch.Tensor) -> torch.Tensor:
        """Timestep features before the head, [batch, timesteps, dimension]; not normalised."""
        return self.backbone(clips)

    def global_clip(self, clips: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The projected sparse clip [batch, 128] and its projected timesteps [batch, timesteps, 128], unit norm."""
        features = self.features(clips)
        batch, timesteps, dimension = features.shape
        pooled = self.head(features.mean(dim=1))
        # One call for all timesteps: their batch-norm statistics come from batch x timesteps rows.
        rows = self.head(features.reshape(batch * timesteps, dimension))
        return pooled, rows.reshape(batch, timesteps, -1)

    def local_clip(self, clips: torch.Tensor) -> torch.Tensor:
        """The projected dense clip [batch, 128], pooled over time before the head, unit norm."""
        return self.head(self.features(clips).mean(dim=1))

    def forward(
        self, clips: torch.Tensor, *, kind: Literal["global", "local"]
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        return self.global_clip(clips) if kind == "global" else self.local_clip(clips)
