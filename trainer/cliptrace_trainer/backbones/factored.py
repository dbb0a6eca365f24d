"""(2+1)D layers written with two-dimensional convolutions only.

ONNX Runtime's and oneDNN's fast CPU kernels are two-dimensional. So frames ride in the batch axis for the spatial
convolutions, and height x width rides as one axis beside time for the temporal ones. In channels-last memory both
views are free. Every module maps ([clips x frames, channels, h, w], frames) to the same kind of pair.

Sizes other than the batch are made plain integers: an export then holds them as constants, not as a graph of
shape arithmetic.
"""

import torch
from torch import nn

Frames = tuple[torch.Tensor, int]


def halve_time(frames: int, stride: int) -> int:
    return (frames + stride - 1) // stride


def split_frames(x: torch.Tensor, frames: int) -> torch.Tensor:
    """[clips x frames, ...] -> [clips, frames, ...]."""
    return x.reshape(-1, frames, *map(int, x.shape[1:]))


def merge_frames(x: torch.Tensor) -> torch.Tensor:
    """[clips, frames, ...] -> [clips x frames, ...]."""
    return x.reshape(-1, *map(int, x.shape[2:]))


class StackedStem(nn.Module):
    """Each output frame sees three neighbouring input frames, stacked as channels; strides time and space by 2.

    clips [n, inputs, frames, h, w] -> ([n x frames / 2, outputs, h / 2, w / 2], frames / 2).
    """

    def __init__(self, *, outputs: int, inputs: int = 3, kernel: int = 5) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3 * inputs, outputs, kernel, stride=2, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, clips: torch.Tensor) -> Frames:
        frames = int(clips.shape[2])
        padded = nn.functional.pad(clips.transpose(1, 2), (0, 0, 0, 0, 0, 0, 1, 1))
        stacked = torch.cat([padded[:, shift : shift + frames : 2] for shift in range(3)], dim=2)
        x = merge_frames(stacked).contiguous(memory_format=torch.channels_last)
        return nn.functional.relu(self.norm(self.conv(x))), halve_time(frames, 2)


class SpatialConv(nn.Module):
    """k x k convolution of every frame, and batch norm."""

    def __init__(self, *, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(x))


class TemporalConv(nn.Module):
    """Convolution over three neighbouring frames at each place, and batch norm."""

    def __init__(self, *, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, (3, 1), stride=(stride, 1), padding=(1, 0), bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor, frames: int) -> torch.Tensor:
        by_time = split_frames(x, frames).transpose(1, 2)
        channels, _, height, width = map(int, by_time.shape[1:])
        mixed = self.norm(self.conv(by_time.reshape(-1, channels, frames, height * width)))
        by_frame = mixed.reshape(-1, channels, int(mixed.shape[2]), height, width).transpose(1, 2)
        return merge_frames(by_frame)


class FactoredBlock(nn.Module):
    """Residual block: spatial, temporal (where asked), spatial."""

    def __init__(
        self, *, inputs: int, outputs: int, stride: int = 1, temporal: bool = True, time_stride: int = 1
    ) -> None:
        super().__init__()
        self.time_stride = time_stride
        self.first = SpatialConv(inputs=inputs, outputs=outputs, stride=stride)
        self.time = TemporalConv(channels=outputs, stride=time_stride) if temporal else None
        self.second = SpatialConv(inputs=outputs, outputs=outputs)
        self.shortcut = (
            SpatialConv(inputs=inputs, outputs=outputs, kernel=1, stride=stride)
            if inputs != outputs or stride != 1
            else None
        )

    def forward(self, pair: Frames) -> Frames:
        x, frames = pair
        y = nn.functional.relu(self.first(x))
        if self.time is not None:
            y = nn.functional.relu(self.time(y, frames))
        elif self.time_stride > 1:
            y = self._thin(y, frames)
        if self.time_stride > 1:
            x = self._thin(x, frames)
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return nn.functional.relu(self.second(y) + shortcut), halve_time(frames, self.time_stride)

    def _thin(self, x: torch.Tensor, frames: int) -> torch.Tensor:
        return merge_frames(split_frames(x, frames)[:, :: self.time_stride])
