"""`prepare`: decode videos once into memory-mapped frames."""

import argparse
from pathlib import Path

from tqdm import tqdm

from ..data.prepare import prepare
from ..data.prepared import FAILURES_NAME
from ..data.sources import VideoSource, from_csv, from_folder, from_hmdb51, from_ucf101
from ..media import FrameFormat, resolve_ffmpeg
from .arguments import fraction, positive_float, positive_int

EXIT_SOME_FAILED = 3


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "prepare",
        help="decode videos once into memory-mapped frames",
        description="Decode every video once into a prepared dataset. Runs again where it was stopped; "
        "unchanged files are kept.",
        epilog="example: prepare --folder videos --out prepared",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--folder", type=Path, help="a folder tree; the folder of a file is its label")
    source.add_argument("--ucf101", type=Path, help="the folder with UCF101's class folders")
    source.add_argument("--hmdb51", type=Path, help="the folder with HMDB51's class folders")
    source.add_argument("--csv", type=Path, help="a CSV with path, and if wanted label, group, split")
    parser.add_argument("--out", type=Path, required=True, help="the prepared dataset's folder")
    parser.add_argument("--splits", type=Path, help="folder of the official split lists (UCF101, HMDB51)")
    parser.add_argument("--split", type=positive_int, default=1, help="which official split: 1, 2 or 3")
    add_frame_format(parser)
    parser.add_argument("--workers", type=positive_int, default=2, help="ffmpeg processes at a time")
    parser.add_argument("--decode-timeout-seconds", type=positive_float, default=600.0)
    parser.set_defaults(run=run)


def add_frame_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--frames-per-second", type=positive_float, default=16.0)
    parser.add_argument("--width", type=positive_int, default=112)
    parser.add_argument("--height", type=positive_int, default=112)
    parser.add_argument(
        "--crop-fraction",
        type=fraction,
        help="keep the centred square of this share of the shorter side; without it the frame is stretched",
    )


def frame_format_of(arguments: argparse.Namespace) -> FrameFormat:
    return FrameFormat(
        frames_per_second=arguments.frames_per_second,
        width=arguments.width,
        height=arguments.height,
        crop_fraction=arguments.crop_fraction,
    )


def run(arguments: argparse.Namespace) -> int:
    return prepare_sources(sources=_sources(arguments), arguments=arguments)


def prepare_sources(*, sources: list[VideoSource], arguments: argparse.Namespace) -> int:
    """Prepare with a progress bar, name the bad files, and return the exit code.

    Ctrl-C leaves what is decoded in its place; KeyboardInterrupt goes on to the caller.
    """
    with tqdm(total=len(sources), unit="video", desc="prepare") as bar:

        def show(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        try:
            summary = prepare(
                sources=sources,
                out=arguments.out,
                frame_format=frame_format_of(arguments),
                ffmpeg=resolve_ffmpeg(),
                workers=arguments.workers,
                decode_timeout_seconds=arguments.decode_timeout_seconds,
                on_progress=show,
            )
        except KeyboardInterrupt:
            bar.write("stopped; the same command goes on with the videos that are left")
            raise
    print(
        f"{summary.prepared} videos prepared, {summary.already_there} were there already, "
        f"{len(summary.failures)} failed: {arguments.out}"
    )
    for failure in summary.failures:
        print(f"  {failure.code}: {failure.message}")
    if summary.failures:
        print(f"The failed files are listed in {arguments.out / FAILURES_NAME}; mend them and run again.")
    return EXIT_SOME_FAILED if summary.failures else 0


def _sources(arguments: argparse.Namespace) -> list[VideoSource]:
    if arguments.folder is not None:
        return from_folder(root=arguments.folder)
    if arguments.csv is not None:
        return from_csv(file=arguments.csv)
    official = from_ucf101 if arguments.ucf101 is not None else from_hmdb51
    root = arguments.ucf101 or arguments.hmdb51
    return official(root=root, splits=arguments.splits or root, split_number=arguments.split)
