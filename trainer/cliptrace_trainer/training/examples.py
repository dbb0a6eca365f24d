"""Training examples and their order: functions of (seed, epoch, index), so that a resumed run repeats them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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
    `lost`: ids of videos that could not be read and in whose place this one stands.
    """

    video_id: str
    global_clips: np.ndarray
    local_clips: np.ndarray | None
    augmentations: tuple[tuple[ClipAugmentation, ...], ...]
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RawBatch:
    """uint8 global [B, moments, T, H, W, 3] and local [B, clips, T, H, W, 3]; augmentations by view, then video."""

    video_ids: tuple[str, ...]
    global_clips: torch.Tensor
    local_clips: torch.Tensor | None
    augmentations: tuple[tuple[tuple[ClipAugmentation, ...], ...], ...]
    lost: tuple[str, ...] = ()

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

    Asked for a batch at once, it puts another video in the place of one that cannot be read, so that batches keep
    their size; the lost one is named in the example. Without any left, the item is a TrainerError: worker processes
    hand on values whole, but not errors.
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

    def __getitems__(self, keys: Sequence[tuple[int, int]]) -> list[Example | TrainerError]:
        taken = {index for _, index in keys}
        return [self._readable(key, taken) for key in keys]

    def _readable(self, key: tuple[int, int], taken: set[int]) -> Example | TrainerError:
        """The example of `key`, or of a video outside `taken`, which is then taken too."""
        epoch, index = key
        lost: list[str] = []
        others = iter(np.random.default_rng([self._seed, epoch, index]).permutation(len(self)).tolist())
        while True:
            try:
                return replace(self[epoch, index], lost=tuple(lost))
            except TrainerError as error:
                lost.append(self._dataset.videos[index].id)
                index = next((other for other in others if other not in taken), None)
                if index is None:
                    return TrainerError(
                        "NO_VIDEO_READABLE",
                        f"{lost[0]} cannot be read, and no other video is left to stand in its place "
                        f"({error.message}); the last checkpoint is kept",
                    )
                taken.add(index)

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
            fits = videos // ranks
            remedy = f"give --batch-size {fits} or less" if fits >= 2 else f"prepare at least {2 * ranks} videos"
            raise TrainerError(
                "BATCH_TOO_LARGE",
                f"a batch of {batch_size} on {ranks} rank(s) needs {joint} videos, the dataset has {videos}; {remedy}",
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


def collate(examples: list[Example | TrainerError]) -> RawBatch | TrainerError:
    failed = next((item for item in examples if isinstance(item, TrainerError)), None)
    if failed is not None:
        return failed
    local = [example.local_clips for example in examples]
    return RawBatch(
        video_ids=tuple(example.video_id for example in examples),
        global_clips=torch.from_numpy(np.stack([example.global_clips for example in examples])),
        local_clips=None if local[0] is None else torch.from_numpy(np.stack(local)),
        augmentations=tuple(tuple(example.augmentations[view] for example in examples) for view in range(VIEWS)),
        lost=tuple(id for example in examples for id in example.lost),
    )
