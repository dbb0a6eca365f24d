"""An exported encoder, run as it is served, on prepared datasets."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..data.prepared import PreparedDataset, PreparedVideo
from ..errors import TrainerError
from ..evaluation.embed import Alteration, EvaluationClips, labelled, network_input, video_clips
from ..evaluation.protocols import ALTERATIONS
from ..evaluation.retrieval import DEFAULT_RANKS, LabelledVectors, recall_at, unit_rows
from .encoder import MANIFEST_FILE
from .session import open_session, run_encoder

_BATCH = 8


@dataclass(frozen=True, kw_only=True)
class ServedClips:
    """Byte clips as an encoder's manifest wants them, `clips` of them spread over a video."""

    clips: int
    frames: int
    width: int
    height: int
    span_seconds: float
    crop_fraction: float | None

    @classmethod
    def of_model(cls, model_dir: Path, *, clips: int) -> "ServedClips":
        """Raises TrainerError MODEL_FOLDER."""
        try:
            preprocessing = json.loads((model_dir / MANIFEST_FILE).read_text(encoding="utf-8"))["preprocessing"]
            return cls(
                clips=clips,
                frames=preprocessing["frames"],
                width=preprocessing["width"],
                height=preprocessing["height"],
                span_seconds=preprocessing["frames"] / preprocessing["framesPerSecond"],
                crop_fraction=preprocessing["crop"].get("fraction"),
            )
        except (OSError, ValueError, KeyError) as error:
            raise TrainerError(
                "MODEL_FOLDER", f"{model_dir} is no encoder folder ({type(error).__name__}: {error}); export one first"
            ) from error

    def of_video(
        self, dataset: PreparedDataset, video: PreparedVideo, *, alteration: Alteration | None = None
    ) -> np.ndarray:
        """uint8 [clips, frames, height, width, 3]."""
        spec = EvaluationClips(
            clips=self.clips,
            frames=self.frames,
            span_seconds=self.span_seconds,
            width=self.width,
            height=self.height,
            crop_fraction=self.crop_fraction,
            mean=(0.0, 0.0, 0.0),
            std=(1.0, 1.0, 1.0),
        )
        resized = network_input(
            clips=video_clips(dataset=dataset, video=video, spec=spec), spec=spec, alteration=alteration
        )
        return (resized * 255).round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 4, 1).contiguous().numpy()


def sample_clips(*, dataset: PreparedDataset, served: ServedClips, count: int, seed: int = 0) -> np.ndarray:
    """uint8 [count or fewer, frames, height, width, 3]: one clip from each of `count` videos drawn without return."""
    order = np.random.default_rng(seed).permutation(len(dataset.videos))[:count]
    rng = np.random.default_rng(seed + 1)
    clips = [served.of_video(dataset, dataset.videos[index]) for index in order]
    return np.stack([video[rng.integers(len(video))] for video in clips])


def served_recall(
    *,
    model: Path,
    served: ServedClips,
    gallery: PreparedDataset,
    queries: PreparedDataset,
    ranks: Sequence[int] = DEFAULT_RANKS,
) -> dict[str, dict[int, float]]:
    """R@k of one ONNX file by mean clip embeddings, for plain and for altered queries."""
    session = open_session(str(model))

    def vectors(dataset: PreparedDataset, alteration: Alteration | None = None) -> LabelledVectors:
        rows = []
        for video in dataset.videos:
            clips = served.of_video(dataset, video, alteration=alteration)
            parts = [run_encoder(session, clips[at : at + _BATCH])[1] for at in range(0, len(clips), _BATCH)]
            rows.append(np.concatenate(parts).mean(axis=0))
        return labelled(vectors=unit_rows(np.stack(rows)), dataset=dataset)

    known = vectors(gallery)
    return {
        name: recall_at(queries=vectors(queries, alteration), gallery=known, ranks=ranks)
        for name, alteration in ALTERATIONS.items()
    }
