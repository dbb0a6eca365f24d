"""Preparing datasets from real files."""

import json
import os
import resource
import subprocess
from pathlib import Path

import pytest
from cliptrace_trainer.cli import main
from cliptrace_trainer.data.prepare import prepare
from cliptrace_trainer.data.prepared import PreparedDataset
from cliptrace_trainer.data.sources import from_csv, from_folder, from_hmdb51, from_ucf101
from cliptrace_trainer.errors import TrainerError
from cliptrace_trainer.media import FrameFormat, decode_command, resolve_ffmpeg

FORMAT = FrameFormat(frames_per_second=8, width=16, height=12)
SOURCE = "testsrc=size=64x48:rate=25"


@pytest.fixture
def videos(tmp_path: Path, make_video) -> Path:
    root = tmp_path / "videos"
    make_video(root / "walk" / "a.mp4", source=SOURCE, seconds=1)
    make_video(root / "walk" / "b b.mkv", source="mandelbrot=size=64x48:rate=10", seconds=1)
    make_video(root / "run" / "v_Run_g07_c02.avi", source=SOURCE, seconds=2)
    return root


def run(root: Path, out: Path, ffmpeg: Path, **changes: object):
    return prepare(sources=from_folder(root=root), out=out, **{"frame_format": FORMAT, "ffmpeg": ffmpeg, **changes})


def content(folder: Path) -> dict[str, bytes]:
    dataset = PreparedDataset.open(folder)
    return {video.id: dataset.frames(video).tobytes() for video in dataset.videos}


def test_a_folder_tree_gives_labels_groups_and_the_bytes_of_the_shared_command(videos, tmp_path, ffmpeg):
    summary = run(videos, tmp_path / "out", ffmpeg)
    assert (summary.prepared, summary.already_there, summary.failures) == (3, 0, ())
    dataset = PreparedDataset.open(tmp_path / "out")
    assert [(v.id, v.label, v.group) for v in dataset.videos] == [
        ("run/v_Run_g07_c02.avi", "run", 7),
        ("walk/a.mp4", "walk", None),
        ("walk/b b.mkv", "walk", None),
    ]
    for video in dataset.videos:
        command = decode_command(ffmpeg=ffmpeg, file=videos / video.id, frame_format=FORMAT)
        raw = subprocess.run(command, capture_output=True, check=True).stdout
        assert dataset.frames(video).tobytes() == raw
        assert dataset.frames(video).shape == (video.frames, 12, 16, 3)


def test_one_bad_file_is_listed_and_the_others_are_prepared(videos, tmp_path, ffmpeg, capsys, monkeypatch):
    (videos / "walk" / "text.mp4").write_text("this is no video")
    monkeypatch.setenv("FFMPEG_PATH", str(ffmpeg))
    code = main(["prepare", "--folder", str(videos), "--out", str(tmp_path / "out"), "--width", "16"])
    assert code == 3
    said = capsys.readouterr().out
    assert "3 videos prepared" in said and "VIDEO_UNREADABLE" in said and "text.mp4" in said
    listed = json.loads((tmp_path / "out" / "failures.json").read_text())
    assert [(row["id"], row["code"]) for row in listed] == [("walk/text.mp4", "VIDEO_UNREADABLE")]
    assert len(PreparedDataset.open(tmp_path / "out")) == 3


def test_a_second_run_decodes_only_what_changed(videos, tmp_path, ffmpeg, make_video):
    run(videos, tmp_path / "out", ffmpeg)
    before = content(tmp_path / "out")
    make_video(videos / "walk" / "a.mp4", source="mandelbrot=size=64x48:rate=10", seconds=2)
    make_video(videos / "walk" / "new.mp4", source=SOURCE, seconds=1)
    summary = run(videos, tmp_path / "out", ffmpeg)
    assert (summary.prepared, summary.already_there) == (2, 2)
    after = content(tmp_path / "out")
    assert after["walk/a.mp4"] != before["walk/a.mp4"]
    assert after["run/v_Run_g07_c02.avi"] == before["run/v_Run_g07_c02.avi"]
    (videos / "walk" / "new.mp4").unlink()
    run(videos, tmp_path / "out", ffmpeg)
    assert "walk/new.mp4" not in content(tmp_path / "out")


def test_a_killed_run_goes_on_where_it_was(videos, tmp_path, ffmpeg):
    run(videos, tmp_path / "whole", ffmpeg)
    out = tmp_path / "out"
    run(videos, out, ffmpeg)
    # What a kill leaves: a row cut short, its frames half written, no index.
    journal = (out / "journal.jsonl").read_text().splitlines(keepends=True)
    (out / "journal.jsonl").write_text("".join(journal[:-1]) + journal[-1][:20])
    shard = out / "frames-00000.rgb"
    shard.write_bytes(shard.read_bytes()[:-100])
    (out / "dataset.json").unlink()
    with pytest.raises(TrainerError) as caught:
        PreparedDataset.open(out)
    assert caught.value.code == "DATASET_MISSING"
    summary = run(videos, out, ffmpeg)
    assert (summary.prepared, summary.already_there) == (1, 2)
    assert content(out) == content(tmp_path / "whole")


