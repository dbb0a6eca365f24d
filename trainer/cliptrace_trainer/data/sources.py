"""Lists of labelled video files: a folder tree, the UCF101 and HMDB51 layouts, or a CSV file."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import TrainerError

VIDEO_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        "3gp avi flv gif m2ts m4v mkv mov mp4 mpeg mpg mts ogv ts webm wmv".split()  # noqa: SIM905
    )
)
UCF101_GROUP = re.compile(r"_g(\d+)_c\d+")


@dataclass(frozen=True, kw_only=True)
class VideoSource:
    """One file to prepare. `id` is unique in its dataset; what is unknown is None."""

    id: str
    path: Path
    label: str | None
    group: int | None
    split: str | None


def from_folder(*, root: Path) -> list[VideoSource]:
    """Every video file below `root`; the label is the name of the folder that holds the file.

    Files that lie directly in `root` have no label. Raises TrainerError FOLDER_MISSING or
    FOLDER_EMPTY.
    """
    return [
        VideoSource(
            id=file.relative_to(root).as_posix(),
            path=file,
            label=file.parent.name if file.parent != root else None,
            group=group_of(file.name),
            split=None,
        )
        for file in _video_files(root)
    ]


def from_ucf101(*, root: Path, splits: Path, split_number: int) -> list[VideoSource]:
    """UCF101: `root`/Class/v_Class_gNN_cNN.avi, lists trainlist0N.txt and testlist0N.txt.

    A list names a file that is not there: it stays in the result, and `prepare` reports it as bad.
    """
    _check_folder(root)
    sources = []
    for split in ("train", "test"):
        file = splits / f"{split}list{split_number:02d}.txt"
        for line in _lines(file):
            name = line.split()[0]
            if "/" not in name:
                raise TrainerError(
                    "SPLIT_FILE_INVALID", f"{file} has the line {line!r}; each must begin with Class/file.avi"
                )
            sources.append(
                VideoSource(
                    id=name,
                    path=root / name,
                    label=name.split("/")[0],
                    group=group_of(name),
                    split=split,
                )
            )
    return _unique(sources)


def from_hmdb51(*, root: Path, splits: Path, split_number: int) -> list[VideoSource]:
    """HMDB51: `root`/class/*.avi, lists class_test_splitN.txt with 1 train, 2 test, 0 unused."""
    _check_folder(root)
    lists = sorted(splits.glob(f"*_test_split{split_number}.txt"))
    if not lists:
        raise TrainerError(
            "SPLIT_FILE_MISSING",
            f"no *_test_split{split_number}.txt in {splits}; "
            "unpack the official test_train_splits there, or give --splits",
        )
    names = {"1": "train", "2": "test"}
    sources = []
    for file in lists:
        label = file.name[: -len(f"_test_split{split_number}.txt")]
        for line in _lines(file):
            name, _, use = line.rpartition(" ")
            if use not in ("0", "1", "2"):
                raise TrainerError(
                    "SPLIT_FILE_INVALID",
                    f"{file} has the line {line!r}; each must be a file name, a blank and 0, 1 or 2",
                )
            if use == "0":
                continue
            name = name.strip()
            sources.append(
                VideoSource(
                    id=f"{label}/{name}",
                    path=root / label / name,
                    label=label,
                    group=None,
                    split=names[use],
                )
            )
    return _unique(sources)


def from_csv(*, file: Path) -> list[VideoSource]:
    """A CSV with the column `path` (relative to the CSV) and, if wanted, `label`, `group`, `split`."""
    if not file.is_file():
        raise TrainerError("CSV_MISSING", f"{file} is no file; give a CSV with a column `path`")
    reader = csv.DictReader(io.StringIO(_text(file, code="CSV_INVALID"), newline=""))
    if "path" not in (reader.fieldnames or []):
        raise TrainerError(
            "CSV_INVALID",
            f"{file} has the columns {reader.fieldnames}; it needs `path`, "
            "and may have `label`, `group` and `split`, with commas between them",
        )
    sources = [_from_row(row=row, file=file, line=reader.line_num) for row in reader]
    if not sources:
        raise TrainerError("CSV_INVALID", f"{file} has no row; list at least one video")
    return _unique(sources)


def group_of(name: str) -> int | None:
    """The recording group in a UCF101 file name; clips of one group share people and place."""
    found = UCF101_GROUP.search(name)
    return int(found.group(1)) if found else None


def _from_row(*, row: dict, file: Path, line: int) -> VideoSource:
    path = (row["path"] or "").strip()
    group = (row.get("group") or "").strip()
    if not path or "\0" in path or (group and not group.isdecimal()):
        raise TrainerError(
            "CSV_INVALID",
            f"{file} line {line}: path is {path!r}, group is {group!r}; "
            "the path must not be empty, the group must be a whole number or empty",
        )
    return VideoSource(
        id=path,
        path=file.parent / path,
        label=(row.get("label") or "").strip() or None,
        group=int(group) if group else group_of(path),
        split=(row.get("split") or "").strip() or None,
    )


def _check_folder(root: Path) -> None:
    if not root.is_dir():
        raise TrainerError("FOLDER_MISSING", f"{root} is no folder; give one that holds videos")


def _video_files(root: Path) -> list[Path]:
    _check_folder(root)
    files = sorted(file for file in root.rglob("*") if file.suffix.lower() in VIDEO_SUFFIXES and file.is_file())
    if not files:
        raise TrainerError(
            "FOLDER_EMPTY",
            f"{root} holds no video file ({', '.join(sorted(VIDEO_SUFFIXES))}); "
            "give another folder, or list the files in a CSV",
        )
    return files


def _lines(file: Path) -> list[str]:
    if not file.is_file():
        raise TrainerError(
            "SPLIT_FILE_MISSING",
            f"{file} is missing; unpack the dataset's official split lists there, or give --splits",
        )
    lines = [line.strip() for line in _text(file, code="SPLIT_FILE_INVALID").splitlines()]
    lines = [line for line in lines if line]
    if not lines:
        raise TrainerError("SPLIT_FILE_INVALID", f"{file} is empty; fetch the official list again")
    return lines


def _text(file: Path, *, code: str) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TrainerError(code, f"{file} is not UTF-8 text ({error.reason}); save it as UTF-8") from error


def _unique(sources: Iterable[VideoSource]) -> list[VideoSource]:
    seen: dict[str, VideoSource] = {}
    for source in sources:
        if source.id in seen:
            raise TrainerError("VIDEO_LISTED_TWICE", f"{source.id} is listed twice; remove one of the two lines")
        seen[source.id] = source
    return list(seen.values())
