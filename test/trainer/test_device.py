"""Losses, augmentation and evaluation inputs keep to the device of what they are given.

The meta device computes shapes only and refuses to mix with another device, so it shows here, without a GPU, what
would fail on one.
"""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from cliptrace_trainer.augment import AugmentationRanges, augment_clips, draw_augmentation
from cliptrace_trainer.backbones import BACKBONE_NAMES, build_backbone
from cliptrace_trainer.evaluation.embed import Alteration, EvaluationClips, network_input
from cliptrace_trainer.export.whitening import Whitening
from cliptrace_trainer.heads import ProjectionHead
from cliptrace_trainer.losses import instance_only_loss, tclr_loss
from cliptrace_trainer.model import TclrModel
from cliptrace_trainer.training.views import normalise

META = torch.device("meta")


@pytest.mark.parametrize(("timesteps", "chunks"), [(4, 4), (3, 5)])
def test_losses(timesteps: int, chunks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # The meta device has no autocast to switch off.
    monkeypatch.setattr(torch, "autocast", lambda **_: nullcontext())

    def rows(*shape: int) -> torch.Tensor:
        return torch.empty(shape, device=META, requires_grad=True)

    terms = tclr_loss(
        global0=rows(3, 8), global1=rows(3, 8),
        timestep0=rows(3, timesteps, 8), timestep1=rows(3, timesteps, 8),
        local0=rows(3, chunks, 8), local1=rows(3, chunks, 8),
    )  # fmt: skip
    terms.total.backward()
    instance_only_loss(global0=rows(3, 8), global1=rows(3, 8)).total.backward()
    assert terms.total.device == META


def test_augmentation() -> None:
    ranges = AugmentationRanges(erase_probability=1.0)
    items = [draw_augmentation(ranges=ranges, random=np.random.default_rng(seed)) for seed in range(2)]
    clips = torch.empty((2, 4, 12, 16, 3), dtype=torch.uint8, device=META)
    changed = augment_clips(clips=clips, augmentations=items, width=8, height=8)
    assert normalise(clips=changed, mean=(0.5,) * 3, std=(0.2,) * 3).device == META


@pytest.mark.parametrize("alteration", [None, Alteration()])
def test_evaluation_clips(alteration: Alteration | None) -> None:
    spec = EvaluationClips(frames=4, width=8, height=8)
    clips = torch.empty((2, 4, 12, 16, 3), dtype=torch.uint8, device=META)
    assert network_input(clips=clips, spec=spec, alteration=alteration).device == META


@pytest.mark.parametrize("name", BACKBONE_NAMES)
def test_networks(name: str) -> None:
    backbone = build_backbone(name=name)
    model = TclrModel(backbone=backbone, head=ProjectionHead(in_dimension=backbone.dimension)).to(META)
    pooled, timesteps = model.global_clip(torch.empty((2, 3, 8, 32, 32), device=META))
    assert pooled.device == timesteps.device == META


def test_whitening() -> None:
    # Fitted from numpy on the CPU, applied to features wherever they are.
    whitening = Whitening(mean=torch.zeros(8), matrix=torch.eye(8))
    assert whitening.apply(torch.empty((2, 4, 8), device=META)).device == META
