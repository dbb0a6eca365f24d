"""The int8 variant of an exported encoder: static quantisation, calibrated on clips."""

import hashlib
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from ..errors import TrainerError
from .atomic import write_atomically
from .encoder import INT8_FILE, MANIFEST_FILE, manifest_bytes
from .session import open_session, run_encoder
from .speed import milliseconds_per_clip

_BATCH = 8
_AGREEMENT_CLIPS = 64
# A convolution in float32 costs time: it has to take away a third of the error.
_WORTH_KEEPING = 2 / 3


class _Clips(CalibrationDataReader):
    def __init__(self, clips: np.ndarray) -> None:
        self._batches = iter(clips[start : start + _BATCH] for start in range(0, len(clips), _BATCH))

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"clips": batch}


def quantise_encoder(
    *,
    model_dir: Path,
    calibration_clips: np.ndarray,
    comparison_clips: np.ndarray,
    threads: int = 1,
) -> dict[str, Any]:
    """Write `encoder-int8.onnx` into an encoder folder, list it under `variants` and return the manifest.

    Weights become signed bytes per channel, activations unsigned bytes in QDQ form; of u8/s8 and s8/s8 ONNX Runtime's
    CPU kernels run the first twice as fast. Both clip arrays are uint8 [n, frames, height, width, 3] as the manifest
    has them, and should not overlap: on the second, speed and agreement (cosine of float32 and int8 embeddings) are
    measured.

    Raises TrainerError INT8_MODEL, INT8_CLIPS, EXPORT_METADATA, EXPORT_WRITE_FAILED.
    """
    model_dir = Path(model_dir)
    manifest, model = _read(model_dir)
    for name, clips in (("calibration_clips", calibration_clips), ("comparison_clips", comparison_clips)):
        _check_clips(name, clips, manifest["input"]["shape"][1:])
    quantised = _quantise(model, calibration_clips)
    figures = _compare(model, quantised, comparison_clips, threads)
    manifest["variants"] = [
        *(variant for variant in manifest.get("variants", []) if variant["precision"] != "int8"),
        {
            "precision": "int8",
            "file": INT8_FILE,
            "sha256": hashlib.sha256(quantised).hexdigest(),
            "measured": {"calibrationClips": len(calibration_clips), **figures},
        },
    ]
    content = manifest_bytes(manifest)
    write_atomically(path=model_dir / INT8_FILE, content=quantised)
    write_atomically(path=model_dir / MANIFEST_FILE, content=content)
    return json.loads(content)


def add_variant_figures(*, model_dir: Path, figures: dict[str, Any]) -> dict[str, Any]:
    """Add measured figures to the int8 variant of a folder and return the manifest.

    Raises TrainerError INT8_MODEL, EXPORT_METADATA, EXPORT_WRITE_FAILED.
    """
    manifest, _ = _read(Path(model_dir))
    variant = next((item for item in manifest.get("variants", []) if item["precision"] == "int8"), None)
    if variant is None:
        raise TrainerError("INT8_MODEL", f"{model_dir} lists no int8 variant; quantise it first")
    variant["measured"] |= figures
    content = manifest_bytes(manifest)
    write_atomically(path=Path(model_dir) / MANIFEST_FILE, content=content)
    return json.loads(content)


def _read(model_dir: Path) -> tuple[dict[str, Any], bytes]:
    try:
        manifest = json.loads((model_dir / MANIFEST_FILE).read_text(encoding="utf-8"))
        model = (model_dir / manifest["file"]).read_bytes()
        digest = manifest["sha256"]
    except (OSError, ValueError, KeyError) as error:
        raise TrainerError(
            "INT8_MODEL", f"{model_dir} is no encoder folder ({type(error).__name__}: {error}); export one first"
        ) from error
    if hashlib.sha256(model).hexdigest() != digest:
        raise TrainerError(
            "INT8_MODEL", f"{model_dir / manifest['file']} is not the file its manifest describes; export it again"
        )
    return manifest, model


