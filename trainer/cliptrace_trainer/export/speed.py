"""How long the encoder takes."""

import statistics
import time

import numpy as np
import onnxruntime

from .session import run_encoder


def milliseconds_per_clip(
    *, session: onnxruntime.InferenceSession, clips: np.ndarray, repeats: int = 20, batch: int = 1
) -> float:
    """Median over `repeats` runs of `batch` clips (uint8 [n, frames, height, width, 3]), after two to warm up."""
    chosen = np.ascontiguousarray(clips[:batch])
    for _ in range(2):
        run_encoder(session, chosen)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run_encoder(session, chosen)
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds) / len(chosen)
