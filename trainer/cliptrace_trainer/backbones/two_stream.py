"""Two streams side by side: what a clip looks like, from a few frames, and how it moves, from grey differences.

One network that sees colour and motion together learns the scene and leaves the motion: the scene alone tells two
videos apart. Each stream here has its own projection and its own loss, so motion must be learned as well; the
differences of frames as an input of its own are those of Tao et al. (ACM MM 2020).
"""

from collections.abc import Sequence

import torch
from torch import nn

from .factored import FactoredBlock, Frames, SpatialConv, StackedStem, merge_frames, split_frames

STREAM_DIMENSION = 192

# Rec. 601 luma.
_LUMA = (0.299, 0.587, 0.114)
# Squared, in units of normalised pixels: about two grey levels, the noise of a still recording.
_STILL = 1e-3


class GreyDifference(nn.Module):
    """Each frame's change to the next one in grey, divided by the clip's own root mean square.

    clips [n, 3, frames, h, w] -> [n, 1, frames, h, w]; the last change stands twice. Colour, brightness and contrast
    of the whole clip leave the result (nearly) as it is, and a still clip gives zeros.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("luma", torch.tensor(_LUMA).view(1, 3, 1, 1, 1), persistent=False)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        grey = (clips.float() * self.luma).sum(dim=1, keepdim=True)
        change = grey[:, :, 1:] - grey[:, :, :-1]
        change = torch.cat([change, change[:, :, -1:]], dim=2)
        return change * torch.rsqrt(change.square().mean(dim=(1, 2, 3, 4), keepdim=True) + _STILL)


class FrameStem(nn.Module):
    """One frame of four, alone: clips [n, 3, frames, h, w] -> ([n x frames / 4, outputs, h / 2, w / 2], frames / 4)."""

    def __init__(self, *, outputs: int) -> None:
        super().__init__()
        self.conv = SpatialConv(inputs=3, outputs=outputs, kernel=5, stride=2)

    def forward(self, clips: torch.Tensor) -> Frames:
        chosen = clips[:, :, 2::4].transpose(1, 2)
        x = merge_frames(chosen).contiguous(memory_format=torch.channels_last)
        return nn.functional.relu(self.conv(x)), int(chosen.shape[1])


class Stream(nn.Module):
    """Stem, residual stages that halve space, 1x1 expansion: clips -> timesteps [n, frames / 4, STREAM_DIMENSION]."""

    def __init__(self, *, stem: nn.Module, stem_width: int, stages: Sequence[tuple[int, int]], temporal: bool) -> None:
        super().__init__()
        self.stem = stem
        blocks: list[nn.Module] = []
        inputs = stem_width
        for place, (width, count) in enumerate(stages):
            for index in range(count):
                first = index == 0
                blocks.append(
                    FactoredBlock(
                        inputs=inputs,
                        outputs=width,
                        stride=2 if first else 1,
                        temporal=temporal,
                        time_stride=2 if temporal and first and place == 1 else 1,
                    )
                )
                inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.expand = SpatialConv(inputs=inputs, outputs=STREAM_DIMENSION, kernel=1)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        x, frames = self.blocks(self.stem(clips))
        return split_frames(nn.functional.relu(self.expand(x)).mean(dim=(2, 3)), frames)


class TwoStream(nn.Module):
    """clips [n, 3, frames, h, w], frames a multiple of 4 -> [n, frames / 4, 384]: appearance, then motion."""

    name = "compact-two-stream"
    stream_dimensions = (STREAM_DIMENSION, STREAM_DIMENSION)
    dimension = 2 * STREAM_DIMENSION

    def __init__(self) -> None:
        super().__init__()
        self.appearance = Stream(
            stem=FrameStem(outputs=24), stem_width=24, stages=((48, 1), (96, 1), (192, 2)), temporal=False
        )
        self.difference = GreyDifference()
        self.motion = Stream(
            stem=StackedStem(inputs=1, outputs=24), stem_width=24, stages=((48, 1), (80, 2), (160, 2)), temporal=True
        )

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.appearance(clips), self.motion(self.difference(clips))], dim=-1)


def stream_dimensions(backbone: nn.Module) -> tuple[int, ...]:
    """How a backbone's features divide into streams, each with a projection and a loss of its own."""
    return getattr(backbone, "stream_dimensions", (backbone.dimension,))