def _check_clips(name: str, clips: np.ndarray, shape: list[int]) -> None:
    if clips.dtype != np.uint8 or clips.ndim != 5 or list(clips.shape[1:]) != shape or not len(clips):
        raise TrainerError(
            "INT8_CLIPS",
            f"{name} is {clips.dtype} {list(clips.shape)}; the model takes uint8 [n, {', '.join(map(str, shape))}]",
        )


def _quantise(model: bytes, clips: np.ndarray) -> bytes:
    """Last convolutions stay in float32, first ones where that brings the embeddings clearly nearer to float32's.

    The last cost little time, and their outputs are what is compared. A first one may cost most of the error: weights
    that nearly cancel, over values far from zero, so that a step of the weights moves a whole picture.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain, prepared, quantised = (Path(folder) / name for name in ("plain.onnx", "prepared.onnx", "int8.onnx"))
        plain.write_bytes(model)
        quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
        first, kept = _outer_convolutions(onnx.load(prepared).graph)
        best = _quantise_all_but(kept, prepared, quantised, clips)
        error = _error(model, best, clips[:_AGREEMENT_CLIPS])
        for name in first:
            candidate = _quantise_all_but([*kept, name], prepared, quantised, clips)
            candidate_error = _error(model, candidate, clips[:_AGREEMENT_CLIPS])
            if candidate_error <= _WORTH_KEEPING * error:
                kept, best, error = [*kept, name], candidate, candidate_error
        return _only_used_domains(best)


def _quantise_all_but(kept: list[str], prepared: Path, quantised: Path, clips: np.ndarray) -> bytes:
    quantize_static(
        str(prepared),
        str(quantised),
        _Clips(clips),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        nodes_to_exclude=kept,
        # Ranges averaged over batches: one bright clip does not coarsen the steps of all others.
        extra_options={"CalibMovingAverage": True},
    )
    return quantised.read_bytes()


def _outer_convolutions(graph: onnx.GraphProto) -> tuple[list[str], list[str]]:
    """Names of the convolutions that follow no other one, and of those that no other one follows."""
    return _unpreceded(graph.node, forwards=True), _unpreceded(reversed(graph.node), forwards=False)


def _unpreceded(nodes: Iterable[onnx.NodeProto], *, forwards: bool) -> list[str]:
    # Nodes are in topological order: from either end, each is seen after all that lead to it.
    reached: set[str] = set()
    names = []
    for node in nodes:
        entry, exit_ = (node.input, node.output) if forwards else (node.output, node.input)
        is_reached = any(value in reached for value in entry)
        if node.op_type == "Conv" and not is_reached:
            names.append(node.name)
        if node.op_type == "Conv" or is_reached:
            reached.update(exit_)
    return names


def _error(model: bytes, quantised: bytes, clips: np.ndarray) -> float:
    return 1 - float(np.mean(_cosines(open_session(model), open_session(quantised), clips)))


def _cosines(float32: Any, int8: Any, clips: np.ndarray) -> list[float]:
    cosines: list[float] = []
    for start in range(0, len(clips), _BATCH):
        batch = clips[start : start + _BATCH]
        _, expected = run_encoder(float32, batch)
        _, found = run_encoder(int8, batch)
        cosines.extend((expected * found).sum(axis=1).tolist())
    return cosines


def _only_used_domains(model: bytes) -> bytes:
    # The quantiser's preparation declares every operator set that its runtime knows; others may refuse them.
    graph = onnx.load_from_string(model)
    used = {node.domain for node in graph.graph.node}
    kept = [entry for entry in graph.opset_import if entry.domain in used]
    del graph.opset_import[:]
    graph.opset_import.extend(kept)
    return graph.SerializeToString()


def _compare(model: bytes, quantised: bytes, clips: np.ndarray, threads: int) -> dict[str, Any]:
    float32, int8 = open_session(model, threads=threads), open_session(quantised, threads=threads)
    cosines = _cosines(float32, int8, clips)
    return {
        "comparisonClips": len(clips),
        "meanCosineToFloat32": round(float(np.mean(cosines)), 5),
        "minimumCosineToFloat32": round(float(np.min(cosines)), 5),
        "millisecondsPerClip": round(milliseconds_per_clip(session=int8, clips=clips), 2),
        "float32MillisecondsPerClip": round(milliseconds_per_clip(session=float32, clips=clips), 2),
    }