def test_the_same_folder_is_not_filled_with_frames_of_another_format(videos, tmp_path, ffmpeg):
    run(videos, tmp_path / "out", ffmpeg)
    other = FrameFormat(frames_per_second=8, width=20, height=12)
    with pytest.raises(TrainerError, match="20") as caught:
        run(videos, tmp_path / "out", ffmpeg, frame_format=other)
    assert caught.value.code == "PREPARED_OTHERWISE"


def test_an_empty_folder_a_missing_one_and_one_without_a_readable_file(tmp_path, ffmpeg):
    with pytest.raises(TrainerError) as caught:
        from_folder(root=tmp_path / "nowhere")
    assert caught.value.code == "FOLDER_MISSING"
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainerError) as caught:
        from_folder(root=tmp_path / "empty")
    assert caught.value.code == "FOLDER_EMPTY"
    (tmp_path / "empty" / "a.mp4").write_bytes(b"")
    with pytest.raises(TrainerError, match=r"a\.mp4") as caught:
        run(tmp_path / "empty", tmp_path / "out", ffmpeg)
    assert caught.value.code == "NO_VIDEO_READABLE"


def test_ucf101_split_lists(tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "trainlist01.txt").write_text("Run/v_Run_g08_c01.avi 1\nWalk/v_Walk_g09_c01.avi 2\n")
    (tmp_path / "testlist01.txt").write_text("Run/v_Run_g01_c01.avi\n\n")
    sources = from_ucf101(root=tmp_path / "videos", splits=tmp_path, split_number=1)
    assert [(s.id, s.label, s.group, s.split) for s in sources] == [
        ("Run/v_Run_g08_c01.avi", "Run", 8, "train"),
        ("Walk/v_Walk_g09_c01.avi", "Walk", 9, "train"),
        ("Run/v_Run_g01_c01.avi", "Run", 1, "test"),
    ]
    with pytest.raises(TrainerError, match=r"trainlist02\.txt") as caught:
        from_ucf101(root=tmp_path, splits=tmp_path, split_number=2)
    assert caught.value.code == "SPLIT_FILE_MISSING"
    with pytest.raises(TrainerError) as caught:
        from_ucf101(root=tmp_path / "nowhere", splits=tmp_path, split_number=1)
    assert caught.value.code == "FOLDER_MISSING"
    (tmp_path / "testlist01.txt").write_text("1 v_Run_g01_c01.avi\n")
    with pytest.raises(TrainerError, match="v_Run_g01_c01") as caught:
        from_ucf101(root=tmp_path / "videos", splits=tmp_path, split_number=1)
    assert caught.value.code == "SPLIT_FILE_INVALID"


def test_hmdb51_split_lists(tmp_path):
    (tmp_path / "brush_hair_test_split1.txt").write_text("a.avi 1 \nb c.avi 2 \nd.avi 0 \n")
    sources = from_hmdb51(root=tmp_path, splits=tmp_path, split_number=1)
    assert [(s.id, s.split) for s in sources] == [("brush_hair/a.avi", "train"), ("brush_hair/b c.avi", "test")]
    with pytest.raises(TrainerError) as caught:
        from_hmdb51(root=tmp_path, splits=tmp_path, split_number=3)
    assert caught.value.code == "SPLIT_FILE_MISSING"
    (tmp_path / "brush_hair_test_split1.txt").write_text("a.avi yes\n")
    with pytest.raises(TrainerError, match=r"a\.avi yes") as caught:
        from_hmdb51(root=tmp_path, splits=tmp_path, split_number=1)
    assert caught.value.code == "SPLIT_FILE_INVALID"


