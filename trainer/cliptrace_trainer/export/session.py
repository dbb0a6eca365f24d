"""ONNX Runtime sessions as the trainer opens them."""

import numpy as np
import onnxruntime


def open_session(model: bytes | str, *, threads: int = 0) -> onnxruntime.InferenceSession:
    """A CPU session over an ONNX file's bytes or path; threads 0 means all cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_encoder(session: onnxruntime.InferenceSession, clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """uint8 [n, frames, height, width, 3] -> (timesteps [n, t, d], embedding [n, d])."""
    timesteps, embedding = session.run(["timesteps", "embedding"], {"clips": clips})
    return timesteps, embedding
