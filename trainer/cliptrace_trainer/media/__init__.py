"""Reading video files: the one ffmpeg command that the trainer and the indexer share."""

from .decode import FrameFormat, decode_command, decode_to
from .ffmpeg import resolve_ffmpeg

__all__ = ["FrameFormat", "decode_command", "decode_to", "resolve_ffmpeg"]
