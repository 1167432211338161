"""`transformers.Trainer` for reward models: it keeps the loop, we give it batches, loss and evaluation.

One step of the Trainer is one update of ours: its batch is a list of answers, several prompts whole, which is cut here
into parts that fit memory. Each part is scored in chunks of like lengths, and its loss sees all scores at once. So
gradient accumulation in the Trainer's sense is always 1, and a run's place is its step.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, Trainer, TrainingArguments

from reward_models.batching.collate import Collator, Item
from reward_models.batching.labels import Labels
from reward_models.losses.base import Loss
from reward_models.models.lookup import one_lookup
from reward_models.models.memory import OutOfMemory, first_line, is_out_of_memory, release_memory
from reward_models.training.batches import EpochChain, micro_batches
from reward_models.training.checkpoints import step_of
from reward_models.training.faults import NotFinite, save_batch
from reward_models.training.optimizer import parameter_groups
from reward_models.training.settings import Settings
from reward_models.training.sharding import shard_head
from reward_models.types import RatedPrompt

LOSS_FILE = "loss.safetensors"
BROKEN_BATCH = "broken-batch.json"
MIN_MICRO_TOKENS = 32

_log = logging.getLogger("reward_models")


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """What is trained on.

    Attributes:
        prompts: With their labels.
        items: Every answer, encoded.
        chain: The order of updates.
        collator: Lays parts of an update out.
    """

    prompts: Sequence[RatedPrompt]
    items: Sequence[Item]
    chain: EpochChain
    collator: Collator


class RewardTrainer(Trainer):  # type: ignore[misc]  # transformers is not typed here
    """Trains a sequence classifier on answers that humans have rated or compared.

    Args:
        net: The model: `net(**inputs).logits` are outputs, (N, H).
        args: `training.arguments` makes them.
        data: What is trained on.
        loss: Its parameters are trained too, and kept beside each checkpoint.
        settings: Rates and budgets.
        tokenizer: Saved with each checkpoint, so that anyone can load it.
        gain: What the body's rate is divided by.

    Attributes:
        validate: Called for figures of the current model, by every process; `None` = no evaluation.
        micro_tokens: Tokens on a device at a time; grows smaller when memory runs out.
        loaded_step: Step of the best checkpoint, once its weights are loaded; `None` = they are those of the last step.
    """

    def __init__(
        self,
        net: Any,
        args: TrainingArguments,
        data: TrainingSet,
        loss: Loss,
        settings: Settings,
        tokenizer: Any,
        gain: float = 1.0,
    ) -> None:
        # Data parallelism inside one process splits batches that are not to be split: one process a GPU, or one GPU.
        args._n_gpu = min(args.n_gpu, 1)
        # The validation set is `validate`'s own affair; the Trainer only wants to see that there is one.
        items = list(data.items)
        super().__init__(model=net, args=args, train_dataset=items, eval_dataset=items[:1])
        self.data = data
        self.loss = loss.to(args.device)
        if self.is_fsdp_enabled:
            shard_head(self.accelerator, net, args.bf16)
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            # What shards the optimizer knows the model's parameters alone: cutpoints stay as the head start left them.
            self.loss.requires_grad_(False)
        self.settings = settings
        self.micro_tokens = settings.micro
        self.tokenizer = tokenizer
        self.gain = gain
        self.validate: Callable[[], Mapping[str, float]] | None = None
        self.loaded_step: int | None = None
        self._items: Sequence[Item] = ()

    # -- what comes in ------------------------------------------------------------------------------------------------

    def get_train_dataloader(self) -> Any:
        """Return the updates in order. Not prepared by accelerate: the plan has each process's share already."""
        return DataLoader(
            self.train_dataset, batch_sampler=self.data.chain, collate_fn=_as_update, num_workers=0, pin_memory=False
        )

    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return inputs  # Parts are moved one by one; labels keep their precision under DeepSpeed.

    # -- one update ---------------------------------------------------------------------------------------------------

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """Accumulate the gradients of one update; with half the tokens at a time if memory runs out."""
        model.train()
        self.loss.zero_grad()  # The Trainer does this to the model alone.
        self._items = inputs["items"]
        while True:
            try:
                return self._accumulate(model, self._items)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                self._halve(error)
            # Outside the handler: its traceback holds the activations that must go.
            model.zero_grad()
            self.loss.zero_grad()
            release_memory()

    def _accumulate(self, model: Any, items: Sequence[Item]) -> Tensor:
        parts = self._parts(items)
        total = torch.zeros((), device=self.args.device)
        weights = self._weights([part for part, share in parts if share])
        for number, (part, share) in enumerate(parts):
            # Gradients that wait for the last part are whole ones, on every process: not where they are sharded.
            now = self.is_fsdp_enabled or number == len(parts) - 1
            hold = contextlib.nullcontext() if now else self.accelerator.no_sync(model)
            with hold:
                with self.compute_loss_context_manager():
                    loss = self.compute_loss(model, {"items": part, "weights": weights}) * share
                total += loss.detach()
                self.accelerator.backward(loss)
        self._check_finite(float(total), "loss")
        self._share_loss_gradients()
        return total

    def _parts(self, items: Sequence[Item]) -> list[tuple[list[Item], int]]:
        """Return an update's parts, each with 1; where processes must keep step, fillers with 0 come behind them."""
        parts = [(part, 1) for part in micro_batches(items, self.micro_tokens)]
        if self.args.world_size == 1:
            return parts
        most = torch.tensor(len(parts), device=self.args.device)
        torch.distributed.all_reduce(most, op=torch.distributed.ReduceOp.MAX)
        filler = [min(items, key=lambda item: len(item.ids))]
        return parts + [(filler, 0)] * (int(most) - len(parts))

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Score answers and return their loss; with `weights`, what they add to that of the whole update."""
        batch = self.data.collator(inputs["items"])
        outputs_NH = self.outputs(model, batch["chunks"])
        result = self.loss(outputs_NH, Labels.of(batch["labels"]).to(outputs_NH.device))
        loss = result.part_of(inputs["weights"]) if "weights" in inputs else result.loss
        return (loss, {"logits": outputs_NH}) if return_outputs else loss

    def _weights(self, parts: Sequence[Sequence[Item]]) -> dict[str, Tensor]:
        """Return the weight of each term of the loss in an update; labels decide it, so no answer is scored.

        Of several processes, each returns the mean of all: gradients are averaged over them.
        """
        found: dict[str, Tensor] = {}
        with torch.no_grad():
            for part in parts:
                labels = self.data.collator.labels_of(part).to(self.args.device)
                outputs_NH = torch.zeros(len(part), self.loss.num_outputs, device=self.args.device)
                for name, term in self.loss(outputs_NH, labels).terms.items():
                    found[name] = found.get(name, 0.0) + term.weight
        if self.args.world_size > 1:
            for weight in found.values():
                torch.distributed.all_reduce(weight)
                weight /= self.args.world_size
        return found

    def outputs(self, model: Any, chunks: Sequence[Any]) -> Tensor:
        """Score chunks of a batch; outputs (N, H), in the batch's order."""
        device = self.args.device
        inputs = [{name: value.to(device) for name, value in chunk["inputs"].items()} for chunk in chunks]
        alone = self.args.world_size == 1 and not self.is_fsdp_enabled and not self.is_deepspeed_enabled
        with one_lookup(self.model, [each["input_ids"] for each in inputs]) if alone else contextlib.nullcontext():
            found = [model(**each).logits for each in inputs]
        order = torch.argsort(torch.cat([chunk["place"] for chunk in chunks])).to(device)
        return torch.cat(found)[order]

    def _share_loss_gradients(self) -> None:
        """Average the gradients of the loss's own parameters, which no wrapper knows of."""
        if self.args.world_size > 1:
            for parameter in (each for each in self.loss.parameters() if each.requires_grad):
                torch.distributed.all_reduce(parameter.grad)
                parameter.grad /= self.args.world_size

    # -- faults -------------------------------------------------------------------------------------------------------

    def _halve(self, error: BaseException) -> None:
        if self.args.world_size > 1:
            raise OutOfMemory(
                f"memory ran out with {self.micro_tokens:,} tokens at a time ({first_line(error)}). Processes that "
                "must keep step cannot try again: resume with --set micro_tokens of half as many"
            ) from error
        least = max(MIN_MICRO_TOKENS, min(len(item.ids) for item in self._items))
        if self.micro_tokens <= least:
            raise OutOfMemory(
                f"memory ran out with one answer of {max(len(item.ids) for item in self._items):,} tokens "
                f"({first_line(error)}). Lower max_length, or set checkpointing=true or method=lora"
            ) from error
        largest = max(sum(len(item.ids) for item in part) for part in micro_batches(self._items, self.micro_tokens))
        before, self.micro_tokens = self.micro_tokens, max(least, min(self.micro_tokens, largest) // 2)
        _log.warning(
            "memory ran out with %s tokens at a time: going on with %s (same updates, in more parts). "
            "--set micro_tokens=%s spares the next run the attempt",
            f"{before:,}",
            f"{self.micro_tokens:,}",
            self.micro_tokens,
        )

    def _check_finite(self, value: float, what: str) -> None:
        if torch.isfinite(torch.tensor(value)):
            return
        step = self.state.global_step + 1
        path = Path(self.args.output_dir).parent / BROKEN_BATCH
        save_batch(path, step, self._items, self.data.prompts, f"the {what} is {value}")
        raise NotFinite(
            f"the {what} of step {step} is {value}, and the run stops: its weights are as before this step. The batch "
            f"is in {path}. Look for extreme stars or weights in it, lower learning_rate, or use dtype=float32"
        )

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)
        self._check_finite(float(norm), "gradient's norm")
        return norm

    # -- optimizer, counters ------------------------------------------------------------------------------------------

    def create_optimizer(self, model: Any = None) -> Any:
        """Make the optimizer with rates of head, body and layers, and the loss's own parameters."""
        if self.optimizer is None:  # type: ignore[has-type]  # the Trainer's
            kind, options = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            groups = parameter_groups(self.model if model is None else model, self.loss, self.settings, self.gain)
            self.optimizer = kind(groups, **options)
        return self.optimizer

    def _track_num_input_tokens(self, inputs: dict[str, Any]) -> None:
        """Count real tokens, of all processes, in the state: so a resumed run goes on counting."""
        tokens = torch.tensor(sum(len(item.ids) for item in inputs["items"]), device=self.args.device)
        if self.args.world_size > 1:
            torch.distributed.all_reduce(tokens)
        self.state.num_input_tokens_seen += int(tokens)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Return the usual estimate, of real tokens."""
        tokens = sum(len(item.ids) for item in inputs["items"])
        return int(6 * tokens * sum(parameter.numel() for parameter in self.model.parameters()))

    # -- evaluation and checkpoints -----------------------------------------------------------------------------------

    def evaluate(self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval") -> Any:
        """Return the validation figures, under the Trainer's names."""
        found = {} if self.validate is None else self.validate()
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in found.items()}
        self.log(metrics)
        handler = self.callback_handler
        self.control = handler.on_evaluate(self.args, self.state, self.control, metrics)  # type: ignore[has-type]
        return metrics

    def _evaluate(self, trial: Any, ignore_keys_for_eval: Any, skip_scheduler: bool = False) -> Any:
        """Evaluate; before the first step, keep the model that training starts from as the one to beat."""
        if not skip_scheduler:
            return super()._evaluate(trial, ignore_keys_for_eval)
        if self.state.best_metric is not None:  # A resumed run has done it.
            # The checkpoint names the best one as the folder was given then, which may lead elsewhere now or nowhere.
            self.state.best_model_checkpoint = self._checkpoint(self.state.best_global_step)
            return {}
        metrics = self.evaluate()
        self._determine_best_metric(metrics, trial)
        self._save_checkpoint(self.model, trial)
        # FSDP makes itself states to save by a step without gradients, which Adam's bias correction would count.
        self.optimizer.state.clear()
        self.state.best_model_checkpoint = self._checkpoint(self.state.global_step)
        self.state.save_to_json(str(Path(self.state.best_model_checkpoint) / "trainer_state.json"))
        return metrics

    def _checkpoint(self, step: int) -> str:
        return str(Path(self.args.output_dir) / f"checkpoint-{step}")

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Save the model and the loss; not the arguments, which the Trainer would pickle.

        Weights keep the names that they have here, also where hub checkpoints have others (experts): the Trainer loads
        by name and drops what it does not know.
        """
        if not self.args.should_save:
            return
        folder = Path(output_dir or self.args.output_dir)
        net = self.accelerator.unwrap_model(self.model, keep_torch_compile=False)
        names = {"save_original_format": False} if isinstance(net, PreTrainedModel) else {}
        net.save_pretrained(folder, state_dict=state_dict, **names)
        self.tokenizer.save_pretrained(folder)
        save_file(dict(self.loss.state_dict()), folder / LOSS_FILE)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        self._load_loss(resume_from_checkpoint)

    def _load_best_model(self) -> None:
        super()._load_best_model()
        self._load_loss(self.state.best_model_checkpoint)
        self.loaded_step = step_of(Path(self.state.best_model_checkpoint))

    def _load_loss(self, folder: str) -> None:
        self.loss.load_state_dict(load_file(Path(folder) / LOSS_FILE))


def _as_update(items: list[Item]) -> dict[str, list[Item]]:
    return {"items": items}
