"""The network as it is served: bytes in, unit-norm vectors out."""

import copy

import torch
from torch import nn
from torch.nn import functional

from ..errors import TrainerError
from .preprocessing import Normalisation
from .whitening import Whitening


class EncoderGraph(nn.Module):
    """Scaling, normalisation, backbone, optional whitening, L2.

    clips uint8 [n, frames, height, width, 3] -> (timesteps [n, t, d], embedding [n, d]), float32, unit norm. The
    embedding is the mean over time of the (whitened, not yet normalised) timesteps, normalised. The backbone is
    copied and set to evaluation mode.

    Raises TrainerError WHITENING_MISMATCH.
    """

    def __init__(self, *, backbone: nn.Module, normalisation: Normalisation, whitening: Whitening | None) -> None:
        super().__init__()
        if whitening is not None and whitening.matrix.shape[1] != backbone.dimension:
            raise TrainerError(
                "WHITENING_MISMATCH",
                f"the whitening takes {whitening.matrix.shape[1]} values, backbone {backbone.name} gives "
                f"{backbone.dimension}; fit it on features of this backbone",
            )
        self.backbone = copy.deepcopy(backbone).cpu().float().eval()
        self.dimension = backbone.dimension if whitening is None else whitening.matrix.shape[0]
        self.channels = (2, 1, 0) if normalisation.channel_order == "bgr" else (0, 1, 2)
        std = torch.tensor(normalisation.std)
        self.register_buffer("scale", 1 / (255 * std))
        self.register_buffer("shift", -torch.tensor(normalisation.mean) / std)
        self.whiten: nn.Linear | None = None
        if whitening is not None:
            self.whiten = nn.Linear(whitening.matrix.shape[1], whitening.matrix.shape[0], bias=False)
            with torch.no_grad():
                self.whiten.weight.copy_(whitening.matrix)
            # [d], or [t, d] where each timestep is centred by its own place.
            self.register_buffer("offset", -(whitening.mean.double() @ whitening.matrix.double().T).float())
        # The exporter puts the mode that it found on the outermost module back on every module.
        self.eval().requires_grad_(False)

    def forward(self, clips: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = clips.float() * self.scale + self.shift
        # flip() has no cheap ONNX form; three slices do.
        x = torch.stack([x[..., channel] for channel in self.channels], dim=1)
        features = self.backbone(x)
        if self.whiten is not None:
            features = self.whiten(features) + self.offset
        embedding = functional.normalize(features.mean(dim=1), dim=-1)
        return functional.normalize(features, dim=-1), embedding
