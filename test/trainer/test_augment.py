"""Augmentation: constant within a clip, different between clips and views."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from cliptrace_trainer.augment import AugmentationRanges, ClipAugmentation, augment_clips, draw_augmentation
from cliptrace_trainer.augment.resample import resampling_matrix
from cliptrace_trainer.errors import TrainerError

NOTHING = ClipAugmentation(
    crop=(0.0, 0.0, 1.0, 1.0), flip=False, colour_matrix=np.eye(3), mean_share=0.0, gamma=1.0, erase=None
)


@pytest.fixture
def clips() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 4, 12, 16, 3)).astype(np.uint8))


def apply(clips: torch.Tensor, item: ClipAugmentation, width: int = 16, height: int = 12) -> torch.Tensor:
    return augment_clips(clips=clips, augmentations=[item] * len(clips), width=width, height=height)


def test_without_change_the_pixels_stay(clips):
    result = apply(clips, NOTHING)
    assert result.shape == (3, 3, 4, 12, 16)
    assert torch.allclose(result, clips.permute(0, 4, 1, 2, 3) / 255, atol=1e-6)


def test_a_flip_mirrors_the_columns(clips):
    assert torch.equal(apply(clips, replace(NOTHING, flip=True)), apply(clips, NOTHING).flip(-1))


def test_a_crop_is_the_slice_of_its_box(clips):
    result = apply(clips, replace(NOTHING, crop=(0.25, 0.5, 0.75, 1.0)), width=8, height=6)
    assert torch.allclose(result, apply(clips, NOTHING)[..., 6:, 4:12], atol=1e-6)


def test_shrinking_averages_and_keeps_the_mean():
    clips = torch.zeros(1, 1, 8, 8, 3, dtype=torch.uint8)
    clips[:, :, ::2, ::2] = 200  # a quarter of the pixels: skipping would give 0 or 200
    result = apply(clips, NOTHING, width=4, height=4)
    assert torch.allclose(result[..., 1:-1, 1:-1], torch.full_like(result[..., 1:-1, 1:-1], 50 / 255), atol=1e-3)


@pytest.mark.parametrize(("size", "out", "low", "high"), [(112, 64, 0.1, 0.7), (20, 33, 0.0, 1.0), (9, 9, 0.3, 0.31)])
def test_resampling_weighs_only_the_crop_and_sums_to_one(size, out, low, high):
    matrix = resampling_matrix(size=size, out=out, low=low, high=high)
    assert matrix.shape == (out, size)
    assert torch.allclose(matrix.sum(dim=1), torch.ones(out), atol=1e-5)
    assert (matrix >= 0).all()
    used = matrix.sum(dim=0).nonzero().ravel()
    assert used.min() >= np.floor(low * size) - 1 and used.max() <= np.ceil(high * size)


def test_grey_makes_the_channels_equal_and_a_dropped_channel_black(clips):
    grey = AugmentationRanges(grey_probability=1.0, erase_probability=0.0)
    dropped = AugmentationRanges(grey_probability=0.0, channel_drop_probability=1.0, erase_probability=0.0)
    random = np.random.default_rng(1)
    for _ in range(5):
        result = apply(clips, draw_augmentation(ranges=grey, random=random))
        assert torch.allclose(result[:, 0], result[:, 2], atol=1e-6)
        result = apply(clips, draw_augmentation(ranges=dropped, random=random))
        assert [float(channel.max()) for channel in result.unbind(1)].count(0.0) == 1


def test_colour_gamma_contrast_and_brightness_follow_their_formula(clips):
    item = replace(NOTHING, colour_matrix=1.2 * 0.5 * np.eye(3), mean_share=1.2 * 0.5, gamma=0.8)
    pixels = clips.permute(0, 4, 1, 2, 3).double() / 255
    luma = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).view(1, 3, 1, 1, 1)
    mean = (pixels * luma).sum(dim=1, keepdim=True).mean(dim=(2, 3, 4), keepdim=True)
    wanted = (1.2 * (0.5 * pixels + 0.5 * mean)).clamp(0, 1) ** 0.8
    assert torch.allclose(apply(clips, item).double(), wanted, atol=1e-5)


def test_a_hue_turn_keeps_grey_and_brightness():
    ranges = AugmentationRanges(
        brightness=(1, 1), contrast=(1, 1), saturation=(1, 1), gamma=(1, 1), colour_probability=1.0,
        grey_probability=0.0, channel_drop_probability=0.0, hue_turns=0.5,
    )  # fmt: skip
    matrix = draw_augmentation(ranges=ranges, random=np.random.default_rng(3)).colour_matrix
    assert np.allclose(matrix @ np.ones(3), np.ones(3), atol=1e-2)
    assert not np.allclose(matrix, np.eye(3), atol=0.1)
    luma = np.array([0.299, 0.587, 0.114])
    assert np.allclose(luma @ matrix, luma, atol=1e-2)


def test_erasing_blackens_the_same_box_in_every_frame(clips):
    result = apply(clips.clamp(min=1), replace(NOTHING, erase=(0.25, 0.25, 0.5, 0.75)))
    black = result == 0
    assert black[..., 3:9, 4:8].all()
    assert black.sum() == 3 * 3 * 4 * 6 * 4


def test_all_frames_of_a_clip_change_alike_and_clips_differ():
    frame = np.random.default_rng(0).integers(0, 256, (1, 1, 20, 20, 3)).astype(np.uint8)
    clips = torch.from_numpy(np.broadcast_to(frame, (6, 4, 20, 20, 3)).copy())
    random = np.random.default_rng(5)
    items = [draw_augmentation(ranges=AugmentationRanges(), random=random) for _ in range(6)]
    result = augment_clips(clips=clips, augmentations=items, width=16, height=16)
    assert torch.equal(result, result[:, :, :1].expand_as(result))
    for first in range(6):
        for second in range(first):
            assert (result[first] - result[second]).abs().mean() > 0.01


def test_crops_keep_to_the_area_range_and_inside_the_frame():
    ranges = AugmentationRanges(area=(0.3, 1.0))
    random = np.random.default_rng(2)
    areas = []
    for _ in range(300):
        left, top, right, bottom = draw_augmentation(ranges=ranges, random=random).crop
        assert 0 <= left < right <= 1 and 0 <= top < bottom <= 1
        areas.append((right - left) * (bottom - top))
    assert 0.25 < min(areas) < 0.4 and max(areas) > 0.9


def test_bfloat16_products_stay_near_the_exact_ones(clips):
    item = draw_augmentation(ranges=AugmentationRanges(), random=np.random.default_rng(0))
    exact = apply(clips, item)
    quick = augment_clips(clips=clips, augmentations=[item] * 3, width=16, height=12, dtype=torch.bfloat16)
    assert (exact - quick).abs().max() < 0.03


def test_ranges_that_make_no_sense_are_refused():
    for changes in ({"area": (0.5, 1.5)}, {"gamma": (0.0, 1.0)}, {"contrast": (1.2, 0.8)}):
        with pytest.raises(TrainerError) as caught:
            AugmentationRanges(**changes)
        assert caught.value.code == "AUGMENTATION_INVALID"
