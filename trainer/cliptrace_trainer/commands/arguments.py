"""Argument types and groups that several commands share."""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import torch

from ..data.prepared import PreparedDataset
from ..errors import TrainerError
from ..export.whitening import WhiteningRule


@dataclass(frozen=True, kw_only=True)
class DatasetArgument:
    """A prepared folder, or one split of it: `FOLDER` or `FOLDER:split`."""

    folder: Path
    split: str | None

    @classmethod
    def parse(cls, text: str) -> "DatasetArgument":
        folder, colon, split = text.rpartition(":")
        # A Windows drive has a colon too.
        if colon and folder and "/" not in split and "\\" not in split:
            return cls(folder=Path(folder), split=split)
        return cls(folder=Path(text), split=None)

    def open(self) -> PreparedDataset:
        """Raises TrainerError SPLIT_EMPTY besides those of PreparedDataset.open."""
        dataset = PreparedDataset.open(self.folder)
        if self.split is None:
            return dataset
        chosen = dataset.where(lambda video: video.split == self.split)
        if not len(chosen):
            known = sorted({video.split or "none" for video in dataset.videos})
            raise TrainerError(
                "SPLIT_EMPTY",
                f"{self.folder} has no video of split {self.split!r}, only {', '.join(known)}; "
                "prepare it with its split lists",
            )
        return chosen


def device_of(name: str) -> torch.device:
    """`auto`, `cpu`, `cuda` or `cuda:N`. Raises TrainerError DEVICE_UNAVAILABLE."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise TrainerError("DEVICE_UNAVAILABLE", f"{name!r} is no device; give auto, cpu or cuda") from error
    if device.type not in ("cpu", "cuda"):
        raise TrainerError("DEVICE_UNAVAILABLE", f"{name} is not supported here; give auto, cpu or cuda")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise TrainerError("DEVICE_UNAVAILABLE", f"{name} is not to be had here; give --device cpu or auto")
    return device


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto (CUDA if there is one), cpu, cuda, cuda:N")


def fraction(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1 (0.1 is 10 %)")
    return value


def positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return value


def whole_number(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 0")
    return value


def positive_float(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and finite")
    return value


def not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not at least 0 and finite")
    return value


def probability(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def group_range(text: str) -> tuple[int, int]:
    """`22-25` or `7`."""
    low, _, high = text.partition("-")
    try:
        first, last = int(low), int(high or low)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of groups such as 22-25") from error
    if first > last:
        raise argparse.ArgumentTypeError(f"{text!r} ends before it begins; give the lower group first")
    return first, last


def add_whitening_rule(parser: argparse.ArgumentParser) -> None:
    """`--shrinkage`, `--whitening-power` and `--centring`, read by whitening_rule."""
    parser.add_argument("--shrinkage", type=float, default=0.3, help="of the whitening, above 0")
    parser.add_argument("--whitening-power", type=float, default=0.5, help="0 turns to principal axes, 0.5 whitens")
    parser.add_argument("--centring", type=float, default=1.0, help="share of the mean that is taken away, 0 to 1")


def whitening_rule(arguments: argparse.Namespace) -> WhiteningRule:
    return WhiteningRule(shrinkage=arguments.shrinkage, power=arguments.whitening_power, centring=arguments.centring)
