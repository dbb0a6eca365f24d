"""Published checkpoint to encoder folder, in one call."""

import hashlib
from pathlib import Path
from typing import Any

from ..export import Normalisation, Preprocessing, Whitening, export_encoder
from .fitting import fit_backbone
from .published import read_published

# 16 frames at every second frame of 25 a second, the centred square of 0.8 of the height, at 112 pixels: what the
# authors' retrieval protocol gives their network.
PUBLISHED_PREPROCESSING = Preprocessing(frames_per_second=12.5, frames=16, width=112, height=112, crop_fraction=0.8)

# Their loader reads with OpenCV, so channels come as BGR, and only divides by 255.
PUBLISHED_NORMALISATION = Normalisation(channel_order="bgr")


def import_checkpoint(
    *,
    path: Path,
    architecture: str,
    out_dir: Path,
    name: str | None = None,
    preprocessing: Preprocessing = PUBLISHED_PREPROCESSING,
    whitening: Whitening | None = None,
    licence: str | None = None,
    measured: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the encoder folder of a published checkpoint and return its manifest.

    architecture: "r3d18", or "rpd18" (also "r2plus1d18"). The model takes RGB like every encoder here and turns the
    channels to the network's BGR inside the graph; the manifest says so. `licence` None: unknown.

    Raises TrainerError IMPORT_FILE, IMPORT_UNSAFE, IMPORT_NOT_A_CHECKPOINT, IMPORT_ARCHITECTURE_UNKNOWN,
    IMPORT_WRONG_ARCHITECTURE, and those of export_encoder.
    """
    path = Path(path)
    published = read_published(path)
    backbone = fit_backbone(state=published.state, architecture=architecture)
    return export_encoder(
        backbone=backbone,
        normalisation=PUBLISHED_NORMALISATION,
        preprocessing=preprocessing,
        whitening=whitening,
        out_dir=out_dir,
        name=name or f"tclr-{backbone.name}-published",
        training={
            "method": "TCLR, weights published by the authors of the paper",
            "source": path.name,
            "sourceSha256": _sha256(path),
            "dataset": None,
            "videos": None,
            "epochs": published.epoch,
            "hours": None,
            "seed": None,
            "commit": None,
            "date": None,
            "note": "trained on BGR frames scaled to [0, 1]; the graph takes RGB and turns the channels itself",
        },
        measured=measured or {},
        licence=licence,
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
