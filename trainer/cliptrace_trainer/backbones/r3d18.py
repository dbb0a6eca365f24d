"""R3D-18 (Tran et al., CVPR 2018) with TCLR's dilated last stage."""

import torch
from torch import nn

from .layers import Triple, conv_bn, initialise


class BasicBlock3d(nn.Module):
    """Two 3x3x3 convolutions and a shortcut; `downsample` exists where shape changes."""

    def __init__(self, *, inputs: int, outputs: int, stride: Triple, dilation: Triple = (1, 1, 1)) -> None:
        super().__init__()
        self.conv1 = conv_bn(
            inputs=inputs,
            outputs=outputs,
            kernel=(3, 3, 3),
            stride=stride,
            padding=dilation,
            dilation=dilation,
            relu=True,
        )
        self.conv2 = conv_bn(inputs=outputs, outputs=outputs, kernel=(3, 3, 3), padding=(1, 1, 1))
        self.relu = nn.ReLU(inplace=True)
        self.downsample = (
            conv_bn(inputs=inputs, outputs=outputs, kernel=(1, 1, 1), stride=stride)
            if stride != (1, 1, 1) or inputs != outputs
            else None
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.conv2(self.conv1(x)) + shortcut)


class R3d18(nn.Module):
    """clips [n, 3, frames, height, width] -> [n, frames / 4, 512].

    The last stage strides in space only; its first convolution is dilated by 2 in time instead, so that 16 frames
    keep 4 timesteps (the original has 2).
    """

    name = "r3d18"
    dimension = 512

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_bn(inputs=3, outputs=64, kernel=(3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), relu=True)
        self.layer1 = self._stage(inputs=64, outputs=64, stride=(1, 1, 1))
        self.layer2 = self._stage(inputs=64, outputs=128, stride=(2, 2, 2))
        self.layer3 = self._stage(inputs=128, outputs=256, stride=(2, 2, 2))
        self.layer4 = self._stage(inputs=256, outputs=512, stride=(1, 2, 2), dilation=(2, 1, 1))
        initialise(self)

    @staticmethod
    def _stage(*, inputs: int, outputs: int, stride: Triple, dilation: Triple = (1, 1, 1)) -> nn.Sequential:
        return nn.Sequential(
            BasicBlock3d(inputs=inputs, outputs=outputs, stride=stride, dilation=dilation),
            BasicBlock3d(inputs=outputs, outputs=outputs, stride=(1, 1, 1)),
        )

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(clips)))))
        return x.mean(dim=(3, 4)).transpose(1, 2)
