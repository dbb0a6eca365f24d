"""Nearest-neighbour retrieval of videos by class: queries from one set, gallery from another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import TrainerError

DEFAULT_RANKS = (1, 5, 10, 20)


@dataclass(frozen=True, kw_only=True)
class LabelledVectors:
    """Unit-norm vectors [videos, dimension] with one label each."""

    vectors: np.ndarray
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.labels):
            raise ValueError(f"vectors {self.vectors.shape}, {len(self.labels)} labels")


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Rows divided by their length; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-12)


def recall_at(
    *, queries: LabelledVectors, gallery: LabelledVectors, ranks: Sequence[int] = DEFAULT_RANKS
) -> dict[int, float]:
    """Share of queries with their class among the k nearest gallery videos by cosine, for each k.

    Raises TrainerError RETRIEVAL_EMPTY.
    """
    if not len(queries.labels) or not len(gallery.labels):
        raise TrainerError(
            "RETRIEVAL_EMPTY",
            f"{len(queries.labels)} labelled queries, {len(gallery.labels)} labelled gallery videos; "
            "both need at least one: check the split and the labels",
        )
    similarity = queries.vectors @ gallery.vectors.T
    most = min(max(ranks), len(gallery.labels))
    # Stable: equal similarities keep the gallery's order, so that figures repeat.
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :most]
    hits = np.array(gallery.labels)[nearest] == np.array(queries.labels)[:, None]
    return {k: float(hits[:, :k].any(axis=1).mean()) for k in ranks}


def as_columns(recalls: Mapping[int, float]) -> dict[str, float]:
    return {f"recall_at_{k}": value for k, value in recalls.items()}
