"""The network behind Lightning: one shared step, an optimizer, a rate of learning."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from chatbot.data.batches import Batch
from chatbot.likelihood import Likelihood, negative_log_likelihood, of_batch
from chatbot.model.config import NetworkConfig
from chatbot.model.seq2seq import Seq2Seq
from chatbot.training.console import say
from chatbot.training.guard import Guard
from chatbot.training.loss import smoothed_loss
from chatbot.training.memory import is_out_of_memory
from chatbot.training.meter import Meter
from chatbot.training.optimizer import OptimizerConfig, adamw, rate, settle

VALID = "valid_nats"
"""Name of the figure that early stopping and the choice of the best model go by: nats per word."""


class DialogueModule(pl.LightningModule):
    """A `Seq2Seq` in training.

    A gradient stays until the optimizer has used it, rather than until the next one is wanted: a batch that the memory
    cannot hold at once adds to it in two halves.

    Args:
        network: sizes of the network.
        optimizer: how the weights are changed.
        label_smoothing: share of the wanted probability that is spread over all pieces, from 0 up to but not 1.
        vocab_size: taken from the prepared folder.
    """

    def __init__(
        self,
        network: NetworkConfig = NetworkConfig(),  # noqa: B008 (it is frozen)
        optimizer: OptimizerConfig = OptimizerConfig(),  # noqa: B008 (so is it)
        label_smoothing: float = 0.1,
        vocab_size: int = 8000,
    ) -> None:
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"model.label_smoothing must be from 0 up to but not 1, got {label_smoothing}")
        self.save_hyperparameters(  # plain dictionaries: a checkpoint with objects in it cannot be loaded safely
            {
                "network": asdict(network),
                "optimizer": asdict(optimizer),
                "label_smoothing": label_smoothing,
                "vocab_size": vocab_size,
            }
        )
        self.optimizer_config = optimizer
        self.label_smoothing = label_smoothing
        self.model = Seq2Seq(vocab_size, network)
        self.guard = Guard()
        self.meter = Meter()
        self.seed = 0
        self.halved = False
        """Whether batches go through in two halves, because whole ones did not fit into memory."""
        self.valid = Likelihood()
        self._parts: list[tuple[Batch, Tensor]] = []
        self._step: tuple[Batch, int]
        self._sums: Tensor

    # ------------------------------------------------------------------------------------------------ training

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of a batch: the mean over the real tokens of all batches that make the same update."""
        self._step = batch, batch_idx
        if not self.halved:
            self._seed_dropout()
            try:
                loss, self._sums = self._loss(batch)
                return loss
            except RuntimeError as error:
                self._halve(error)
        return self._in_halves()

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Gradients of a batch; where the memory ends here, it goes through again in halves."""
        try:
            loss.backward(*args, **kwargs)  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            batch_idx = self._step[1]
            if batch_idx % self.trainer.accumulate_grad_batches:  # gradients of other batches cannot be told from these
                raise
            self._halve(error)
        else:
            self._count()
            return
        loss.detach_()  # lets go of what this try has computed
        self.zero_grad()
        with self.trainer.precision_plugin.train_step_context():
            again = self._in_halves() / self.trainer.accumulate_grad_batches
        self._backward(again)
        self._count()

    def _loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The scaled loss of a batch, and beside it its summed nats and summed loss (2,), without gradient."""
        hidden = self.model(batch.source, batch.source_lengths, batch.inputs)  # (N, T, E)
        output, targets = (self.model.output_weight, self.model.bias), batch.select(batch.targets)
        loss, nats = smoothed_loss(batch.select(hidden), *output, targets, self.label_smoothing)
        scale = 1 / batch.tokens if batch.scale is None else batch.scale
        return loss * scale, torch.stack([nats, loss.detach()])

    def _in_halves(self) -> Tensor:
        """Gradients of the first half of a batch are made here; the loss of the second comes back."""
        batch = self._step[0]
        self._seed_dropout()
        if batch.rows == 1:
            loss, self._sums = self._loss(batch)
            return loss
        first, last = batch.halves()
        loss, sums = self._loss(first)
        share = loss / self.trainer.accumulate_grad_batches
        self._backward(share)
        loss, more = self._loss(last)
        self._sums = sums + more
        return loss

    def _backward(self, loss: Tensor) -> None:
        """Gradients of a loss that Lightning does not know of, scaled as it would under float16."""
        self.trainer.precision_plugin.pre_backward(loss, self).backward()  # type: ignore[no-untyped-call]

    def _halve(self, error: RuntimeError) -> None:
        """Take batches in halves from now on, if memory is what is lacking and that has not been tried yet.

        Raises:
            RuntimeError: ``error``, where it tells of something else, or halving is no way out; with several devices it
                is not, as all must take the same steps.
        """
        if not is_out_of_memory(error) or self.halved or self.trainer.world_size > 1 or self._step[0].rows == 1:
            raise error
        self.halved = True
        say(
            f"Memory is full at step {self.trainer.global_step:,}: from here on each batch goes through in two halves, "
            "which train as one. A lower --data.tokens_per_batch would be quicker."
        )

    def _count(self) -> None:
        """Tell the meter of the batch that has gone through; other devices are taken to have had as many tokens."""
        batch = self._step[0]
        if batch.scale != 0:
            devices = self.trainer.world_size
            nats, loss = self._sums
            self.meter.add(torch.stack([nats, loss * devices]), batch.words + batch.rows, batch.tokens * devices)

    def _seed_dropout(self) -> None:
        """What a batch draws depends on its place in the data alone, however training got there and on which device."""
        trainer, batch_idx = self.trainer, self._step[1]
        place = [self.seed, trainer.current_epoch, batch_idx * trainer.world_size + trainer.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0] >> np.uint64(1)))

    # ------------------------------------------------------------------------------------------------ validation

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Note what the replies of a batch cost; `chatbot.likelihood` says what that is."""
        self._parts.append((batch, negative_log_likelihood(self.model, batch)))

    def on_validation_start(self) -> None:
        """Stop the clock of training."""
        self.meter.pause()

    def on_validation_epoch_end(self) -> None:
        """Add up the split, over all devices, and hand the figure to whoever watches it."""
        nats = torch.stack([nats for _, nats in self._parts]).tolist() if self._parts else []
        total = Likelihood()
        for (batch, _), cost in zip(self._parts, nats, strict=True):
            total += of_batch(batch, cost)
        self._parts.clear()
        summed = self.over_devices(total.nats, total.words, total.tokens)
        self.valid = total = Likelihood(summed[0], int(summed[1]), int(summed[2]))
        self.log(VALID, total.nats_per_word, batch_size=1)

    def over_devices(self, *figures: float) -> list[float]:
        """Sums of figures over all devices, each of which must ask."""
        if self.trainer.world_size == 1:
            return list(figures)
        own = torch.tensor(figures, device=self.device, dtype=torch.float64)
        summed: Tensor = self.trainer.strategy.reduce(own, reduce_op="sum")
        return summed.tolist()

    # ------------------------------------------------------------------------------------------------ optimizer

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Start the clock of training."""
        self.meter.start()

    def on_train_start(self) -> None:
        """After a resume, take the settings that were asked for now rather than those in the checkpoint."""
        for scheduler in self._schedulers():
            scheduler.base_lrs = [self.optimizer_config.lr] * len(scheduler.base_lrs)
            now = [share(scheduler.last_epoch) * self.optimizer_config.lr for share in scheduler.lr_lambdas]
            settle(scheduler.optimizer, self.optimizer_config, now, fused=self._fused)

    def on_train_end(self) -> None:
        """Stop the clock of training."""
        self.meter.pause()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Note whether batches go through in halves: their dropout is another."""
        checkpoint["halved"] = self.halved

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on as before; harmful steps in a row are counted anew, as somebody has looked at it since."""
        self.halved = bool(checkpoint["halved"])
        for name in ("guard.row", "guard.longest"):
            checkpoint["state_dict"][name].zero_()

    def configure_optimizers(self) -> Any:
        """AdamW, fused where nothing stands in the way."""
        optimizer = adamw(self.model.parameters(), self.optimizer_config, fused=self._fused)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate(self.optimizer_config, self._planned_steps()))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip by the norm of all gradients together (Pascanu, Mikolov & Bengio 2013), or as asked for.

        What the guard finds harmful is not stepped on. A fused optimizer is told so on the device, which nobody has to
        wait for; under float16 the scaler skips what is no number as part of its search for a scale, as long as there
        is one to be found.
        """
        parameters = list(self.model.parameters())
        most = gradient_clip_val or math.inf
        by_value = gradient_clip_algorithm == "value"
        norm = torch.nn.utils.clip_grad_norm_(parameters, math.inf if by_value else most)
        if by_value:
            torch.nn.utils.clip_grad_value_(parameters, most)
        if self._fused:
            optimizer.found_inf = self.guard.judge(norm).float()  # type: ignore[attr-defined]
        elif (bool(norm.isfinite()) or self._scale() <= 1) and bool(self.guard.judge(norm)):
            self.zero_grad()

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """One update; its gradients go, as they are used up."""
        super().optimizer_step(*args, **kwargs)
        self.zero_grad()

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: torch.optim.Optimizer) -> None:
        """Nothing: `optimizer_step` has done it."""

    @property
    def _fused(self) -> bool:
        """Whether one kernel takes the whole step: the scaler of float16 must see the gradients between."""
        return self.trainer.precision != "16-mixed"

    def _scale(self) -> float:
        """What float16 multiplies the loss by."""
        scaler = getattr(self.trainer.precision_plugin, "scaler", None)
        return 1.0 if scaler is None else float(scaler.get_scale())

    def _planned_steps(self) -> float:
        """Updates until the planned end. Lightning's own estimate takes hold of the loader before a checkpoint has been
        read, whose place in the data it would forget.
        """
        if self.optimizer_config.decay != "cosine":
            return math.inf
        trainer = self.trainer
        steps = math.inf if trainer.max_steps < 0 else float(trainer.max_steps)
        if trainer.max_epochs is not None and trainer.max_epochs >= 0:
            batches, limit = len(trainer.datamodule.train_dataloader()), trainer.limit_train_batches  # type: ignore[attr-defined]
            batches = min(batches, limit) if isinstance(limit, int) else int(batches * limit)
            steps = min(steps, trainer.max_epochs * math.ceil(batches / trainer.accumulate_grad_batches))
        return steps

    def _schedulers(self) -> list[torch.optim.lr_scheduler.LambdaLR]:
        found = self.lr_schedulers()
        schedulers = found if isinstance(found, list) else [found]
        return [s for s in schedulers if isinstance(s, torch.optim.lr_scheduler.LambdaLR)]
