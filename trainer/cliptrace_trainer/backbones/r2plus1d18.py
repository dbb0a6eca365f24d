"""R(2+1)D-18 (Tran et al., CVPR 2018) as the TCLR authors trained it."""

import torch
from torch import nn

from .layers import Triple, conv_bn, initialise


def factored_conv(*, inputs: int, outputs: int, middle: int, stride: int = 1) -> nn.Sequential:
    """1x3x3 convolution, batch norm, ReLU, 3x1x1 convolution; state names `0.`, `1.` and `3.`."""
    return nn.Sequential(
        nn.Conv3d(inputs, middle, (1, 3, 3), stride=(1, stride, stride), padding=(0, 1, 1), bias=False),
        nn.BatchNorm3d(middle),
        nn.ReLU(inplace=True),
        nn.Conv3d(middle, outputs, (3, 1, 1), stride=(stride, 1, 1), padding=(1, 0, 0), bias=False),
    )


class FactoredBasicBlock(nn.Module):
    """Two factored convolutions and a shortcut.

    `middle` keeps the parameter count of a 3x3x3 convolution from inputs to outputs; as in the reference
    implementation, the second convolution shares it. With `dilated` the first convolution is a full 3x3x3 one,
    dilated by 2 in time, that strides in space only.
    """

    def __init__(self, *, inputs: int, outputs: int, stride: int, dilated: bool = False) -> None:
        super().__init__()
        middle = (inputs * outputs * 27) // (inputs * 9 + 3 * outputs)
        first: nn.Module = (
            nn.Conv3d(
                inputs,
                outputs,
                (3, 3, 3),
                stride=(1, stride, stride),
                padding=(2, 1, 1),
                dilation=(2, 1, 1),
                bias=False,
            )
            if dilated
            else factored_conv(inputs=inputs, outputs=outputs, middle=middle, stride=stride)
        )
        self.conv1 = nn.Sequential(first, nn.BatchNorm3d(outputs), nn.ReLU(inplace=True))
        self.conv2 = nn.Sequential(
            factored_conv(inputs=outputs, outputs=outputs, middle=middle), nn.BatchNorm3d(outputs)
        )
        self.relu = nn.ReLU(inplace=True)
        shortcut: Triple = (1 if dilated else stride, stride, stride)
        self.downsample = (
            conv_bn(inputs=inputs, outputs=outputs, kernel=(1, 1, 1), stride=shortcut) if stride != 1 else None
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.conv2(self.conv1(x)) + shortcut)


class R2plus1d18(nn.Module):
    """clips [n, 3, frames, height, width] -> [n, frames / 4, 512].

    The first convolution of the last stage is a full 3x3x3 one, dilated in time: the authors put it in place of the
    factored one, and their published `rpd18` state files hold its weight.
    """

    name = "r2plus1d18"
    dimension = 512

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv3d(3, 45, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False),
            nn.BatchNorm3d(45),
            nn.ReLU(inplace=True),
            nn.Conv3d(45, 64, (3, 1, 1), padding=(1, 0, 0), bias=False),
            nn.BatchNorm3d(64),
            nn.ReLU(inplace=True),
        )
        self.layer1 = self._stage(inputs=64, outputs=64, stride=1)
        self.layer2 = self._stage(inputs=64, outputs=128, stride=2)
        self.layer3 = self._stage(inputs=128, outputs=256, stride=2)
        self.layer4 = self._stage(inputs=256, outputs=512, stride=2, dilated=True)
        initialise(self)

    @staticmethod
    def _stage(*, inputs: int, outputs: int, stride: int, dilated: bool = False) -> nn.Sequential:
        return nn.Sequential(
            FactoredBasicBlock(inputs=inputs, outputs=outputs, stride=stride, dilated=dilated),
            FactoredBasicBlock(inputs=outputs, outputs=outputs, stride=1),
        )

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(clips)))))
        return x.mean(dim=(3, 4)).transpose(1, 2)
