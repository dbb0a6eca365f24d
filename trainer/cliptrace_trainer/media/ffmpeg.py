"""Where the ffmpeg program is: the same order of places as the indexer's."""

import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path

from ..errors import TrainerError

_NPM_PLATFORMS = {"Linux": "linux", "Darwin": "darwin", "Windows": "win32"}
_NPM_MACHINES = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def resolve_ffmpeg(*, environment: Mapping[str, str] | None = None, start: Path | None = None) -> Path:
    """Return the ffmpeg program: FFMPEG_PATH, ffmpeg-static, PATH, @ffmpeg-installer.

    `start` is the folder from which `node_modules` is looked for upwards.
    Raises TrainerError FFMPEG_NOT_FOUND.
    """
    environment = os.environ if environment is None else environment
    explicit = environment.get("FFMPEG_PATH")
    if explicit:
        if not Path(explicit).is_file():
            raise TrainerError(
                "FFMPEG_NOT_FOUND",
                f"FFMPEG_PATH is {explicit!r}, which is no file; point it at the ffmpeg program or unset it",
            )
        return Path(explicit)
    folders = _node_modules_folders(start or Path(__file__).resolve().parent)
    on_path = shutil.which("ffmpeg", path=environment.get("PATH"))
    candidates = [folder / "ffmpeg-static" / _program_name() for folder in folders]
    candidates += [Path(on_path)] if on_path else []
    candidates += [folder / "@ffmpeg-installer" / _npm_platform() / _program_name() for folder in folders]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise TrainerError(
        "FFMPEG_NOT_FOUND",
        "no ffmpeg in FFMPEG_PATH, node_modules or PATH; "
        "run `npm install` in the project, or set FFMPEG_PATH to an ffmpeg program",
    )


def _node_modules_folders(start: Path) -> list[Path]:
    """Every node_modules above `start`, then above the working folder, nearest first."""
    places = [start, *start.parents, Path.cwd(), *Path.cwd().parents]
    return [folder for place in places if (folder := place / "node_modules").is_dir()]


def _program_name() -> str:
    return "ffmpeg.exe" if platform.system() == "Windows" else "ffmpeg"


def _npm_platform() -> str:
    system = _NPM_PLATFORMS.get(platform.system(), platform.system().lower())
    machine = _NPM_MACHINES.get(platform.machine(), platform.machine())
    return f"{system}-{machine}"
