"""The small evaluation that runs beside training: recall on plain and on altered development queries."""

from collections.abc import Callable

import torch

from ..data.prepared import PreparedDataset
from ..model import TclrModel
from .embed import Alteration, EvaluationClips, embed_videos, labelled
from .retrieval import recall_at


def development_evaluation(
    *,
    gallery: PreparedDataset,
    queries: PreparedDataset,
    spec: EvaluationClips,
    device: torch.device,
    autocast: Callable[[], torch.autocast],
) -> Callable[[TclrModel], dict[str, float]]:
    """A function of the model that gives R@1 on plain, and on cropped, greyed and brightened queries."""

    def evaluate(model: TclrModel) -> dict[str, float]:
        def embed(dataset: PreparedDataset, alteration: Alteration | None = None) -> object:
            with autocast():
                vectors = embed_videos(
                    features=model.features,
                    dataset=dataset,
                    spec=spec,
                    device=device,
                    keep_timesteps=False,
                    alteration=alteration,
                )
            return labelled(vectors=vectors, dataset=dataset)

        known = embed(gallery)
        plain = recall_at(queries=embed(queries), gallery=known, ranks=(1,))
        altered = recall_at(queries=embed(queries, Alteration()), gallery=known, ranks=(1,))
        return {"recall_at_1": plain[1], "recall_at_1_altered": altered[1]}

    return evaluate
