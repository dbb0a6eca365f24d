"""Checkpoint to served model: `encoder.onnx` and `manifest.json` in one folder."""

import hashlib
import io
import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..errors import TrainerError
from .atomic import write_atomically
from .graph import EncoderGraph
from .lattice import FORMULA, lattice_clip
from .preprocessing import Normalisation, Preprocessing
from .session import open_session, run_encoder
from .whitening import Whitening

OPSET = 18
MODEL_FILE = "encoder.onnx"
MANIFEST_FILE = "manifest.json"
INT8_FILE = "encoder-int8.onnx"
_AGREEMENT = 1e-4
_CHECK_SEED = 1


def export_encoder(
    *,
    backbone: nn.Module,
    normalisation: Normalisation,
    preprocessing: Preprocessing,
    whitening: Whitening | None = None,
    out_dir: Path,
    name: str,
    training: dict[str, Any],
    measured: dict[str, Any],
    licence: str | None = "MIT",
    segment_hop_seconds: float = 1.0,
) -> dict[str, Any]:
    """Write the encoder folder and return its manifest; the model first, the manifest last, each atomically.

    Before anything is written, ONNX Runtime must agree with PyTorch to 1e-4 on batches of one and two.

    Raises TrainerError EXPORT_NAME, EXPORT_NOT_FINITE, EXPORT_DISAGREES, EXPORT_METADATA, EXPORT_WRITE_FAILED,
    WHITENING_MISMATCH.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,63}", name):
        raise TrainerError(
            "EXPORT_NAME", f"{name!r} is no model name; use 1 to 64 of a-z, 0-9, '.' and '-', starting with a-z or 0-9"
        )
    graph = EncoderGraph(backbone=backbone, normalisation=normalisation, whitening=whitening)
    model = to_onnx(graph=graph, preprocessing=preprocessing)
    timesteps, embedding = verify_onnx(model=model, graph=graph, preprocessing=preprocessing)
    digest = hashlib.sha256(model).hexdigest()
    manifest = {
        "formatVersion": 1,
        "id": f"{name}-{digest[:8]}",
        "name": name,
        "architecture": backbone.name,
        "file": MODEL_FILE,
        "sha256": digest,
        "opset": OPSET,
        "licence": licence,
        **_interface(preprocessing, normalisation, timesteps),
        "segmentHopSeconds": segment_hop_seconds,
        "metric": "cosine",
        "training": training,
        "measured": measured,
        "checkVectors": [
            {
                "input": {"formula": FORMULA, "seed": _CHECK_SEED},
                "embedding": _rounded(embedding[0]),
                "timesteps": _rounded(timesteps[0]),
                "tolerance": 0.001,
            }
        ],
    }
    content = manifest_bytes(manifest)
    out_dir = Path(out_dir)
    write_atomically(path=out_dir / MODEL_FILE, content=model)
    write_atomically(path=out_dir / MANIFEST_FILE, content=content)
    # An int8 variant of the model that stood here before: the new manifest does not list it.
    (out_dir / INT8_FILE).unlink(missing_ok=True)
    return json.loads(content)


def manifest_bytes(manifest: dict[str, Any]) -> bytes:
    """The manifest as UTF-8 JSON. Raises TrainerError EXPORT_METADATA for what JSON cannot hold."""
    try:
        text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TrainerError(
            "EXPORT_METADATA", f"the manifest cannot be written as JSON ({error}); use plain values, null for unknown"
        ) from error
    # One vector a line: thousands of one-number lines hide the rest from a reader.
    return (re.sub(r'\[\s+([^\[\]{}"]*?)\s+\]', _joined, text) + "\n").encode()


def to_onnx(*, graph: EncoderGraph, preprocessing: Preprocessing) -> bytes:
    """The graph as ONNX bytes, opset 18, batch dynamic, batch norms folded into their convolutions."""
    example = torch.zeros(2, preprocessing.frames, preprocessing.height, preprocessing.width, 3, dtype=torch.uint8)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is asked for on purpose: it folds batch norm and keeps the file free of functions.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            (example,),
            buffer,
            input_names=["clips"],
            output_names=["timesteps", "embedding"],
            dynamic_axes={"clips": {0: "batch"}, "timesteps": {0: "batch"}, "embedding": {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
    return buffer.getvalue()


def verify_onnx(*, model: bytes, graph: EncoderGraph, preprocessing: Preprocessing) -> tuple[np.ndarray, np.ndarray]:
    """ONNX Runtime's (timesteps, embedding) of the check clip alone, after comparing with PyTorch."""
    clips = np.stack(
        [
            lattice_clip(
                seed=seed,
                frames=preprocessing.frames,
                height=preprocessing.height,
                width=preprocessing.width,
            )
            for seed in (_CHECK_SEED, _CHECK_SEED + 1)
        ]
    )
    with torch.no_grad():
        expected = [tensor.numpy() for tensor in graph(torch.from_numpy(clips))]
    if not all(np.isfinite(array).all() for array in expected):
        raise TrainerError("EXPORT_NOT_FINITE", "the network gives NaN or infinity; export another checkpoint")
    session = open_session(model)
    both = run_encoder(session, clips)
    alone = run_encoder(session, clips[:1])
    difference = max(
        float(np.abs(got - want[: len(got)]).max())
        for outputs in (both, alone)
        for got, want in zip(outputs, expected, strict=True)
    )
    if not difference <= _AGREEMENT:
        raise TrainerError(
            "EXPORT_DISAGREES",
            f"ONNX Runtime and PyTorch differ by {difference:.2g} on the check clip, above {_AGREEMENT}; "
            "nothing was written, report the backbone and the versions of torch and onnxruntime",
        )
    return alone


def _interface(preprocessing: Preprocessing, normalisation: Normalisation, timesteps: np.ndarray) -> dict[str, Any]:
    _, count, dimension = timesteps.shape
    clip = [None, preprocessing.frames, preprocessing.height, preprocessing.width, 3]
    return {
        "input": {
            "name": "clips",
            "dtype": "uint8",
            "layout": "NTHWC",
            "shape": clip,
            "channelOrder": "rgb",
            "range": [0, 255],
        },
        "outputs": {
            "timesteps": {"name": "timesteps", "shape": [None, count, dimension]},
            "embedding": {"name": "embedding", "shape": [None, dimension]},
        },
        "preprocessing": {
            "framesPerSecond": preprocessing.frames_per_second,
            "frames": preprocessing.frames,
            "width": preprocessing.width,
            "height": preprocessing.height,
            "crop": preprocessing.manifest_crop(),
            "scaleFilter": preprocessing.scale_filter,
            "mean": list(normalisation.mean),
            "std": list(normalisation.std),
            "networkChannelOrder": normalisation.channel_order,
        },
        "dimension": dimension,
        "timesteps": count,
    }


def _rounded(array: np.ndarray) -> list[Any]:
    # Seven digits: two orders below the tolerance, half the bytes.
    return np.round(array.astype(np.float64), 7).tolist()


def _joined(match: re.Match[str]) -> str:
    return "[" + ", ".join(part.strip() for part in match.group(1).split(",")) + "]"
