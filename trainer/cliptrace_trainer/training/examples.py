"""Training examples and their order: functions of (seed, epoch, index), so that a resumed run repeats them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from ..augment import AugmentationRanges, ClipAugmentation, draw_augmentation
from ..data.clips import ClipLayout, training_clip_indices
from ..data.prepared import PreparedDataset
from ..errors import TrainerError

VIEWS = 2


@dataclass(frozen=True, kw_only=True)
class Example:
    """uint8 global clips [moments, T, H, W, 3] and local clips [clips, T, H, W, 3] of one video.

    One moment serves both views; with two, each view has its own, and there are no local clips.
    `augmentations[view]` holds the global clip's augmentation, then one for each local clip.
    """

    video_id: str
    global_clips: np.ndarray
    local_clips: np.ndarray | None
    augmentations: tuple[tuple[ClipAugmentation, ...], ...]


@dataclass(frozen=True, kw_only=True)
class RawBatch:
    """uint8 global [B, moments, T, H, W, 3] and local [B, clips, T, H, W, 3]; augmentations by view, then video."""

    video_ids: tuple[str, ...]
    global_clips: torch.Tensor
    local_clips: torch.Tensor | None
    augmentations: tuple[tuple[tuple[ClipAugmentation, ...], ...], ...]

    def pin_memory(self) -> "RawBatch":
        return RawBatch(
            **{
                **vars(self),
                "global_clips": self.global_clips.pin_memory(),
                "local_clips": None if self.local_clips is None else self.local_clips.pin_memory(),
            }
        )


class TclrExamples(Dataset):
    """`dataset[epoch, index]`: the same pair gives the same example, in whichever process it is asked.

    An epoch before `instance_epochs`, or any without `need_local_clips`, has global clips alone.
    """

    def __init__(
        self,
        *,
        dataset: PreparedDataset,
        layout: ClipLayout,
        ranges: AugmentationRanges,
        seed: int,
        instance_epochs: int = 0,
        need_local_clips: bool = True,
    ) -> None:
        self._dataset = dataset
        self._layout = layout
        self._ranges = ranges
        self._seed = seed
        self._instance_epochs = instance_epochs
        self._need_local_clips = need_local_clips

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, key: tuple[int, int]) -> Example:
        epoch, index = key
        video = self._dataset.videos[index]
        random = np.random.default_rng([self._seed, epoch, index])
        frames = self._dataset.frames(video)

        def clip_indices() -> tuple[np.ndarray, np.ndarray]:
            return training_clip_indices(
                layout=self._layout,
                video_frames=video.frames,
                frames_per_second=self._dataset.frame_format.frames_per_second,
                position=random.random(),
            )

        global_indices, local_indices = clip_indices()
        moments = [frames[global_indices]]
        instance_only = epoch < self._instance_epochs
        if instance_only:
            moments.append(frames[clip_indices()[0]])
        return Example(
            video_id=video.id,
            global_clips=np.stack(moments),
            local_clips=frames[local_indices] if self._need_local_clips and not instance_only else None,
            augmentations=tuple(
                tuple(
                    draw_augmentation(ranges=self._ranges, random=random) for _ in range(1 + self._layout.local_clips)
                )
                for _ in range(VIEWS)
            ),
        )


class EpochBatches(Sampler[list[tuple[int, int]]]):
    """The batches of one epoch on one rank: a permutation from (seed, epoch), cut into equal parts.

    What does not fill a last batch on every rank waits for another epoch's order. `first_batch`
    skips those that a resumed run has already seen.
    """

    def __init__(
        self,
        *,
        videos: int,
        batch_size: int,
        seed: int,
        epoch: int,
        first_batch: int = 0,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        joint = batch_size * ranks
        if joint > videos:
            raise TrainerError(
                "BATCH_TOO_LARGE",
                f"a batch of {batch_size} on {ranks} rank(s) needs {joint} videos, the dataset has "
                f"{videos}; give --batch-size {max(2, videos // ranks)} or less",
            )
        order = np.random.default_rng([seed, epoch]).permutation(videos)
        count = videos // joint
        mine = order[: count * joint].reshape(count, ranks, batch_size)[:, rank]
        self.total = count
        self._batches = [[(epoch, int(index)) for index in batch] for batch in mine[first_batch:]]

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)


def collate(examples: list[Example]) -> RawBatch:
    local = [example.local_clips for example in examples]
    return RawBatch(
        video_ids=tuple(example.video_id for example in examples),
        global_clips=torch.from_numpy(np.stack([example.global_clips for example in examples])),
        local_clips=None if local[0] is None else torch.from_numpy(np.stack(local)),
        augmentations=tuple(tuple(example.augmentations[view] for example in examples) for view in range(VIEWS)),
    )
