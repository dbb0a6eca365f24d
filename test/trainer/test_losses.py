"""Each loss against a slow loop written from the paper, over many shapes and temperatures, and closed forms."""

import math

import pytest
import torch
from cliptrace_trainer.errors import TrainerError
from cliptrace_trainer.losses import (
    LossWeights,
    global_local_loss,
    instance_global_loss,
    instance_local_loss,
    local_local_loss,
    nt_xent,
    tclr_loss,
)

TERMS = ("instance_global", "instance_local", "local_local", "global_local")
CASES = [(1, 3, 2, 0.1), (2, 8, 4, 0.1), (3, 5, 3, 0.07), (5, 16, 4, 0.5), (7, 32, 8, 1.0), (4, 2, 1, 0.2)]


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(*shape, generator=generator, dtype=dtype), dim=-1)


def batch_of(batch: int, dimension: int, count: int, *, timesteps: int | None = None) -> dict[str, torch.Tensor]:
    timesteps = timesteps or count
    return {
        "global0": draw(batch, dimension, seed=1),
        "global1": draw(batch, dimension, seed=2),
        "timestep0": draw(batch, timesteps, dimension, seed=3),
        "timestep1": draw(batch, timesteps, dimension, seed=4),
        "local0": draw(batch, count, dimension, seed=5),
        "local1": draw(batch, count, dimension, seed=6),
    }


def slow_nt_xent(first: torch.Tensor, second: torch.Tensor, temperature: float) -> float:
    rows = [row.tolist() for row in [*first, *second]]
    count, total = len(first), 0.0
    for k, row in enumerate(rows):
        logits = {
            j: sum(a * b for a, b in zip(row, other, strict=True)) / temperature
            for j, other in enumerate(rows)
            if j != k
        }
        positive = logits[(k + count) % (2 * count)]
        total += math.log(sum(math.exp(value) for value in logits.values())) - positive
    return total / (2 * count)


def slow_instance_local(local0: torch.Tensor, local1: torch.Tensor, temperature: float) -> float:
    views, chunks = (local0, local1), local0.shape[1]
    total = 0.0
    for i in range(2):
        for j in range(2):
            for c in range(chunks):
                for d in range(chunks):
                    if (i, c) != (j, d):
                        total += slow_nt_xent(views[i][:, c], views[j][:, d], temperature)
    return total / chunks


def slow_global_local(timesteps: tuple, chunks: tuple, temperature: float) -> float:
    total = 0.0
    for steps in timesteps:
        for locals_ in chunks:
            for b in range(len(steps)):
                matrix = (steps[b] @ locals_[b].T / temperature).tolist()
                count = len(matrix)
                for k in range(count):
                    row, column = matrix[k], [matrix[r][k] for r in range(count)]
                    for line in (row, column):
                        total += math.log(sum(math.exp(value) for value in line)) - line[k]
    return total / (2 * len(timesteps[0]))


@pytest.mark.parametrize(("batch", "dimension", "count", "temperature"), CASES)
def test_every_term_equals_its_loop(batch: int, dimension: int, count: int, temperature: float) -> None:
    views = batch_of(batch, dimension, count)
    terms = tclr_loss(**views, temperature=temperature)
    expected = {
        "instance_global": slow_nt_xent(views["global0"], views["global1"], temperature),
        "instance_local": slow_instance_local(views["local0"], views["local1"], temperature),
        "local_local": sum(
            slow_nt_xent(a, b, temperature) for a, b in zip(views["local0"], views["local1"], strict=True)
        ),
        "global_local": slow_global_local(
            (views["timestep0"], views["timestep1"]), (views["local0"], views["local1"]), temperature
        ),
    }
    for name in TERMS:
        assert getattr(terms, name).item() == pytest.approx(expected[name], rel=1e-9, abs=1e-9), name
    assert terms.total.item() == pytest.approx(sum(expected.values()), rel=1e-9, abs=1e-9)


def test_weights_scale_the_total_only() -> None:
    views = batch_of(3, 8, 4)
    plain = tclr_loss(**views)
    weights = LossWeights(instance_global=2, instance_local=0.5, local_local=3, global_local=0.25)
    weighted = tclr_loss(**views, weights=weights)
    expected = sum(getattr(weights, name) * getattr(plain, name) for name in TERMS)
    assert weighted.total.item() == pytest.approx(expected.item(), rel=1e-12)
    assert all(getattr(weighted, name) == getattr(plain, name) for name in TERMS)