def test_csv(tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("path,label,split,group\nx/a.mp4,jump,train,3\nb.mp4,,,\n")
    sources = from_csv(file=file)
    assert [(s.path, s.label, s.split, s.group) for s in sources] == [
        (tmp_path / "x" / "a.mp4", "jump", "train", 3),
        (tmp_path / "b.mp4", None, None, None),
    ]
    for text, code in (
        ("file\na.mp4\n", "CSV_INVALID"),
        ("path,group\na.mp4,seven\n", "CSV_INVALID"),
        ("path\na.mp4\na.mp4\n", "VIDEO_LISTED_TWICE"),
        ("path,group\na.mp4,²\n", "CSV_INVALID"),
        ("path\na\0b.mp4\n", "CSV_INVALID"),
        ("path,label\ncafé.mp4,x\n".encode("latin-1"), "CSV_INVALID"),
    ):
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(TrainerError) as caught:
            from_csv(file=file)
        assert caught.value.code == code


def test_frames_that_were_lost_are_decoded_again(videos, tmp_path, ffmpeg):
    run(videos, tmp_path / "whole", ffmpeg)
    out = tmp_path / "out"
    run(videos, out, ffmpeg)
    shard = out / "frames-00000.rgb"
    for damage in (lambda: os.truncate(shard, shard.stat().st_size // 2), shard.unlink):
        damage()
        assert run(videos, out, ffmpeg).prepared > 0
        assert content(out) == content(tmp_path / "whole")


def test_a_lost_video_that_is_not_asked_for_any_more_gives_no_other_video_its_frames(videos, tmp_path, ffmpeg):
    out = tmp_path / "out"
    run(videos, out, ffmpeg)
    journal = (out / "journal.jsonl").read_text().splitlines()
    kept = [json.loads(line) for line in journal]
    os.truncate(out / "frames-00000.rgb", kept[-1]["offset_bytes"])
    lost = kept[-1]["id"]
    others = [source for source in from_folder(root=videos) if source.id != lost]
    new = videos / "walk" / "zz.avi"
    new.write_bytes((videos / "run" / "v_Run_g07_c02.avi").read_bytes())
    others.append(next(source for source in from_folder(root=videos) if source.path == new))
    prepare(sources=others, out=out, frame_format=FORMAT, ffmpeg=ffmpeg)
    run(videos, out, ffmpeg)
    run(videos, tmp_path / "fresh", ffmpeg)
    assert content(out) == content(tmp_path / "fresh")


def test_progress_starts_with_what_is_there_already(videos, tmp_path, ffmpeg):
    seen: list[tuple[int, int]] = []
    for _ in range(2):
        run(videos, tmp_path / "out", ffmpeg, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3), (3, 3)]


def test_a_full_disk_keeps_what_was_decoded(videos, tmp_path, ffmpeg):
    out = tmp_path / "out"
    run(videos, tmp_path / "whole", ffmpeg)
    size = (tmp_path / "whole" / "frames-00000.rgb").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size - 100, hard))
    try:
        with pytest.raises(TrainerError) as caught:
            run(videos, out, ffmpeg)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code == "DISK_FULL"
    summary = run(videos, out, ffmpeg)
    assert (summary.prepared, summary.already_there) == (1, 2)
    assert content(out) == content(tmp_path / "whole")


def test_a_file_without_pictures_is_told_in_plain_words(tmp_path, ffmpeg):
    (tmp_path / "in").mkdir()
    command = [str(ffmpeg), "-v", "error", "-f", "lavfi", "-i", "sine", "-t", "1", str(tmp_path / "in" / "sound.mp4")]
    subprocess.run(command, check=True)
    with pytest.raises(TrainerError, match=r"sound\.mp4 gave no video frame: it has no video track"):
        run(tmp_path / "in", tmp_path / "out", ffmpeg)


@pytest.mark.usefixtures("videos")
def test_a_file_that_a_list_names_but_is_not_there_is_reported(tmp_path, ffmpeg):
    (tmp_path / "list.csv").write_text("path\nvideos/walk/a.mp4\nvideos/gone.mp4\n")
    summary = prepare(
        sources=from_csv(file=tmp_path / "list.csv"), out=tmp_path / "out", frame_format=FORMAT, ffmpeg=ffmpeg
    )
    assert [(f.id, f.code) for f in summary.failures] == [("videos/gone.mp4", "VIDEO_MISSING")]


def test_a_centre_crop_is_square(tmp_path, make_video, ffmpeg):
    # Red outside the centre 40 x 40 of a 100 x 50 picture, blue inside.
    source = "color=red:size=100x50:rate=8,drawbox=x=30:y=5:w=40:h=40:color=blue:t=fill"
    make_video(tmp_path / "in" / "a.mp4", source=source, seconds=1, extra=("-crf", "1"))
    crop = FrameFormat(frames_per_second=8, width=16, height=16, crop_fraction=0.8)
    run(tmp_path / "in", tmp_path / "out", ffmpeg, frame_format=crop)
    dataset = PreparedDataset.open(tmp_path / "out")
    inner = dataset.frames(dataset.videos[0])[:, 2:-2, 2:-2].reshape(-1, 3).mean(axis=0)
    assert inner[2] > 200 and inner[0] < 40


def test_ffmpeg_that_is_not_there_is_named(tmp_path):
    with pytest.raises(TrainerError, match="nowhere") as caught:
        resolve_ffmpeg(environment={"FFMPEG_PATH": str(tmp_path / "nowhere")})
    assert caught.value.code == "FFMPEG_NOT_FOUND"
    program = tmp_path / "node_modules" / "ffmpeg-static" / "ffmpeg"
    program.parent.mkdir(parents=True)
    program.write_text("")
    assert resolve_ffmpeg(environment={"PATH": os.devnull}, start=tmp_path) == program
