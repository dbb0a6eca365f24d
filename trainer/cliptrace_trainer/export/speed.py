"""How long the encoder takes."""

import statistics
import time

import numpy as np
import onnxruntime

from .session import run_encoder


def milliseconds_per_clip(
    *, session: onnxruntime.InferenceSession, clips: np.ndarray, repeats: int = 20, batch: int = 1
) -> float:
    """Processor time of all threads: median over `repeats` runs of `batch` clips, after two to warm up.

    clips: uint8 [n, frames, height, width, 3]. Other work on the machine changes wall time many times over, processor
    time a little; with one thread and nothing else running the two are the same.
    """
    chosen = np.ascontiguousarray(clips[:batch])
    for _ in range(2):
        run_encoder(session, chosen)
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        run_encoder(session, chosen)
        seconds.append(time.process_time() - start)
    return 1000 * statistics.median(seconds) / len(chosen)
