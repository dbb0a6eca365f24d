"""A run that was stopped, by a kill or by Ctrl-C, goes on as if it had not been."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from cliptrace_trainer.cli import main
from cliptrace_trainer.training.checkpoint import load_checkpoint
from tiny import tiny_run

EPOCHS = 3
STEPS = 3 * EPOCHS


def assert_same(first: Path, second: Path) -> None:
    """Bit-identical weights, optimizer state, progress and random states."""
    one, other = load_checkpoint(first), load_checkpoint(second)
    for name, value in one["model"].items():
        assert torch.equal(value, other["model"][name]), name
    for key, state in one["optimizer"]["state"].items():
        for name, value in state.items():
            assert torch.equal(value, other["optimizer"]["state"][key][name]), (key, name)
    not_computed = {"trained_seconds": 0, "best_score": None}
    assert {**one["progress"], **not_computed} == {**other["progress"], **not_computed}
    assert torch.equal(one["random"]["torch"], other["random"]["torch"])
    assert one["schedule"] == other["schedule"]


@pytest.mark.parametrize("stop", [1, 3, 4])
def test_a_run_stopped_at_any_step_resumes_bit_identically(make_dataset, tmp_path, stop):
    dataset = make_dataset(videos=13)
    tiny_run(dataset=dataset, out=tmp_path / "whole", epochs=2).train()
    part = tiny_run(dataset=dataset, out=tmp_path / "part", epochs=2, options={"stop_after_steps": stop}).train()
    assert not part.finished and part.progress.step == stop
    torch.manual_seed(1234)  # whatever the new process has drawn before
    rest = tiny_run(dataset=dataset, out=tmp_path / "part", epochs=2)
    rest.resume(part.checkpoint)
    assert rest.train().finished
    assert_same(tmp_path / "whole" / "last.pt", tmp_path / "part" / "last.pt")


def test_evaluation_beside_training_does_not_change_the_run(make_dataset, tmp_path):
    dataset = make_dataset()
    tiny_run(dataset=dataset, out=tmp_path / "plain").train()
    watched = tiny_run(dataset=dataset, out=tmp_path / "watched", options={"evaluate_every_epochs": 1})
    watched._evaluate = lambda _: {"recall_at_1": float(torch.rand(1))}
    watched.train()
    assert_same(tmp_path / "plain" / "last.pt", tmp_path / "watched" / "last.pt")
    assert (tmp_path / "watched" / "best.pt").is_file()


def command(folder: Path, out: Path, *extra: str) -> list[str]:
    return [
        sys.executable, "-m", "cliptrace_trainer", "train",
        "--data", str(folder), "--out", str(out), "--preset", "paper", "--backbone", "compact-r3d",
        "--width", "16", "--height", "16", "--span-seconds", "1", "--global-frames", "8",
        "--local-clips", "2", "--local-frames", "4", "--batch-size", "4", "--epochs", str(EPOCHS),
        "--schedule", "cosine", "--warm-up-epochs", "1", "--save-every-seconds", "0",
        "--log-every-steps", "1", "--threads", "1", "--no-tensorboard", "--device", "cpu",
        "--precision", "float32", *extra,
    ]  # fmt: skip


def logged_steps(out: Path) -> list[int]:
    curves = out / "curves.csv"
    if not curves.is_file():
        return []
    with curves.open() as stream:
        return [int(row["step"]) for row in csv.DictReader(stream) if (row["step"] or "").isdigit()]


def start_and_wait_for_step(arguments: list[str], out: Path, step: int) -> subprocess.Popen:
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (steps := logged_steps(out)) or max(steps) < step:
        assert process.poll() is None, process.stdout.read().decode()
        assert time.monotonic() < deadline, "the run logged no step in two minutes"
        time.sleep(0.01)
    return process


def test_sigkill_and_resume_give_the_weights_of_an_uninterrupted_run(make_dataset, tmp_path):
    folder = make_dataset(videos=13).folder
    process = start_and_wait_for_step(command(folder, tmp_path / "killed"), tmp_path / "killed", 4)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    killed_at = load_checkpoint(tmp_path / "killed" / "last.pt")["progress"]["step"]
    assert 3 <= killed_at < STEPS
    # The same command line in this process, which has drawn other random numbers before.
    assert main(command(folder, tmp_path / "killed", "--resume")[3:]) == 0
    assert main(command(folder, tmp_path / "whole")[3:]) == 0
    assert_same(tmp_path / "whole" / "last.pt", tmp_path / "killed" / "last.pt")
    assert logged_steps(tmp_path / "killed") == list(range(1, STEPS + 1))


def test_ctrl_c_saves_and_tells_how_it_ended(make_dataset, tmp_path):
    folder, out = make_dataset(videos=13).folder, tmp_path / "run"
    arguments = [*command(folder, out, "--epochs", "1000"), "--save-every-seconds", "1000", "--workers", "1"]
    process = start_and_wait_for_step(arguments, out, 2)
    # A terminal sends it to the worker process as well, and a wrapper may pass it on once more.
    os.killpg(process.pid, signal.SIGINT)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 130, said
    assert "stopped after" in said and "Traceback" not in said
    assert load_checkpoint(out / "last.pt")["progress"]["step"] == max(logged_steps(out))
