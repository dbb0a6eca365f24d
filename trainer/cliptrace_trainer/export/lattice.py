"""The synthetic clip that manifests name `cliptrace-lattice-1`: any language rebuilds it with integers alone."""

import numpy as np

FORMULA = "cliptrace-lattice-1"


def lattice_clip(*, seed: int, frames: int, height: int, width: int) -> np.ndarray:
    """uint8 [frames, height, width, 3]; byte at (t, y, x, c) as in the manifest's documentation."""
    t, y, x, c = np.meshgrid(
        np.arange(frames, dtype=np.int64),
        np.arange(height, dtype=np.int64),
        np.arange(width, dtype=np.int64),
        np.arange(3, dtype=np.int64),
        indexing="ij",
    )
    value = 3 * x + 5 * y + 7 * t + 11 * c + 13 * seed + ((x * y) >> 3) * (t + 1)
    return (value & 255).astype(np.uint8)
