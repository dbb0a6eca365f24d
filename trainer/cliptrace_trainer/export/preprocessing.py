"""What happens to pixels before the backbone: as data, for the graph and for the manifest."""

from dataclasses import dataclass
from typing import Literal

from ..errors import TrainerError

Rgb = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How a decoder must make the encoder's clip. `crop_fraction` None stretches the full frame; a number in (0, 1]
    takes the centred square of that fraction of the shorter side."""

    frames_per_second: float
    frames: int
    width: int
    height: int
    crop_fraction: float | None = None
    scale_filter: str = "area"

    def __post_init__(self) -> None:
        bad = [
            f"{field} {value}"
            for field, value in (
                ("frames_per_second", self.frames_per_second),
                ("frames", self.frames),
                ("width", self.width),
                ("height", self.height),
            )
            if not value > 0
        ]
        if self.crop_fraction is not None and not 0 < self.crop_fraction <= 1:
            bad.append(f"crop_fraction {self.crop_fraction}")
        if bad:
            raise TrainerError(
                "PREPROCESSING_INVALID",
                f"got {', '.join(bad)}; sizes and rates must be above 0, crop_fraction None or in (0, 1]",
            )

    def manifest_crop(self) -> dict[str, object]:
        if self.crop_fraction is None:
            return {"mode": "stretch"}
        return {"mode": "centre", "fraction": self.crop_fraction}


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """(pixel / 255 - mean) / std per channel. mean and std are in RGB order, whatever the network's `channel_order`:
    with "bgr" the graph turns the channels round after normalising, for networks trained on BGR frames."""

    mean: Rgb = (0.0, 0.0, 0.0)
    std: Rgb = (1.0, 1.0, 1.0)
    channel_order: Literal["rgb", "bgr"] = "rgb"

    def __post_init__(self) -> None:
        if len(self.mean) != 3 or len(self.std) != 3 or not all(value > 0 for value in self.std):
            raise TrainerError(
                "NORMALISATION_INVALID",
                f"mean {list(self.mean)}, std {list(self.std)}; give three of each, every std above 0",
            )
        if self.channel_order not in ("rgb", "bgr"):
            raise TrainerError(
                "NORMALISATION_INVALID", f"channel_order is {self.channel_order!r}; it must be 'rgb' or 'bgr'"
            )
