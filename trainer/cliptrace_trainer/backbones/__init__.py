"""Video backbones: normalised clips [n, 3, frames, height, width] -> timestep features [n, timesteps, dimension]."""

from collections.abc import Callable

from torch import nn

from ..errors import TrainerError
from .c3d import C3d
from .compact import compact_r3d, compact_r21d, compact_s3d, compact_x3d
from .r2plus1d18 import R2plus1d18
from .r3d18 import R3d18
from .two_stream import TwoStream
from .two_stream import stream_dimensions as stream_dimensions

_BUILDERS: dict[str, Callable[[], nn.Module]] = {
    "r3d18": R3d18,
    "r2plus1d18": R2plus1d18,
    "c3d": C3d,
    "compact-r21d": compact_r21d,
    "compact-s3d": compact_s3d,
    "compact-r3d": compact_r3d,
    "compact-x3d": compact_x3d,
    "compact-two-stream": TwoStream,
}

BACKBONE_NAMES: tuple[str, ...] = tuple(_BUILDERS)

DEFAULT_COMPACT = "compact-two-stream"


def build_backbone(*, name: str) -> nn.Module:
    """A new backbone with random weights; attributes `name` and `dimension`.

    Raises TrainerError BACKBONE_UNKNOWN.
    """
    builder = _BUILDERS.get(name)
    if builder is None:
        raise TrainerError(
            "BACKBONE_UNKNOWN", f"there is no backbone {name!r}; choose one of {', '.join(BACKBONE_NAMES)}"
        )
    return builder()
