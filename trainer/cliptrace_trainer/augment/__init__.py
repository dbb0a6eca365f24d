"""Augmentation that is constant within a clip: drawn once per clip and view, applied in batches."""

from .apply import augment_clips
from .parameters import AugmentationRanges, ClipAugmentation, draw_augmentation

__all__ = ["AugmentationRanges", "ClipAugmentation", "augment_clips", "draw_augmentation"]
