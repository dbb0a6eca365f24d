"""The curves on disk, as a spreadsheet and as TensorBoard read them."""

import csv

from cliptrace_trainer.training.curves import Curves
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def test_each_value_is_in_the_csv_and_in_tensorboard(tmp_path):
    curves = Curves(folder=tmp_path, from_step=0)
    curves.add(step=1, total=3.5, learning_rate=0.001)
    curves.add(step=2, total=3.25, learning_rate=0.001)
    curves.add(step=2, recall_at_1=0.5)
    curves.close()
    with (tmp_path / "curves.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["step"], row["total"], row["recall_at_1"]) for row in rows] == [
        ("1", "3.5", ""),
        ("2", "3.25", ""),
        ("2", "", "0.5"),
    ]
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(point.step, point.value) for point in events.Scalars("total")] == [(1, 3.5), (2, 3.25)]
    assert [point.value for point in events.Scalars("recall_at_1")] == [0.5]


def test_rows_that_a_killed_run_wrote_after_its_checkpoint_are_cut(tmp_path):
    first = Curves(folder=tmp_path, from_step=0, tensorboard=False)
    for step in (1, 2, 3):
        first.add(step=step, total=float(step))
    first.close()
    with (tmp_path / "curves.csv").open("a") as stream:
        stream.write("4,0.1,")
    again = Curves(folder=tmp_path, from_step=2, tensorboard=False)
    again.add(step=3, total=30.0)
    again.close()
    with (tmp_path / "curves.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["step"], row["total"]) for row in rows] == [("1", "1"), ("2", "2"), ("3", "30")]
