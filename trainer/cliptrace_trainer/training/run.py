"""A training run: epochs over a prepared dataset, with checkpoints, curves and a stop that loses nothing."""

import signal
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import torch
from tqdm import tqdm

from ..backbones import stream_dimensions
from ..data.prepared import PreparedDataset
from ..errors import TrainerError
from ..model import TclrModel
from .build import build_model, wrap_model
from .checkpoint import (
    Progress,
    invalid_checkpoint,
    load_checkpoint,
    load_model_state,
    restore_random_states,
    save_checkpoint,
)
from .config import TrainingConfig
from .curves import Curves
from .distributed import Ranks, any_rank, gather_rows, join_lists, mean_over_ranks
from .examples import EpochBatches
from .feed import augmented_batches, groups, low_rate_warning
from .neighbours import NeighbourBank
from .options import BEST_NAME, LAST_NAME, RunOptions, RunResult
from .schedule import Schedule
from .step import TERMS, training_step
from .unread import unread_lines
from .views import AugmentedBatch

# A terminal and torchrun may each send the same Ctrl-C; a later one means "at once".
_REPEAT_SECONDS = 1.0


class TrainingRun:
    """One run on one device (one of several ranks, under torchrun)."""

    def __init__(
        self,
        *,
        dataset: PreparedDataset,
        config: TrainingConfig,
        options: RunOptions,
        device: torch.device,
        ranks: Ranks,
        evaluate: Callable[[TclrModel], dict[str, float]] | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        self._dataset = dataset
        self._config = config
        self._options = options
        self._device = device
        self._ranks = ranks
        self._evaluate = evaluate
        self._say = say if ranks.leads else lambda _: None
        self._stop_asked_at: float | None = None
        if warning := low_rate_warning(dataset=self._dataset, config=config):
            self._say(warning)
        torch.manual_seed(config.seed)
        self.model = build_model(config=config)
        self._forward = wrap_model(model=self.model, config=config, device=device, ranks=ranks)
        self._optimizer = torch.optim.Adam(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._schedule = Schedule(config=config)
        self._scaler = torch.amp.GradScaler(device.type, enabled=config.precision == "float16")
        self._bank = _bank(dataset=self._dataset, config=config, model=self.model)
        self._progress = Progress()
        # What each resume changed: the configuration of a checkpoint is that of its last phase only.
        self._phases: list[dict] = []

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint of the same architecture, in the middle of its epoch if need be.

        Raises TrainerError CHECKPOINT_MISSING, CHECKPOINT_INVALID or CHECKPOINT_OTHER_ARCHITECTURE.
        """
        content = load_checkpoint(path)
        load_model_state(model=self.model, state=content["model"], path=path, backbone=self._config.backbone)
        try:
            self._optimizer.load_state_dict(content["optimizer"])
            self._schedule.load_state_dict(content["schedule"])
            self._scaler.load_state_dict(content["scaler"])
            if self._bank is not None:
                self._bank.load_state_dict(content.get("neighbours", {}))
            self._progress = Progress(**content["progress"])
            self._phases = list(content.get("phases", []))
            earlier = TrainingConfig.from_json(content["config"])
            restore_random_states(content["random"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise invalid_checkpoint(path=path, error=error) from error
        if changed := self._config.differences(earlier.to_json()):
            self._phases.append({"from_step": self._progress.step, "changed": changed})
        if content.get("videos") not in (None, len(self._dataset)):
            self._say(
                f"the run began with {content['videos']} videos, this dataset has {len(self._dataset)}: "
                "their order from here on is not that of an uninterrupted run"
            )

    def train(self) -> RunResult:
        """Train to the last epoch, or until SIGINT or SIGTERM; both save first."""
        handlers = {number: signal.signal(number, self._ask_stop) for number in (signal.SIGINT, signal.SIGTERM)}
        curves = self._open_curves()
        try:
            self._last_save = time.monotonic()
            while self._progress.epoch < self._config.epochs and not self._stops():
                self._epoch(curves)
            self._save()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            if curves is not None:
                curves.close()
        return RunResult(
            finished=self._progress.epoch >= self._config.epochs,
            progress=self._progress,
            checkpoint=self._options.out / LAST_NAME,
        )

    def _epoch(self, curves: Curves | None) -> None:
        progress, config = self._progress, self._config
        self.model.train()
        if self._bank is not None and progress.batch == 0:
            self._bank.start_epoch()
        batches = EpochBatches(
            videos=len(self._dataset),
            batch_size=config.batch_size,
            seed=config.seed,
            epoch=progress.epoch,
            first_batch=progress.batch,
            rank=self._ranks.rank,
            ranks=self._ranks.count,
        )
        steps = self._steps(batches)
        bar = tqdm(
            total=steps,
            initial=progress.batch // config.accumulation,
            desc=f"epoch {progress.epoch + 1}/{config.epochs}",
            unit="step",
            disable=not (self._ranks.leads and self._options.progress_bar),
        )
        augmented = augmented_batches(
            dataset=self._dataset,
            config=config,
            batches=batches,
            device=self._device,
            workers=self._options.workers,
        )
        with bar, closing(augmented):
            for group in groups(augmented, config.accumulation):
                self._step(group=group, steps=steps, curves=curves, bar=bar)
                if self._stops():
                    break
        if progress.batch // config.accumulation >= steps:
            self._end_epoch(steps=steps, curves=curves)

    def _steps(self, batches: EpochBatches) -> int:
        """Optimizer steps of an epoch."""
        steps = batches.total // self._config.accumulation
        if steps == 0:
            raise TrainerError(
                "BATCH_TOO_LARGE",
                f"--accumulation {self._config.accumulation} needs that many batches, an epoch has "
                f"{batches.total}; give --accumulation {batches.total} or less",
            )
        return steps

    def _step(self, *, group: list[AugmentedBatch], steps: int, curves: Curves | None, bar: tqdm) -> None:
        progress, config = self._progress, self._config
        started = time.monotonic()
        done = progress.epoch + progress.batch / config.accumulation / steps
        rate = config.learning_rate * self._schedule.factor(progress_epochs=done)
        for parameters in self._optimizer.param_groups:
            parameters["lr"] = rate
        terms = training_step(
            batches=group,
            forward=self._forward,
            optimizer=self._optimizer,
            scaler=self._scaler,
            config=config,
            weights=config.weights_of(epoch=progress.epoch),
            device=self._device,
            gather=gather_rows if self._ranks.count > 1 else None,
            bank=self._bank,
        )
        if self._ranks.count > 1:
            terms = mean_over_ranks(terms)
        values = dict(zip(TERMS, terms.tolist(), strict=True))
        progress.lost.extend(id for batch in group for id in batch.lost)
        progress.batch += len(group)
        progress.step += 1
        progress.loss_sum += values["total"]
        progress.trained_seconds += time.monotonic() - started
        bar.set_postfix(loss=f"{values['total']:.3f}", refresh=False)
        bar.update(1)
        if curves is not None and progress.step % self._options.log_every_steps == 0:
            curves.add(
                step=progress.step,
                epoch=done,
                seconds=progress.trained_seconds,
                learning_rate=rate,
                **values,
            )
        # An epoch's last step is saved after its end, so that the end is never run twice.
        late = time.monotonic() - self._last_save > self._options.save_every_seconds
        if late and progress.batch // config.accumulation < steps:
            self._save()

    def _end_epoch(self, *, steps: int, curves: Curves | None) -> None:
        progress = self._progress
        loss = progress.loss_sum / steps
        self._schedule.end_epoch(loss=loss, epoch=progress.epoch)
        lost = join_lists(progress.lost)
        progress.epoch, progress.batch, progress.loss_sum, progress.lost = progress.epoch + 1, 0, 0.0, []
        figures = self._evaluate_now()
        if figures and curves is not None:
            curves.add(
                step=progress.step,
                epoch=float(progress.epoch),
                seconds=progress.trained_seconds,
                **figures,
            )
        shown = "".join(f", {name} {value:.3f}" for name, value in figures.items())
        self._say(f"epoch {progress.epoch}: loss {loss:.4f}{shown}")
        for line in unread_lines(lost=lost, dataset=self._dataset):
            self._say(line)
        score = sum(figures.values())
        if figures and (progress.best_score is None or score > progress.best_score):
            progress.best_score = score
            self._save(name=BEST_NAME)
        if time.monotonic() - self._last_save > self._options.save_every_seconds:
            self._save()

    def _evaluate_now(self) -> dict[str, float]:
        every = self._options.evaluate_every_epochs
        last = self._progress.epoch == self._config.epochs
        if self._evaluate is None or not self._ranks.leads or not (last or self._progress.epoch % every == 0):
            return {}
        # Evaluation must not move the random state that training goes on with.
        state = torch.get_rng_state()
        self.model.eval()
        try:
            return self._evaluate(self.model)
        except TrainerError as error:
            # A development set that has gone must not cost the epoch that was just trained.
            self._say(f"no figures for this epoch: {error}")
            return {}
        finally:
            torch.set_rng_state(state)

    def _save(self, *, name: str = LAST_NAME) -> None:
        if self._ranks.leads:
            save_checkpoint(
                path=self._options.out / name,
                config=self._config,
                progress=self._progress,
                videos=len(self._dataset),
                model=self.model.state_dict(),
                optimizer=self._optimizer.state_dict(),
                schedule=self._schedule.state_dict(),
                scaler=self._scaler.state_dict(),
                phases=self._phases,
                neighbours={} if self._bank is None else self._bank.state_dict(),
            )
        if name == LAST_NAME:
            self._last_save = time.monotonic()

    def _open_curves(self) -> Curves | None:
        if not self._ranks.leads:
            return None
        return Curves(
            folder=self._options.out,
            from_step=self._progress.step,
            tensorboard=self._options.tensorboard,
        )

    def _ask_stop(self, *_: object) -> None:
        now = time.monotonic()
        if self._stop_asked_at is None:
            self._stop_asked_at = now
            self._say("stopping after this step; the checkpoint is saved first")
        elif now - self._stop_asked_at > _REPEAT_SECONDS:
            raise KeyboardInterrupt

    def _stops(self) -> bool:
        limit = self._options.stop_after_steps
        asked = self._stop_asked_at is not None or (limit is not None and self._progress.step >= limit)
        return any_rank(flag=asked, device=self._device)


def _bank(*, dataset: PreparedDataset, config: TrainingConfig, model: TclrModel) -> NeighbourBank | None:
    if not config.weights.neighbour:
        return None
    return NeighbourBank(
        videos=[video.id for video in dataset.videos],
        streams=len(stream_dimensions(model.backbone)),
        dimension=config.out_dimension,
        neighbours=config.neighbours,
    )
