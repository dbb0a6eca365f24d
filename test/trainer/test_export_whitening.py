"""PCA-whitening against its definition."""

import numpy as np
import pytest
import torch
from cliptrace_trainer.errors import TrainerError
from cliptrace_trainer.export import WhiteningRule, fit_pca_whitening, fit_stream_whitening


def correlated(rows: int = 400, dimension: int = 6, *, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, dimension)) @ rng.normal(size=(dimension, dimension)) + rng.normal(size=dimension)


def test_whitened_features_have_nearly_unit_covariance() -> None:
    rows = correlated()
    whitening = fit_pca_whitening(features=rows, dimension_out=6, rule=WhiteningRule(shrinkage=1e-9))
    whitened = whitening.apply(torch.from_numpy(rows).float()).numpy()
    assert np.abs(whitened.mean(axis=0)).max() < 1e-4
    assert np.abs(np.cov(whitened.T) - np.eye(6)).max() < 1e-3


def test_each_axis_is_an_eigenvector_divided_by_its_shrunk_deviation() -> None:
    rows = correlated()
    whitening = fit_pca_whitening(features=rows, dimension_out=4, rule=WhiteningRule(shrinkage=0.2))
    covariance = np.cov(rows.T)
    variances = np.sort(np.linalg.eigvalsh(covariance))[::-1]
    for axis, variance in zip(whitening.matrix.double().numpy(), variances, strict=False):
        length = np.linalg.norm(axis)
        assert length == pytest.approx(1 / np.sqrt(variance + 0.2 * variances.mean()), rel=1e-4)
        direction = axis / length
        assert np.allclose(covariance @ direction, variance * direction, atol=1e-4 * variances[0])
        assert direction[np.abs(direction).argmax()] > 0


def test_timesteps_are_centred_place_by_place() -> None:
    rng = np.random.default_rng(5)
    content = rng.normal(size=(300, 1, 6)) @ rng.normal(size=(6, 6)) + 0.1 * rng.normal(size=(300, 4, 6))
    places = 10 * rng.normal(size=(4, 6))
    whitening = fit_pca_whitening(features=content + places, dimension_out=6, rule=WhiteningRule(shrinkage=1e-9))
    assert whitening.mean.shape == (4, 6)
    whitened = whitening.apply(torch.from_numpy(content + places).float()).numpy()
    # No place differs from another on average, and all together have unit covariance.
    assert np.abs(whitened.mean(axis=0)).max() < 1e-4
    assert np.abs(np.cov(whitened.reshape(-1, 6).T) - np.eye(6)).max() < 1e-2
    # What is added to a place changes nothing.
    without = fit_pca_whitening(features=content, dimension_out=6, rule=WhiteningRule(shrinkage=1e-9))
    assert torch.allclose(without.matrix, whitening.matrix, atol=1e-4)


def test_the_order_of_rows_does_not_matter() -> None:
    rows = correlated()
    first = fit_pca_whitening(features=rows, dimension_out=6)
    second = fit_pca_whitening(features=torch.from_numpy(rows[::-1].copy()), dimension_out=6)
    assert torch.allclose(first.matrix, second.matrix, atol=1e-5)
    assert torch.allclose(first.mean, second.mean, atol=1e-6)


def test_fewer_rows_than_axes_stay_finite() -> None:
    whitening = fit_pca_whitening(features=correlated(3, 6), dimension_out=6)
    assert torch.isfinite(whitening.matrix).all()


@pytest.mark.parametrize(
    ("features", "dimension_out", "shrinkage", "code"),
    [
        (np.zeros((1, 4)), 2, 0.1, "WHITENING_FEATURES"),
        (np.zeros((5, 4)), 2, 0.1, "WHITENING_FEATURES"),
        (np.full((5, 4), np.nan), 2, 0.1, "WHITENING_FEATURES"),
        (np.zeros(4), 2, 0.1, "WHITENING_FEATURES"),
        (correlated(9, 4), 5, 0.1, "WHITENING_DIMENSION"),
        (correlated(9, 4), 0, 0.1, "WHITENING_DIMENSION"),
        (correlated(9, 4), 2, 0.0, "WHITENING_SHRINKAGE"),
    ],
)
def test_what_cannot_be_whitened_is_refused(features, dimension_out: int, shrinkage: float, code: str) -> None:
    with pytest.raises(TrainerError) as caught:
        fit_pca_whitening(features=features, dimension_out=dimension_out, rule=WhiteningRule(shrinkage=shrinkage))
    assert caught.value.code == code


def test_streams_are_whitened_apart_and_share_the_dimension() -> None:
    rows = np.concatenate([correlated(200, 6), 50 * correlated(200, 8)], axis=1)
    whitening = fit_stream_whitening(
        features=rows, dimensions=(6, 8), dimension_out=7, rule=WhiteningRule(shrinkage=1e-9)
    )
    assert whitening.matrix.shape == (7, 14)
    first = fit_pca_whitening(features=rows[:, :6], dimension_out=4, rule=WhiteningRule(shrinkage=1e-9))
    second = fit_pca_whitening(features=rows[:, 6:], dimension_out=3, rule=WhiteningRule(shrinkage=1e-9))
    out = whitening.apply(torch.from_numpy(rows).float())
    apart = [part.apply(torch.from_numpy(half).float()) for part, half in ((first, rows[:, :6]), (second, rows[:, 6:]))]
    assert torch.allclose(out, torch.cat(apart, dim=1), atol=1e-4)
    # A stream fifty times as loud weighs no more than the other.
    assert torch.allclose(out.var(dim=0), torch.ones(7), atol=0.02)


def test_a_power_of_zero_only_turns_and_keeps_every_angle() -> None:
    rows = correlated()
    turned = fit_pca_whitening(features=rows, dimension_out=6, rule=WhiteningRule(power=0.0, centring=0.0))
    assert torch.equal(turned.mean, torch.zeros(6))
    out = turned.apply(torch.from_numpy(rows).float()).numpy()
    assert np.allclose(out @ out.T, rows @ rows.T, rtol=1e-4, atol=1e-3)
    # The strongest axis comes first, about the origin: with the mean in it.
    assert (np.diff((out**2).mean(axis=0)) <= 1e-4).all()


def test_a_part_of_the_mean_may_stay() -> None:
    rows = correlated()
    half = fit_pca_whitening(features=rows, dimension_out=6, rule=WhiteningRule(centring=0.5))
    assert np.allclose(half.mean.numpy(), rows.mean(axis=0) / 2, atol=1e-5)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"power": 0.6}, "WHITENING_POWER"),
        ({"power": -0.1}, "WHITENING_POWER"),
        ({"centring": 1.5}, "WHITENING_CENTRING"),
        ({"shrinkage": float("nan")}, "WHITENING_SHRINKAGE"),
    ],
)
def test_rules_out_of_range_are_refused(values: dict[str, float], code: str) -> None:
    with pytest.raises(TrainerError) as caught:
        WhiteningRule(**values)
    assert caught.value.code == code
