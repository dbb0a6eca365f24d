"""A small encoder and moving pictures for the tests of export and import."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from cliptrace_trainer.backbones import build_backbone
from cliptrace_trainer.export import Normalisation, Preprocessing, export_encoder
from torch import nn

SMALL = Preprocessing(frames_per_second=8, frames=8, width=72, height=64)
COLOURS = Normalisation(mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3))


def moving_clips(count: int, *, seed: int = 0, preprocessing: Preprocessing = SMALL) -> np.ndarray:
    """uint8 [count, frames, height, width, 3]: coloured gratings that drift, with noise."""
    rng = np.random.default_rng(seed)
    shape = (preprocessing.frames, preprocessing.height, preprocessing.width)
    t, y, x = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    clips = []
    for _ in range(count):
        kx, ky, kt = rng.uniform(-0.4, 0.4, 3)
        colour = rng.uniform(0.3, 1, 3)
        wave = 127 + 100 * np.sin(kx * x + ky * y + 4 * kt * t + rng.uniform(0, 6))
        clips.append(wave[..., None] * colour + rng.normal(0, 6, (*shape, 3)))
    return np.stack(clips).clip(0, 255).astype(np.uint8)


def network_input(clips: np.ndarray, normalisation: Normalisation = COLOURS) -> torch.Tensor:
    """What the graph must give its backbone, by plain arithmetic."""
    scaled = (clips / 255.0 - np.array(normalisation.mean)) / np.array(normalisation.std)
    if normalisation.channel_order == "bgr":
        scaled = scaled[..., ::-1]
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 4, 1, 2, 3))).float()


def settled_backbone(*, seed: int = 0) -> nn.Module:
    """A compact backbone with batch-norm statistics of the moving pictures."""
    torch.manual_seed(seed)
    backbone = build_backbone(name="compact-r21d")
    with torch.no_grad():
        for round_ in range(8):
            backbone(network_input(moving_clips(8, seed=round_)))
    return backbone.eval()


def export(out_dir: Path, backbone: nn.Module, **changes: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "normalisation": COLOURS,
        "preprocessing": SMALL,
        "out_dir": out_dir,
        "name": "small",
        "training": {"epochs": 0},
        "measured": {},
    }
    return export_encoder(backbone=backbone, **(settings | changes))
