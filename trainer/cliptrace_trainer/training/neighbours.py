"""The bank of every video's latest projections, and which videos were nearest to each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from .examples import VIEWS

# Of the old projection, at each visit.
_MOMENTUM = 0.5
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, kw_only=True)
class Neighbourhood:
    """What the loss of a batch needs: bank [streams, videos, d], known [videos], own [batch], nearest [batch, k]."""

    bank: torch.Tensor
    known: torch.Tensor
    own: torch.Tensor
    nearest: torch.Tensor


class NeighbourBank:
    """Unit-norm projections of all videos, by stream, [streams, videos, d]; neighbours are fixed for an epoch.

    Nearness is the sum of the cosines of all streams: one stream's error is mended by another.
    """

    def __init__(self, *, videos: Sequence[str], streams: int, dimension: int, neighbours: int) -> None:
        self._places = {video: place for place, video in enumerate(videos)}
        self._rows = torch.zeros(streams, len(videos), dimension)
        self._known = torch.zeros(len(videos), dtype=torch.bool)
        self._nearest = torch.full((len(videos), min(neighbours, len(videos) - 1)), -1)

    def start_epoch(self) -> None:
        """Find each known video's neighbours anew. Unknown ones have none (-1) and are nobody's."""
        count = self._nearest.shape[1]
        self._nearest.fill_(-1)
        # Fewer known videos than neighbours wanted: the term waits.
        if int(self._known.sum()) <= count:
            return
        for start in range(0, len(self._known), _ROWS_AT_ONCE):
            part = torch.einsum("spd,svd->pv", self._rows[:, start : start + _ROWS_AT_ONCE], self._rows)
            own = torch.arange(start, start + len(part))
            part.masked_fill_(~self._known, float("-inf")).scatter_(1, own[:, None], float("-inf"))
            nearest = part.topk(count, dim=1).indices
            self._nearest[own] = torch.where(self._known[own][:, None], nearest, -1)

    def around(self, videos: Sequence[str], *, device: torch.device) -> Neighbourhood:
        own = self._own(videos)
        return Neighbourhood(
            bank=self._rows.to(device),
            known=self._known.to(device),
            own=own.to(device),
            nearest=self._nearest[own].to(device),
        )

    @torch.no_grad()
    def remember(
        self,
        *,
        videos: Sequence[str],
        projections: Sequence[torch.Tensor],
        gather: Callable[[torch.Tensor], torch.Tensor] | None,
    ) -> None:
        """Blend in a batch's projections, one [2 x batch, d] a stream: view 0 of every video, then view 1.

        `gather` joins the ranks' batches, so that every rank keeps the same bank.
        """
        join = gather or _alone
        own = join(self._own(videos).to(projections[0].device)).cpu()
        for stream, rows in enumerate(projections):
            views = rows.detach().float().reshape(VIEWS, -1, rows.shape[-1])
            new = join(functional.normalize(views.sum(dim=0), dim=-1)).cpu()
            old = self._rows[stream, own]
            self._rows[stream, own] = functional.normalize(_MOMENTUM * old + (1 - _MOMENTUM) * new, dim=-1)
        self._known[own] = True

    def state_dict(self) -> dict:
        return {"rows": self._rows, "known": self._known, "nearest": self._nearest}

    def load_state_dict(self, state: dict) -> None:
        """An empty state (of a run that had no bank) leaves the bank empty; so does one of another set of videos."""
        if state and state["rows"].shape == self._rows.shape and state["nearest"].shape == self._nearest.shape:
            self._rows, self._known, self._nearest = (state[name].clone() for name in ("rows", "known", "nearest"))

    def _own(self, videos: Sequence[str]) -> torch.Tensor:
        return torch.tensor([self._places[video] for video in videos])


def _alone(rows: torch.Tensor) -> torch.Tensor:
    return rows
