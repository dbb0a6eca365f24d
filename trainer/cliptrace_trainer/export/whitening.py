"""PCA-whitening of timestep features, learned on training segments."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import TrainerError


@dataclass(frozen=True, kw_only=True)
class Whitening:
    """An affine map: matrix [out, in] applied to (features - mean [in]); float32.

    A mean [timesteps, in] centres each timestep of a clip by its own place: TCLR's global-local loss teaches an
    encoder to tell the places of a clip apart, and what is common to a place says nothing about the content.
    """

    mean: torch.Tensor
    matrix: torch.Tensor

    def apply(self, features: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out]."""
        return (features - self.mean.to(features.device)) @ self.matrix.T.to(features.device)


@dataclass(frozen=True, kw_only=True)
class WhiteningRule:
    """How far features are whitened; the defaults whiten them wholly, `power` 0 only turns them to principal axes.

    An axis of variance v is divided by (v + shrinkage x the mean variance) ** power, which keeps axes of little
    variance, mostly noise, from being blown up. `centring` is the share of the mean that is taken away: without any,
    all cosines of an encoder that ends in a ReLU are high, and what they tell apart is better for classes than for
    the limits of a copy.

    Raises TrainerError WHITENING_SHRINKAGE, WHITENING_POWER, WHITENING_CENTRING.
    """

    shrinkage: float = 0.01
    power: float = 0.5
    centring: float = 1.0

    def __post_init__(self) -> None:
        if not self.shrinkage > 0:
            raise TrainerError(
                "WHITENING_SHRINKAGE",
                f"shrinkage is {self.shrinkage}; it must be above 0, or axes without variance divide by 0",
            )
        if not 0 <= self.power <= 0.5:
            raise TrainerError("WHITENING_POWER", f"power is {self.power}; it must lie in 0..0.5, 0.5 whitens wholly")
        if not 0 <= self.centring <= 1:
            raise TrainerError("WHITENING_CENTRING", f"centring is {self.centring}; it must lie in 0..1")


def fit_pca_whitening(
    *, features: torch.Tensor | np.ndarray, dimension_out: int, rule: WhiteningRule | None = None
) -> Whitening:
    """Whitening onto the `dimension_out` strongest principal axes of features [m, d], or of the timesteps [m, t, d]
    of m clips, which are centred place by place.

    Variances are taken about what `rule` takes away. Computed in float64; each axis points where its largest
    component is positive, so that equal features give equal matrices.

    Raises TrainerError WHITENING_FEATURES, WHITENING_DIMENSION.
    """
    rule = rule or WhiteningRule()
    rows = np.asarray(features.detach().cpu() if isinstance(features, torch.Tensor) else features, dtype=np.float64)
    _check(rows, dimension_out)
    mean = rule.centring * rows.mean(axis=0)
    centred = (rows - mean).reshape(-1, rows.shape[-1])
    places = len(centred) // len(rows)
    variances, axes = np.linalg.eigh(centred.T @ centred / ((len(rows) - 1) * places))
    variances, axes = variances[::-1].clip(min=0), axes[:, ::-1].T
    if variances.mean() == 0:
        raise TrainerError("WHITENING_FEATURES", "all rows are equal; give the features of different clips")
    strongest = np.abs(axes).argmax(axis=1)
    axes = axes * np.sign(axes[np.arange(len(axes)), strongest])[:, None]
    scale = (variances + rule.shrinkage * variances.mean()) ** -rule.power
    matrix = (axes * scale[:, None])[:dimension_out]
    return Whitening(mean=torch.from_numpy(mean).float(), matrix=torch.from_numpy(matrix.copy()).float())


def fit_stream_whitening(
    *,
    features: torch.Tensor | np.ndarray,
    dimensions: Sequence[int],
    dimension_out: int,
    rule: WhiteningRule | None = None,
) -> Whitening:
    """PCA-whitening of each stream of a backbone by itself, features [m, sum of dimensions] or [m, t, sum].

    `dimension_out` is shared out equally among the streams (the first ones take what is left over), so that no stream
    outweighs another; with one stream it is fit_pca_whitening.

    Raises TrainerError WHITENING_FEATURES, WHITENING_DIMENSION.
    """
    rows = features.detach().cpu().numpy() if isinstance(features, torch.Tensor) else np.asarray(features)
    share, over = divmod(dimension_out, len(dimensions))
    parts = [
        fit_pca_whitening(features=part, dimension_out=share + (place < over), rule=rule)
        for place, part in enumerate(np.split(rows, np.cumsum(dimensions)[:-1], axis=-1))
    ]
    return Whitening(
        mean=torch.cat([part.mean for part in parts], dim=-1), matrix=torch.block_diag(*[part.matrix for part in parts])
    )


def _check(rows: np.ndarray, dimension_out: int) -> None:
    if rows.ndim not in (2, 3) or len(rows) < 2 or not np.isfinite(rows).all():
        raise TrainerError(
            "WHITENING_FEATURES",
            f"features have shape {list(rows.shape)}, or a value that is not finite; "
            "give [m, d] or [m, t, d] with m >= 2",
        )
    if not 1 <= dimension_out <= rows.shape[-1]:
        raise TrainerError(
            "WHITENING_DIMENSION", f"dimension_out is {dimension_out}; it must lie in 1..{rows.shape[-1]}"
        )
