"""The compact candidates for CPU serving; docs/compact-encoder.md compares them."""

from dataclasses import dataclass

import torch
from torch import nn

from .factored import FactoredBlock, SpatialConv, StackedStem, split_frames
from .layers import Triple, conv_bn
from .r3d18 import BasicBlock3d

DIMENSION = 256


@dataclass(frozen=True, kw_only=True)
class FactoredStage:
    """Residual blocks of one width; the first one carries the strides."""

    width: int
    blocks: int
    temporal: bool = True
    time_stride: int = 1


class FactoredNet(nn.Module):
    """Stacked stem, (2+1)D residual stages that halve space, and a 1x1 expansion.

    clips [n, 3, frames, h, w] -> [n, frames / 4, 256], frames a multiple of 4.
    """

    dimension = DIMENSION

    def __init__(self, *, name: str, stem: int, stages: tuple[FactoredStage, ...]) -> None:
        super().__init__()
        self.name = name
        self.stem = StackedStem(outputs=stem)
        blocks: list[nn.Module] = []
        inputs = stem
        for stage in stages:
            for index in range(stage.blocks):
                first = index == 0
                blocks.append(
                    FactoredBlock(
                        inputs=inputs,
                        outputs=stage.width,
                        stride=2 if first else 1,
                        temporal=stage.temporal,
                        time_stride=stage.time_stride if first else 1,
                    )
                )
                inputs = stage.width
        self.blocks = nn.Sequential(*blocks)
        self.expand = SpatialConv(inputs=inputs, outputs=DIMENSION, kernel=1)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        x, frames = self.blocks(self.stem(clips))
        x = nn.functional.relu(self.expand(x))
        return split_frames(x.mean(dim=(2, 3)), frames)


class NarrowR3d(nn.Module):
    """R3D with few channels: full 3x3x3 convolutions; same shapes as FactoredNet."""

    dimension = DIMENSION

    def __init__(self, *, name: str, stem: int, widths: tuple[int, int, int]) -> None:
        super().__init__()
        self.name = name
        strides: tuple[Triple, ...] = ((1, 2, 2), (2, 2, 2), (1, 2, 2))
        layers: list[nn.Module] = [
            conv_bn(inputs=3, outputs=stem, kernel=(3, 5, 5), stride=(2, 2, 2), padding=(1, 2, 2), relu=True)
        ]
        inputs = stem
        for width, stride in zip(widths, strides, strict=True):
            layers.append(BasicBlock3d(inputs=inputs, outputs=width, stride=stride))
            inputs = width
        layers.append(conv_bn(inputs=inputs, outputs=DIMENSION, kernel=(1, 1, 1), relu=True))
        self.layers = nn.Sequential(*layers)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return self.layers(clips).mean(dim=(3, 4)).transpose(1, 2)


class DepthwiseBlock(nn.Module):
    """X3D's bottleneck (Feichtenhofer, CVPR 2020) without squeeze-excitation: widen, depthwise 3x3x3, narrow."""

    def __init__(self, *, inputs: int, outputs: int, stride: Triple) -> None:
        super().__init__()
        inner = 2 * outputs
        self.widen = conv_bn(inputs=inputs, outputs=inner, kernel=(1, 1, 1), relu=True)
        self.depthwise = conv_bn(
            inputs=inner,
            outputs=inner,
            kernel=(3, 3, 3),
            stride=stride,
            padding=(1, 1, 1),
            groups=inner,
            relu=True,
        )
        self.narrow = conv_bn(inputs=inner, outputs=outputs, kernel=(1, 1, 1))
        self.shortcut = (
            conv_bn(inputs=inputs, outputs=outputs, kernel=(1, 1, 1), stride=stride)
            if inputs != outputs or stride != (1, 1, 1)
            else None
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return nn.functional.relu(self.narrow(self.depthwise(self.widen(x))) + shortcut)


class DepthwiseNet(nn.Module):
    """X3D-like: few multiplications, many memory accesses; same shapes as FactoredNet."""

    dimension = DIMENSION

    def __init__(self, *, name: str, stem: int, widths: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        super().__init__()
        self.name = name
        layers: list[nn.Module] = [
            conv_bn(inputs=3, outputs=stem, kernel=(3, 3, 3), stride=(2, 2, 2), padding=(1, 1, 1), relu=True)
        ]
        inputs = stem
        for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            for index in range(count):
                stride = (2 if stage == 1 else 1, 2, 2) if index == 0 else (1, 1, 1)
                layers.append(DepthwiseBlock(inputs=inputs, outputs=width, stride=stride))
                inputs = width
        layers.append(conv_bn(inputs=inputs, outputs=DIMENSION, kernel=(1, 1, 1), relu=True))
        self.layers = nn.Sequential(*layers)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return self.layers(clips).mean(dim=(3, 4)).transpose(1, 2)


def compact_r21d() -> nn.Module:
    """Temporal convolutions in every stage."""
    return FactoredNet(
        name="compact-r21d",
        stem=24,
        stages=(
            FactoredStage(width=48, blocks=1),
            FactoredStage(width=96, blocks=2, time_stride=2),
            FactoredStage(width=192, blocks=2),
        ),
    )


def compact_s3d() -> nn.Module:
    """Top-heavy in time, as S3D (Xie et al., ECCV 2018): the wide early stage sees single frames of the stem."""
    return FactoredNet(
        name="compact-s3d",
        stem=24,
        stages=(
            FactoredStage(width=48, blocks=1, temporal=False),
            FactoredStage(width=96, blocks=2, time_stride=2),
            FactoredStage(width=192, blocks=3),
        ),
    )


def compact_r3d() -> nn.Module:
    """Full 3D convolutions."""
    return NarrowR3d(name="compact-r3d", stem=24, widths=(32, 64, 144))


def compact_x3d() -> nn.Module:
    """Depthwise 3D convolutions."""
    return DepthwiseNet(name="compact-x3d", stem=24, widths=(24, 48, 96, 192), blocks=(1, 2, 4, 2))
