"""Reading the authors' checkpoint files without running what a pickle may hold."""

import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..errors import TrainerError


class _Inert:
    """Stands in for a class that a checkpoint mentions and we have no use for: takes any state, does nothing."""

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass

    def __setitem__(self, _key: Any, _value: Any) -> None:
        pass

    def update(self, *_: Any) -> None:
        pass


# The published files carry the whole gradient scaler of mixed precision, and resumable ones a numpy float. Loading
# them with real classes would call into those; with stand-ins the loader can build nothing but tensors and values.
_STAND_INS = (
    *(
        f"{module}.{name}"
        for module in ("torch.cuda.amp.grad_scaler", "torch.amp.grad_scaler")
        for name in ("GradScaler", "OptState", "_refresh_per_optimizer_state")
    ),
    "collections.defaultdict",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
)

_WRAPPERS = ("state_dict", "bb_state_dict", "model", "model_state_dict")


@dataclass(frozen=True, kw_only=True)
class PublishedCheckpoint:
    """Tensors by name as the file has them; epoch is None when the file does not tell."""

    state: dict[str, torch.Tensor]
    epoch: int | None


def read_published(path: Path) -> PublishedCheckpoint:
    """A state dict, bare or wrapped beside epoch, optimizer, learning_rate and amp_scaler.

    Raises TrainerError IMPORT_FILE, IMPORT_UNSAFE, IMPORT_NOT_A_CHECKPOINT.
    """
    content = _load(path)
    if not isinstance(content, dict):
        raise TrainerError(
            "IMPORT_NOT_A_CHECKPOINT",
            f"{path} holds a {type(content).__name__}; give a file that torch.save wrote of a state dict",
        )
    wrapped = next((content[key] for key in _WRAPPERS if isinstance(content.get(key), dict)), content)
    state = {str(name): value for name, value in wrapped.items() if isinstance(value, torch.Tensor)}
    if not state:
        found = ", ".join(sorted(map(str, content))[:8]) or "nothing"
        raise TrainerError(
            "IMPORT_NOT_A_CHECKPOINT",
            f"{path} holds {found}, but no tensors by name; give a file with a state dict, bare or as 'state_dict'",
        )
    epoch = content.get("epoch")
    return PublishedCheckpoint(state=state, epoch=epoch if isinstance(epoch, int) else None)


def _load(path: Path) -> Any:
    if not path.is_file():
        raise TrainerError("IMPORT_FILE", f"{path} is no file; give the path of a downloaded checkpoint")
    stand_ins = [(type("_Inert", (_Inert,), {}), name) for name in _STAND_INS]
    try:
        path.open("rb").close()
    except OSError as error:
        raise TrainerError("IMPORT_FILE", f"{path} cannot be read ({error.strerror})") from error
    try:
        with torch.serialization.safe_globals(stand_ins):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"[Uu]nsupported .*?(?:GLOBAL|class|function) ([\w.]+)", str(error))
        if found:
            raise TrainerError(
                "IMPORT_UNSAFE",
                f"{path} holds a {found[1]} beside tensors, which could run code when loaded, so it was not loaded; "
                "save its state dict alone",
            ) from error
        raise _not_a_checkpoint(path, error) from error
    # What the loader raises on bytes that are no checkpoint depends on where it stumbles.
    except (OSError, EOFError, RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise _not_a_checkpoint(path, error) from error


def _not_a_checkpoint(path: Path, error: Exception) -> TrainerError:
    return TrainerError(
        "IMPORT_NOT_A_CHECKPOINT",
        f"{path} is no PyTorch checkpoint, or a damaged one ({type(error).__name__}); download it again",
    )
