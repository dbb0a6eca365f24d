"""What a Python user would write for the same: PyAV, PyTorch or onnxruntime, hnswlib; one file after another.

Takes the path of a JSON file: {manifest, model, backend, files, out}. Leaves embeddings.f32 and index.hnsw in `out` and prints
{importSeconds, workSeconds, counts}: clips of each file, in their order.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

started = time.perf_counter()

import av  # noqa: E402
import hnswlib  # noqa: E402
import numpy as np  # noqa: E402

BATCH = 16


def frames(*, path: str, preprocessing: dict) -> Iterator[np.ndarray]:
    """RGB frames [height, width, 3] at the encoder's rate and size."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        graph = av.filter.Graph()
        scale = f"{preprocessing['width']}:{preprocessing['height']}:flags={preprocessing['scaleFilter']}"
        chain = [
            graph.add_buffer(template=stream),
            graph.add("fps", str(preprocessing["framesPerSecond"])),
            graph.add("scale", scale),
            graph.add("format", "rgb24"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*chain).configure()
        for frame in container.decode(stream):
            graph.push(frame)
            yield from pulled(graph)
        graph.push(None)
        yield from pulled(graph)


def pulled(graph: av.filter.Graph) -> Iterator[np.ndarray]:
    while True:
        try:
            yield graph.pull().to_ndarray()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def clips(*, path: str, manifest: dict) -> list[np.ndarray]:
    """Clips [frames, height, width, 3], one a hop; the last one ends with the video, a short video is repeated."""
    preprocessing = manifest["preprocessing"]
    if preprocessing["crop"]["mode"] != "stretch":
        raise ValueError(f"crop {preprocessing['crop']} is not built here")
    video = list(frames(path=path, preprocessing=preprocessing))
    length = preprocessing["frames"]
    hop = max(1, round(manifest["segmentHopSeconds"] * preprocessing["framesPerSecond"]))
    if len(video) < length:
        return [np.stack([video[i % len(video)] for i in range(length)])]
    starts = list(range(0, len(video) - length + 1, hop))
    if starts[-1] + length < len(video):
        starts.append(len(video) - length)
    return [np.stack(video[start : start + length]) for start in starts]


def torch_encoder(*, model: Path, output: str):
    import torch
    from torch_graph import TorchGraph

    graph = TorchGraph(model).eval()

    def encode(batch: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return graph(torch.from_numpy(batch))[output].numpy()

    return encode


def onnxruntime_encoder(*, model: Path, output: str):
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda batch: session.run([output], {name: batch})[0]


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    manifest = json.loads(Path(job["manifest"]).read_text(encoding="utf-8"))
    make = {"torch": torch_encoder, "onnxruntime": onnxruntime_encoder}[job["backend"]]
    encode = make(model=Path(job["model"]), output=manifest["outputs"]["embedding"]["name"])
    ready = time.perf_counter()
    rows: list[np.ndarray] = []
    counts: list[int] = []
    for path in job["files"]:
        found = clips(path=path, manifest=manifest)
        counts.append(len(found))
        for start in range(0, len(found), BATCH):
            rows.append(encode(np.stack(found[start : start + BATCH])))
    embeddings = np.concatenate(rows).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    index = hnswlib.Index(space="ip", dim=embeddings.shape[1])
    index.init_index(max_elements=len(embeddings), M=16, ef_construction=200)
    index.add_items(embeddings)
    out = Path(job["out"])
    index.save_index(str(out / "index.hnsw"))
    embeddings.tofile(out / "embeddings.f32")
    done = time.perf_counter()
    print(json.dumps({"importSeconds": ready - started, "workSeconds": done - ready, "counts": counts}))


main()
