"""C3D (Tran et al., ICCV 2015) with batch norm and without its fully connected layers."""

import torch
from torch import nn

from .layers import conv_bn, initialise


class C3d(nn.Module):
    """clips [n, 3, frames, height, width] -> [n, frames / 4, 512].

    The fourth pooling strides in space only and the fifth convolutions are dilated by 2 in time instead, as in the
    last stage of the residual backbones, so that 16 frames keep 4 timesteps (the original has 2 there).
    """

    name = "c3d"
    dimension = 512

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            self._conv(inputs=3, outputs=64),
            nn.MaxPool3d((1, 2, 2)),
            self._conv(inputs=64, outputs=128),
            nn.MaxPool3d((2, 2, 2)),
            self._conv(inputs=128, outputs=256),
            self._conv(inputs=256, outputs=256),
            nn.MaxPool3d((2, 2, 2)),
            self._conv(inputs=256, outputs=512),
            self._conv(inputs=512, outputs=512),
            nn.MaxPool3d((1, 2, 2)),
            self._conv(inputs=512, outputs=512, dilation=2),
            self._conv(inputs=512, outputs=512, dilation=2),
        )
        initialise(self)

    @staticmethod
    def _conv(*, inputs: int, outputs: int, dilation: int = 1) -> nn.Sequential:
        return conv_bn(
            inputs=inputs,
            outputs=outputs,
            kernel=(3, 3, 3),
            padding=(dilation, 1, 1),
            dilation=(dilation, 1, 1),
            relu=True,
        )

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return self.layers(clips).mean(dim=(3, 4)).transpose(1, 2)
