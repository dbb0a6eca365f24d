"""The measurements as they are reported: which clips, which pooling, which baselines."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ..backbones import stream_dimensions
from ..data.prepared import PreparedDataset
from ..export.whitening import Whitening, WhiteningRule, fit_stream_whitening
from ..training.step import autocast
from .embed import Alteration, EvaluationClips, embed_videos, labelled, network_input, video_clips
from .encoders import MeasuredEncoder
from .histogram import histogram_vectors
from .linear_probe import ProbeResult, linear_probe
from .retrieval import DEFAULT_RANKS, LabelledVectors, recall_at

ALTERATIONS: dict[str, Alteration | None] = {"plain": None, "altered": Alteration()}


def evaluation_clips(
    *,
    encoder: MeasuredEncoder,
    clips: int = 10,
    size: int | None = None,
    crop_fraction: float | None = None,
    span_seconds: float | None = None,
) -> EvaluationClips:
    """Clips as the encoder was trained on (its global clip), spread over the video."""
    config = encoder.config
    return EvaluationClips(
        clips=clips,
        frames=config.layout.global_frames,
        span_seconds=span_seconds or config.layout.span_seconds,
        width=size or config.width,
        height=size or config.height,
        crop_fraction=crop_fraction,
        mean=config.mean,
        std=config.std,
    )


class Embedder:
    """Embeds datasets with one encoder: timesteps kept (the paper) or pooled (the product)."""

    def __init__(
        self,
        *,
        encoder: MeasuredEncoder,
        spec: EvaluationClips,
        device: torch.device,
        keep_timesteps: bool,
        whitening: Whitening | None = None,
        full_precision: bool = True,
    ) -> None:
        self._encoder = encoder
        self._spec = spec
        self._device = device
        self._keep_timesteps = keep_timesteps
        self._whitening = whitening
        self._config = replace(encoder.config, precision="float32") if full_precision else encoder.config

    def rows(self, *, dataset: PreparedDataset, alteration: Alteration | None = None) -> np.ndarray:
        with torch.no_grad(), autocast(config=self._config, device=self._device):
            return embed_videos(
                features=self._features,
                dataset=dataset,
                spec=self._spec,
                device=self._device,
                keep_timesteps=self._keep_timesteps,
                alteration=alteration,
            )

    def labelled(self, *, dataset: PreparedDataset, alteration: Alteration | None = None) -> LabelledVectors:
        return labelled(vectors=self.rows(dataset=dataset, alteration=alteration), dataset=dataset)

    def _features(self, clips: torch.Tensor) -> torch.Tensor:
        features = self._encoder.model.features(clips)
        return features if self._whitening is None else self._whitening.apply(features.float())


def retrieval(
    *,
    embedder: Embedder,
    gallery: PreparedDataset,
    queries: PreparedDataset,
    ranks: Sequence[int] = DEFAULT_RANKS,
) -> dict[str, dict[int, float]]:
    """R@k for plain queries, and for queries cropped to 80 %, greyed and brightened."""
    known = embedder.labelled(dataset=gallery)
    return {
        name: recall_at(queries=embedder.labelled(dataset=queries, alteration=alteration), gallery=known, ranks=ranks)
        for name, alteration in ALTERATIONS.items()
    }


def histogram_retrieval(
    *,
    spec: EvaluationClips,
    gallery: PreparedDataset,
    queries: PreparedDataset,
    ranks: Sequence[int] = DEFAULT_RANKS,
) -> dict[str, dict[int, float]]:
    """The same figures for colour histograms."""

    def vectors(dataset: PreparedDataset, alteration: Alteration | None = None) -> LabelledVectors:
        rows = histogram_vectors(dataset=dataset, spec=spec, alteration=alteration)
        return labelled(vectors=rows, dataset=dataset)

    known = vectors(gallery)
    return {
        name: recall_at(queries=vectors(queries, alteration), gallery=known, ranks=ranks)
        for name, alteration in ALTERATIONS.items()
    }


def probe(*, embedder: Embedder, train: PreparedDataset, test: PreparedDataset) -> ProbeResult:
    return linear_probe(train=embedder.labelled(dataset=train), test=embedder.labelled(dataset=test))


def fit_whitening(
    *,
    encoder: MeasuredEncoder,
    dataset: PreparedDataset,
    spec: EvaluationClips,
    device: torch.device,
    dimension_out: int | None = None,
    rule: WhiteningRule | None = None,
) -> Whitening:
    """PCA-whitening of timestep features, each stream by itself, over every video of `dataset` (training data)."""
    backbone = encoder.model.backbone
    return fit_stream_whitening(
        features=clip_features(encoder=encoder, dataset=dataset, spec=spec, device=device),
        dimensions=stream_dimensions(backbone),
        dimension_out=dimension_out or backbone.dimension,
        rule=rule,
    )


@torch.no_grad()
def clip_features(
    *, encoder: MeasuredEncoder, dataset: PreparedDataset, spec: EvaluationClips, device: torch.device
) -> np.ndarray:
    """float32 [videos x clips, T, D]: timestep features, neither normalised nor averaged over clips."""
    rows = []
    for video in dataset.videos:
        clips = video_clips(dataset=dataset, video=video, spec=spec).to(device)
        features = encoder.model.features(network_input(clips=clips, spec=spec))
        rows.append(features.float().cpu().numpy())
    return np.concatenate(rows)
