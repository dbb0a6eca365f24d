"""The colour-histogram baseline: what retrieval reaches without looking at shape or motion."""

import numpy as np
import torch

from ..data.prepared import PreparedDataset
from .embed import Alteration, EvaluationClips, network_input, video_clips
from .retrieval import unit_rows

_BINS = 8


def histogram_vectors(
    *, dataset: PreparedDataset, spec: EvaluationClips, alteration: Alteration | None = None
) -> np.ndarray:
    """float32 [videos, 512], unit norm: 8 x 8 x 8 RGB bins over the frames that an encoder would see.

    The square root of each share is stored, so that the cosine is the Bhattacharyya coefficient.
    """
    rows = []
    for video in dataset.videos:
        clips = video_clips(dataset=dataset, video=video, spec=spec)
        pixels = network_input(clips=clips, spec=spec, alteration=alteration)
        scale = torch.tensor(spec.std).view(1, 3, 1, 1, 1)
        pixels = pixels * scale + torch.tensor(spec.mean).view(1, 3, 1, 1, 1)
        levels = (pixels * _BINS).long().clamp_(0, _BINS - 1).transpose(0, 1).reshape(3, -1)
        places = (levels[0] * _BINS + levels[1]) * _BINS + levels[2]
        counts = torch.bincount(places, minlength=_BINS**3).float()
        rows.append((counts / counts.sum()).sqrt().numpy())
    return unit_rows(np.stack(rows))
