"""Embeds the first clip of each video of a prepared dataset with ONNX Runtime in Python; prints JSON by video id."""

import json
import sys
from pathlib import Path

from cliptrace_trainer.data.prepared import PreparedDataset
from cliptrace_trainer.export.session import open_session, run_encoder

dataset = PreparedDataset.open(Path(sys.argv[1]))
session = open_session(sys.argv[2], threads=1)
frames = int(sys.argv[3])
rows = {}
for video in dataset.videos:
    clip = dataset.frames(video)[[index % video.frames for index in range(frames)]]
    timesteps, embedding = run_encoder(session, clip[None])
    rows[video.id] = {"frames": video.frames, "embedding": embedding[0].tolist(), "timesteps": timesteps[0].tolist()}
print(json.dumps(rows))