@pytest.mark.parametrize("skipped", TERMS)
def test_a_weight_of_zero_skips_its_term(skipped: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise AssertionError(f"{skipped} was computed")

    monkeypatch.setattr(f"cliptrace_trainer.losses.tclr.{skipped}_loss", refuse)
    terms = tclr_loss(**batch_of(3, 8, 4), weights=LossWeights(**{skipped: 0.0}))
    assert getattr(terms, skipped).item() == 0
    assert terms.total.item() == pytest.approx(sum(getattr(terms, name).item() for name in TERMS), rel=1e-12)


def test_all_rows_alike_give_the_logarithm_of_the_choices() -> None:
    batch, count, dimension = 5, 4, 8
    row = draw(1, dimension)
    clips, chunks = row.expand(batch, dimension), row.expand(batch, count, dimension)
    terms = tclr_loss(global0=clips, global1=clips, timestep0=chunks, timestep1=chunks, local0=chunks, local1=chunks)
    views = 2 * count
    assert terms.instance_global.item() == pytest.approx(math.log(2 * batch - 1))
    assert terms.instance_local.item() == pytest.approx(views * (views - 1) / count * math.log(2 * batch - 1))
    assert terms.local_local.item() == pytest.approx(batch * math.log(2 * count - 1))
    assert terms.global_local.item() == pytest.approx(4 * count * math.log(count))


def test_separated_rows_give_a_loss_of_nearly_nothing() -> None:
    rows = torch.eye(6, dtype=torch.float64)
    assert nt_xent(first=rows, second=rows, temperature=0.05).item() < 1e-7
    chunks = rows.expand(3, 6, 6)
    loss = global_local_loss(timestep0=chunks, timestep1=chunks, local0=chunks, local1=chunks, temperature=0.05)
    assert loss.item() < 1e-6


def test_augmentations_may_be_exchanged_and_videos_and_chunks_reordered() -> None:
    views = batch_of(4, 8, 3)
    swapped = {name[:-1] + str(1 - int(name[-1])): value for name, value in views.items()}
    videos = {name: value[[2, 0, 3, 1]] for name, value in views.items()}
    chunks = {name: value if name.startswith("global") else value[:, [1, 2, 0]] for name, value in views.items()}
    plain = tclr_loss(**views)
    for other in (swapped, videos, chunks):
        terms = tclr_loss(**other)
        for name in (*TERMS, "total"):
            assert getattr(terms, name).item() == pytest.approx(getattr(plain, name).item(), rel=1e-9), name


def test_lengths_of_rows_do_not_matter() -> None:
    views = batch_of(3, 8, 4)
    longer = {name: value * 3.7 for name, value in views.items()}
    assert tclr_loss(**longer).total.item() == pytest.approx(tclr_loss(**views).total.item(), rel=1e-9)


@pytest.mark.parametrize(("timesteps", "chunks"), [(8, 4), (4, 8), (5, 3)])
def test_the_longer_of_timesteps_and_chunks_is_averaged(timesteps: int, chunks: int) -> None:
    views = batch_of(3, 8, chunks, timesteps=timesteps)
    shorter = min(timesteps, chunks)

    def pooled(rows: torch.Tensor) -> torch.Tensor:
        count = rows.shape[1]
        bounds = [(i * count // shorter, -(-(i + 1) * count // shorter)) for i in range(shorter)]
        groups = torch.stack([rows[:, start:end].mean(dim=1) for start, end in bounds], dim=1)
        return torch.nn.functional.normalize(groups, dim=-1)

    expected = slow_global_local(
        (pooled(views["timestep0"]), pooled(views["timestep1"])),
        (pooled(views["local0"]), pooled(views["local1"])),
        0.1,
    )
    assert tclr_loss(**views).global_local.item() == pytest.approx(expected, rel=1e-9)


def test_one_video_alone_has_no_negatives_and_finite_gradients() -> None:
    views = {name: value.requires_grad_() for name, value in batch_of(1, 8, 4).items()}
    terms = tclr_loss(**views)
    assert terms.instance_global.item() == pytest.approx(0, abs=1e-12)
    assert terms.instance_local.item() == pytest.approx(0, abs=1e-9)
    terms.total.backward()
    assert all(torch.isfinite(value.grad).all() for value in views.values())


@pytest.mark.parametrize("term", TERMS)
def test_gradients_are_those_of_finite_differences(term: str) -> None:
    names = {
        "instance_global": ("global0", "global1"),
        "instance_local": ("local0", "local1"),
        "local_local": ("local0", "local1"),
        "global_local": ("timestep0", "timestep1", "local0", "local1"),
    }[term]
    loss = {
        "instance_global": instance_global_loss,
        "instance_local": instance_local_loss,
        "local_local": local_local_loss,
        "global_local": global_local_loss,
    }[term]
    views = batch_of(3, 4, 3)
    inputs = tuple(views[name].requires_grad_() for name in names)
    assert torch.autograd.gradcheck(lambda *rows: loss(**dict(zip(names, rows, strict=True)), temperature=0.3), inputs)


def test_similarities_stay_in_float32_under_autocast() -> None:
    views = {name: value.float() for name, value in batch_of(8, 64, 4).items()}
    expected = tclr_loss(**views)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = tclr_loss(**views)
    for name in (*TERMS, "total"):
        value = getattr(terms, name)
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(getattr(expected, name).item(), rel=1e-6), name


def test_half_precision_rows_give_a_float32_loss() -> None:
    views = {name: value.bfloat16() for name, value in batch_of(4, 16, 4).items()}
    lifted = {name: value.float() for name, value in views.items()}
    assert tclr_loss(**views).total.dtype == torch.float32
    assert tclr_loss(**views).total.item() == pytest.approx(tclr_loss(**lifted).total.item(), rel=1e-5)


def test_gathered_ranks_average_to_the_joint_batch_in_value_and_gradient() -> None:
    ranks, batch = 3, 4
    joint = {name: value.requires_grad_() for name, value in batch_of(ranks * batch, 8, 4).items()}
    expected = tclr_loss(**joint)
    expected.total.backward()

    parts = {
        name: [value.detach()[r * batch : (r + 1) * batch].requires_grad_() for r in range(ranks)]
        for name, value in joint.items()
    }

    def gather(rows: torch.Tensor) -> torch.Tensor:
        # What the collective does: find the same tensor's parts on all ranks. Its gradient sums over the ranks.
        for shards in parts.values():
            if any(rows is shard for shard in shards):
                return torch.cat(shards)
        return rows.repeat(ranks, *[1] * (rows.ndim - 1))

    per_rank = [tclr_loss(**{name: shards[r] for name, shards in parts.items()}, gather=gather) for r in range(ranks)]
    for name in (*TERMS, "total"):
        mean = sum(getattr(terms, name).item() for terms in per_rank) / ranks
        assert mean == pytest.approx(getattr(expected, name).item(), rel=1e-9), name
    (sum(terms.total for terms in per_rank) / ranks).backward()
    for name, shards in parts.items():
        assert torch.allclose(torch.cat([shard.grad for shard in shards]), joint[name].grad, rtol=1e-9), name


@pytest.mark.parametrize(
    "change",
    [
        {"global1": (3, 8)},
        {"timestep0": (4, 3, 8), "timestep1": (4, 4, 8)},
        {"local0": (4, 4, 9), "local1": (4, 4, 9)},
        {"local0": (4, 8), "local1": (4, 8)},
        {"local0": (4, 0, 8), "local1": (4, 0, 8)},
    ],
)
def test_shapes_that_do_not_fit_are_named(change: dict[str, tuple[int, ...]]) -> None:
    views = batch_of(4, 8, 4) | {name: torch.ones(shape) for name, shape in change.items()}
    with pytest.raises(TrainerError) as caught:
        tclr_loss(**views)
    assert caught.value.code == "LOSS_SHAPES"
    name, shape = next(iter(change.items()))
    assert f"{name} {list(shape)}" in caught.value.message


@pytest.mark.parametrize("temperature", [0.0, -0.1, float("nan")])
def test_a_temperature_that_is_not_above_zero_is_refused(temperature: float) -> None:
    with pytest.raises(TrainerError) as caught:
        tclr_loss(**batch_of(2, 8, 4), temperature=temperature)
    assert caught.value.code == "LOSS_TEMPERATURE"
    assert str(temperature) in caught.value.message
