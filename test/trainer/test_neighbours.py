"""Neighbour contrast against loops, and the bank that finds the neighbours."""

import math

import pytest
import torch
from cliptrace_trainer.losses import LossWeights, neighbour_loss
from cliptrace_trainer.training.checkpoint import load_checkpoint
from cliptrace_trainer.training.neighbours import NeighbourBank
from test_resume import assert_same
from tiny import CPU, tiny_run

VIDEOS = ["a", "b", "c", "d", "e", "f", "g"]


def unit(*shape: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(*shape, generator=generator), dim=-1)


def slow_loss(rows, bank, own, nearest, known, temperature) -> float:
    total, count = 0.0, 0
    for row, place, chosen in zip(rows, own, nearest, strict=True):
        logits = {
            other: float(row @ bank[other]) / temperature
            for other in range(len(bank))
            if other != int(place) and bool(known[other])
        }
        all_of_them = math.log(sum(math.exp(value) for value in logits.values()))
        for other in chosen.tolist():
            if other >= 0:
                total += all_of_them - logits[other]
                count += 1
    return total / max(1, count)


@pytest.mark.parametrize(("neighbours", "temperature"), [(1, 0.1), (3, 0.1), (4, 0.5)])
def test_the_loss_equals_its_loop(neighbours: int, temperature: float) -> None:
    bank, rows = unit(9, 6, seed=1), unit(5, 6, seed=2)
    known = torch.tensor([True] * 7 + [False] * 2)
    own = torch.tensor([0, 3, 3, 8, 5])
    nearest = torch.tensor([[(int(mine) + step) % 7 for step in range(1, neighbours + 1)] for mine in own])
    nearest[3] = -1
    arguments = {"rows": rows, "bank": bank, "own": own, "nearest": nearest, "known": known}
    loss = neighbour_loss(**arguments, temperature=temperature)
    assert loss.item() == pytest.approx(slow_loss(*arguments.values(), temperature), rel=1e-5)


def test_without_any_neighbour_loss_and_gradient_are_zero() -> None:
    rows = unit(2, 4, seed=1).requires_grad_()
    loss = neighbour_loss(
        rows=rows,
        bank=unit(3, 4, seed=2),
        own=torch.tensor([0, 1]),
        nearest=torch.full((2, 2), -1),
        known=torch.ones(3, dtype=torch.bool),
        temperature=0.1,
    )
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(rows.grad, torch.zeros(2, 4))


def filled(*, neighbours: int = 2, unknown: int = 0) -> tuple[NeighbourBank, list[torch.Tensor]]:
    bank = NeighbourBank(videos=VIDEOS, streams=2, dimension=5, neighbours=neighbours)
    rows = [unit(len(VIDEOS), 5, seed=seed) for seed in (1, 2)]
    seen = len(VIDEOS) - unknown
    bank.remember(videos=VIDEOS[:seen], projections=[torch.cat([part[:seen]] * 2) for part in rows], gather=None)
    return bank, rows


def test_neighbours_are_those_of_the_summed_cosines() -> None:
    bank, rows = filled()
    bank.start_epoch()
    around = bank.around(VIDEOS, device=CPU)
    similarity = sum(part @ part.T for part in rows).fill_diagonal_(-9)
    for place in range(len(VIDEOS)):
        wanted = sorted(range(len(VIDEOS)), key=lambda other: -similarity[place, other])[:2]
        assert around.nearest[place].tolist() == wanted
    assert torch.allclose(around.bank, torch.stack(rows), atol=1e-6)


def test_videos_that_were_never_seen_neither_have_nor_are_neighbours() -> None:
    bank, _ = filled(unknown=2)
    bank.start_epoch()
    around = bank.around(VIDEOS, device=CPU)
    assert around.nearest[-2:].tolist() == [[-1, -1], [-1, -1]]
    assert set(around.nearest[:-2].flatten().tolist()) <= set(range(5))
    assert around.known.tolist() == [True] * 5 + [False] * 2


def test_a_bank_with_too_few_videos_waits() -> None:
    bank, _ = filled(neighbours=4, unknown=3)
    bank.start_epoch()
    assert (bank.around(VIDEOS, device=CPU).nearest == -1).all()


def test_a_second_visit_is_blended_with_the_first() -> None:
    bank, rows = filled()
    new = unit(2, 5, seed=9)
    bank.remember(videos=["c"], projections=[new, new], gather=None)
    kept = bank.around(["c"], device=CPU).bank[0, 2]
    fresh = torch.nn.functional.normalize(new.sum(dim=0), dim=-1)
    wanted = torch.nn.functional.normalize(rows[0][2] + fresh, dim=-1)
    assert torch.allclose(kept, wanted, atol=1e-6)


def test_a_run_with_neighbours_resumes_bit_identically(make_dataset, tmp_path) -> None:
    dataset = make_dataset(videos=13)
    changes = {"epochs": 3, "weights": LossWeights(neighbour=1.0), "neighbours": 2, "neighbour_epoch": 1}
    changes["instance_epochs"] = 2
    tiny_run(dataset=dataset, out=tmp_path / "whole", **changes).train()
    part = tiny_run(dataset=dataset, out=tmp_path / "part", options={"stop_after_steps": 5}, **changes).train()
    rest = tiny_run(dataset=dataset, out=tmp_path / "part", **changes)
    rest.resume(part.checkpoint)
    rest.train()
    assert_same(tmp_path / "whole" / "last.pt", tmp_path / "part" / "last.pt")
    first, second = (load_checkpoint(tmp_path / run / "last.pt")["neighbours"] for run in ("whole", "part"))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (first["nearest"] >= 0).any()
    lines = (tmp_path / "whole" / "curves.csv").read_text().splitlines()
    column = lines[0].split(",").index("neighbour")
    shown = [float(line.split(",")[column]) for line in lines[1:]]
    assert all(value == 0 for value in shown[:3]) and all(value > 0 for value in shown[3:])


def test_a_backbone_of_two_streams_trains_each_by_a_loss_of_its_own(make_dataset, tmp_path) -> None:
    run = tiny_run(dataset=make_dataset(), out=tmp_path / "run", backbone="compact-two-stream", epochs=1)
    assert run.train().finished
    state = load_checkpoint(tmp_path / "run" / "last.pt")["model"]
    assert {name.split(".")[2] for name in state if name.startswith("1.heads.")} == {"0", "1"}


def test_a_checkpoint_tells_what_each_resume_changed(make_dataset, tmp_path) -> None:
    dataset = make_dataset()
    tiny_run(dataset=dataset, out=tmp_path / "run", epochs=1).train()
    for epochs, weights in ((1, LossWeights()), (2, LossWeights(neighbour=0.5))):
        again = tiny_run(dataset=dataset, out=tmp_path / "run", epochs=epochs, weights=weights)
        again.resume(tmp_path / "run" / "last.pt")
        again.train()
    phases = load_checkpoint(tmp_path / "run" / "last.pt")["phases"]
    assert [phase["from_step"] for phase in phases] == [2]
    assert set(phases[0]["changed"]) == {"epochs", "weights"}
    assert phases[0]["changed"]["weights"]["neighbour"] == 0.5
