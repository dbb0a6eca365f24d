"""Fine-tuning for action classification, with all labels or with a share of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..augment import AugmentationRanges, augment_clips, draw_augmentation
from ..data.clips import clip_frame_indices
from ..data.prepared import PreparedDataset
from ..errors import TrainerError
from ..training.config import TrainingConfig
from ..training.step import autocast
from ..training.views import normalise
from .embed import EvaluationClips, network_input, video_clips
from .encoders import MeasuredEncoder
from .linear_probe import check_labelled

# Milder than for contrast: the label must survive.
_RANGES = AugmentationRanges(area=(0.5, 1.0), grey_probability=0.1, channel_drop_probability=0.0, erase_probability=0.0)


@dataclass(frozen=True, kw_only=True)
class FineTuneOptions:
    epochs: int = 30
    batch_size: int = 16
    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    label_fraction: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.label_fraction <= 1:
            raise TrainerError(
                "LABEL_FRACTION_INVALID",
                f"the label fraction is {self.label_fraction}; give more than 0, at most 1",
            )


@dataclass(frozen=True, kw_only=True)
class FineTuneResult:
    accuracy: float
    labelled_videos: int
    classes: int


class Classifier(nn.Module):
    """Backbone, mean over time, dropout, linear: clips [N, 3, T, h, w] -> logits [N, classes]."""

    def __init__(self, *, backbone: nn.Module, classes: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.backbone = backbone
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(backbone.dimension, classes)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return self.linear(self.dropout(self.backbone(clips).mean(dim=1)))


def labelled_share(*, dataset: PreparedDataset, fraction: float, seed: int) -> PreparedDataset:
    """The same share of every class, at least one video each, drawn with `seed`."""
    random = np.random.default_rng(seed)
    kept: list[int] = []
    for label in dataset.labels:
        places = [index for index, video in enumerate(dataset.videos) if video.label == label]
        count = max(1, round(fraction * len(places)))
        kept.extend(int(place) for place in random.permutation(places)[:count])
    return dataset.where_in([dataset.videos[index] for index in sorted(kept)])


def fine_tune(
    *,
    encoder: MeasuredEncoder,
    train: PreparedDataset,
    test: PreparedDataset,
    spec: EvaluationClips,
    options: FineTuneOptions,
    device: torch.device,
    say: Callable[[str], None] = print,
) -> FineTuneResult:
    """Train all weights on labelled clips, then classify test videos by the mean of their clips.

    Raises TrainerError PROBE_CLASSES when a test class has no training video, or when there is no label.
    """
    labelled = [sum(video.label is not None for video in part.videos) for part in (train, test)]
    check_labelled(train=labelled[0], test=labelled[1])
    if unknown := sorted(set(test.labels) - set(train.labels)):
        raise TrainerError(
            "PROBE_CLASSES", f"the training split has no video of {', '.join(unknown[:5])}; check the split"
        )
    classes = train.labels
    train = labelled_share(dataset=train, fraction=options.label_fraction, seed=options.seed)
    torch.manual_seed(options.seed)
    classifier = Classifier(backbone=encoder.model.backbone, classes=len(classes)).to(device)
    optimizer = torch.optim.AdamW(
        [
            {"params": classifier.backbone.parameters(), "lr": options.learning_rate},
            {"params": classifier.linear.parameters(), "lr": options.head_learning_rate},
        ],
        weight_decay=options.weight_decay,
    )
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=options.epochs)
    for epoch in range(options.epochs):
        losses = [
            _step(classifier, optimizer, clips, targets, encoder.config, device)
            for clips, targets in _batches(train, classes, encoder.config, spec, options, epoch, device)
        ]
        cosine.step()
        say(f"fine-tuning epoch {epoch + 1}/{options.epochs}: loss {np.mean(losses):.4f}")
    return FineTuneResult(
        accuracy=_accuracy(classifier, test, classes, spec, encoder.config, device),
        labelled_videos=len(train),
        classes=len(classes),
    )


def _batches(
    train: PreparedDataset,
    classes: tuple[str, ...],
    config: TrainingConfig,
    spec: EvaluationClips,
    options: FineTuneOptions,
    epoch: int,
    device: torch.device,
):
    random = np.random.default_rng([options.seed, epoch])
    order = random.permutation(len(train))
    # A single video has no batch statistics: a last batch of one joins the one before it.
    cuts = list(range(options.batch_size, len(order) - 1, options.batch_size))
    for part in np.split(order, cuts):
        videos = [train.videos[index] for index in part]
        clips = torch.stack([_random_clip(train, video, spec, random) for video in videos])
        inputs = augment_clips(
            clips=clips.to(device),
            augmentations=[draw_augmentation(ranges=_RANGES, random=random) for _ in videos],
            width=spec.width,
            height=spec.height,
        )
        targets = torch.tensor([classes.index(video.label) for video in videos], device=device)
        yield normalise(clips=inputs, mean=config.mean, std=config.std), targets


def _random_clip(
    dataset: PreparedDataset, video: object, spec: EvaluationClips, random: np.random.Generator
) -> torch.Tensor:
    rate = dataset.frame_format.frames_per_second
    room = max(0.0, video.frames / rate - spec.span_seconds)
    indices = clip_frame_indices(
        start_seconds=random.random() * room,
        span_seconds=spec.span_seconds,
        frames=spec.frames,
        video_frames=video.frames,
        frames_per_second=rate,
    )
    return torch.from_numpy(dataset.frames(video)[indices])


def _step(
    classifier: Classifier,
    optimizer: torch.optim.Optimizer,
    clips: torch.Tensor,
    targets: torch.Tensor,
    config: TrainingConfig,
    device: torch.device,
) -> float:
    classifier.train()
    optimizer.zero_grad(set_to_none=True)
    with autocast(config=config, device=device):
        logits = classifier(clips)
    loss = functional.cross_entropy(logits.float(), targets)
    loss.backward()
    optimizer.step()
    return loss.item()


@torch.no_grad()
def _accuracy(
    classifier: Classifier,
    test: PreparedDataset,
    classes: tuple[str, ...],
    spec: EvaluationClips,
    config: TrainingConfig,
    device: torch.device,
) -> float:
    classifier.eval()
    right = 0
    labelled = [video for video in test.videos if video.label is not None]
    for video in labelled:
        clips = video_clips(dataset=test, video=video, spec=spec).to(device)
        with autocast(config=config, device=device):
            logits = classifier(network_input(clips=clips, spec=spec))
        guess = classes[int(logits.float().softmax(dim=1).mean(dim=0).argmax())]
        right += guess == video.label
    return right / len(labelled)
