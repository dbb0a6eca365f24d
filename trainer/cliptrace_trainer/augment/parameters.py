"""Draws the augmentation of one clip."""

from dataclasses import dataclass

import numpy as np

from ..errors import TrainerError

# ITU-R BT.601 luma: what "grey" means for RGB video.
LUMA = np.array([0.299, 0.587, 0.114])
_RGB_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_YIQ_TO_RGB = np.linalg.inv(_RGB_TO_YIQ)


@dataclass(frozen=True, kw_only=True)
class AugmentationRanges:
    """Ranges are [low, high] factors; each probability is for one clip.

    The defaults follow the TCLR paper: a square of 0.6 to 1 of the height (area 0.36 to 1), hue
    within 0.1 of a turn, gamma 0.75 to 1.25, erasing up to 19 of 112 pixels.
    """

    area: tuple[float, float] = (0.36, 1.0)
    aspect: tuple[float, float] = (0.75, 4 / 3)
    flip_probability: float = 0.5
    contrast: tuple[float, float] = (0.6, 1.4)
    brightness: tuple[float, float] = (0.6, 1.4)
    saturation: tuple[float, float] = (0.6, 1.4)
    hue_turns: float = 0.1
    gamma: tuple[float, float] = (0.75, 1.25)
    colour_probability: float = 0.8
    grey_probability: float = 0.15
    channel_drop_probability: float = 0.1
    erase_probability: float = 0.5
    erase_side: float = 19 / 112

    def __post_init__(self) -> None:
        for name in ("area", "aspect", "contrast", "brightness", "saturation", "gamma"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise TrainerError("AUGMENTATION_INVALID", f"{name} is {low} to {high}; give 0 < low <= high")
        if self.area[1] > 1:
            raise TrainerError("AUGMENTATION_INVALID", f"area goes to {self.area[1]}; the most is 1")


@dataclass(frozen=True, kw_only=True)
class ClipAugmentation:
    """One clip's augmentation. Boxes are [left, top, right, bottom) as fractions of the frame.

    Colour is rgb -> colour_matrix @ rgb + contrast_shift * (the clip's mean grey), then the gamma.
    """

    crop: tuple[float, float, float, float]
    flip: bool
    colour_matrix: np.ndarray
    mean_share: float
    gamma: float
    erase: tuple[float, float, float, float] | None


def draw_augmentation(*, ranges: AugmentationRanges, random: np.random.Generator) -> ClipAugmentation:
    """Draws always take the same number of random values, so that one change leaves the rest alone."""
    values = random.random(20)
    matrix, mean_share, gamma = _draw_colour(ranges, values[4:14])
    return ClipAugmentation(
        crop=_draw_crop(ranges, values[:4]),
        flip=bool(values[14] < ranges.flip_probability),
        colour_matrix=matrix,
        mean_share=mean_share,
        gamma=gamma,
        erase=_draw_erase(ranges, values[15:20]),
    )


def _draw_crop(ranges: AugmentationRanges, values: np.ndarray) -> tuple[float, float, float, float]:
    area = _between(ranges.area, values[0])
    # Log-uniform: 3:4 is as likely as 4:3.
    aspect = np.exp(_between(tuple(np.log(ranges.aspect)), values[1]))
    width = min(1.0, float(np.sqrt(area * aspect)))
    height = min(1.0, float(np.sqrt(area / aspect)))
    left, top = values[2] * (1 - width), values[3] * (1 - height)
    return float(left), float(top), float(left + width), float(top + height)


def _draw_colour(ranges: AugmentationRanges, values: np.ndarray) -> tuple[np.ndarray, float, float]:
    matrix, mean_share, gamma = np.eye(3), 0.0, 1.0
    if values[0] < ranges.colour_probability:
        brightness = _between(ranges.brightness, values[1])
        contrast = _between(ranges.contrast, values[2])
        saturation = _between(ranges.saturation, values[3])
        angle = 2 * np.pi * ranges.hue_turns * (2 * values[4] - 1)
        matrix = brightness * contrast * _saturation_and_hue(saturation, angle)
        mean_share = brightness * (1 - contrast)
        gamma = _between(ranges.gamma, values[5])
    if values[6] < ranges.grey_probability:
        matrix = np.tile(LUMA @ matrix, (3, 1))
    elif values[7] < ranges.channel_drop_probability:
        kept = np.ones(3)
        kept[int(values[8] * 3)] = 0.0
        matrix = kept[:, None] * matrix
    return matrix, float(mean_share), float(gamma)


def _saturation_and_hue(saturation: float, angle: float) -> np.ndarray:
    cos, sin = saturation * np.cos(angle), saturation * np.sin(angle)
    return _YIQ_TO_RGB @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ _RGB_TO_YIQ


def _draw_erase(ranges: AugmentationRanges, values: np.ndarray) -> tuple[float, float, float, float] | None:
    if values[0] >= ranges.erase_probability:
        return None
    width, height = values[1] * ranges.erase_side, values[2] * ranges.erase_side
    left, top = values[3] * (1 - width), values[4] * (1 - height)
    return float(left), float(top), float(left + width), float(top + height)


def _between(range_: tuple[float, float], value: float) -> float:
    return float(range_[0] + (range_[1] - range_[0]) * value)
