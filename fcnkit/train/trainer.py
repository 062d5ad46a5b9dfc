"""Training as `caffe train` does it.

Source: BVLC/caffe src/caffe/solver.cpp, Step, Solve and TestAll.
"""

from __future__ import annotations

import gc
import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fcnkit.aliases import AnyPath
from fcnkit.errors import DefinitionError, InputError, naming, nearest
from fcnkit.segment.parallel import Ranks
from fcnkit.segment.parallel import device as named_device
from fcnkit.train import snapshots
from fcnkit.train.data.feeding import ALONE, Share
from fcnkit.train.data.sources import Given, Sources
from fcnkit.train.definition import check_folder, read
from fcnkit.train.diagnosis import blob_numbers, first_not_finite, top_numbers
from fcnkit.train.events import Watcher
from fcnkit.train.nets import copy_weights, learnables, require_loss
from fcnkit.train.processes import Requests, agree, mean, most, synchronized, unsynchronized
from fcnkit.train.randomness import random_state, set_random_state
from fcnkit.train.running import Fed, Precision, evaluated, leave_out_unreached, optimizer_for, plain, scheduler_for
from fcnkit.train.zeros import require_learning

AUTO = "auto"


class Trainer:
    """A solver, its nets and their data, ready to train.

        Trainer("solver.prototxt", weights=["vgg16.caffemodel"], device="cuda").run()

    Args:
        solver: the solver's prototxt; relative paths in it start at the working folder.
        weights: files of weights to start from, copied by layer name; later ones override earlier ones.
        snapshot: a .solverstate (or .h5) to resume from; "auto" for the newest of the solver's, if there is one.
        device: the device, as PyTorch names it.
        data: by layer name, a data set, an iterable, or a function that returns one.
        workers: processes that read ahead for each data layer.
        amp: "bf16" or "fp16" for automatic mixed precision; None computes in float32, as Caffe does.
        compiled: run the train net through torch.compile.
        channels_last: use the channels-last layout, which is faster on some GPUs.
        allow_zero: train even if some filters start at zero and no gradient reaches them.
        processes: the processes that train together (see fcnkit.segment.parallel.ranks).
        watcher: receives the events of the run.
        crop: the offset of Crop layers without crop_param, as in `fcnkit.load`.

    Attributes:
        iteration, net: the number of iterations completed, and the CaffeNet that is trained.
        optimizer, scheduler: the solver and its rate.
        requests: the requests of signals, once signals are handled.
        tests_together: whether every process has the test nets and its share of their images; by default the first
            process tests alone.

    Raises:
        FcnkitError: a file is missing or wrong, or does not match the others; checked before the first iteration.
    """

    tests_together = False

    def __init__(
        self,
        solver: AnyPath,
        *,
        weights: Sequence[str] = (),
        snapshot: str | None = None,
        device: str = "cpu",
        data: Mapping[str, Given] | None = None,
        workers: int = 0,
        amp: str | None = None,
        compiled: bool = False,
        channels_last: bool = False,
        allow_zero: bool = False,
        processes: Ranks | None = None,
        watcher: Watcher | None = None,
        crop: str | None = None,
    ):
        self.solver = read(solver, crop)
        self.settings: Any = self.solver.settings
        self.processes, self.watcher = processes or Ranks(), watcher or Watcher()
        self.requests = Requests()
        check_folder(self.solver.prefix)
        weights = [*self.settings.weights, *weights]
        if snapshot == AUTO:
            snapshot = snapshots.newest(self.solver.prefix)
        elif snapshot is not None and weights:
            raise InputError("give a snapshot to resume from, or weights to start from, not both").in_file(solver)
        self.device = named_device(device)
        self._precision = Precision(amp, self.device, channels_last)
        resumed, places = (None, None) if snapshot is None else snapshots.read(snapshot)
        self.seed = self._agreed_seed(places)
        torch.manual_seed(self.seed)
        share = Share(self.processes.rank, self.processes.world)
        with naming(solver):
            self._make_nets(Sources(self.seed, workers, share, data, share if self.tests_together else ALONE))
        if snapshot is not None and resumed is not None:
            weights = [snapshots.weights_of(snapshot, resumed)]
        for path in weights:
            copy_weights(self.net, path)
        if not allow_zero:
            with naming(solver):
                require_learning(self.train.objective)
        leave_out_unreached(self.net, self.train.objective)
        self.train.move()
        for fed in self.tests:
            fed.move(self.net)
        self.blobs = learnables(self.net, self.solver.train)
        self.optimizer = optimizer_for(self.settings, self.blobs)
        self.scheduler = scheduler_for(self.settings, self.optimizer)
        self._scaler = self._precision.scaler()
        self._module: nn.Module = self.train.compiled() if compiled else self.train.objective
        if self.processes.world > 1:
            self._module = synchronized(self._module)
        self.iteration, self._snapped_at = 0, -1
        self._losses: deque[float] = deque(maxlen=self.settings.average_loss)
        torch.manual_seed(self.seed + self.processes.rank)
        if snapshot is not None and resumed is not None:
            snapshots.restore(snapshot, resumed, self.blobs, self.optimizer)
            self.iteration = resumed.iteration
            self.scheduler.resume(resumed.iteration, resumed.current_step)
            self._go_on(places)

    def run(self) -> int:
        """Train to the solver's max_iter, or until a signal requests a stop.

        Returns:
            The signal that stopped the run, or 0.

        Raises:
            FcnkitError: a sample cannot be read, or the loss is no longer finite.
        """
        s = self.settings
        self.watcher.started(self.iteration, s.max_iter)
        while self.iteration < s.max_iter and not self.requests.stop:
            if self._tests_are_due() and (self.iteration or s.test_initialization):
                self.test()
                if self.requests.stop:
                    break
            self.step()
            if self.requests.snapshot or (s.snapshot and self.iteration % s.snapshot == 0):
                self.snapshot()
                self.requests.snapshot = False
        stopped = self.requests.stop
        ends_in_one = s.snapshot_after_train and not (s.snapshot and self.iteration % s.snapshot == 0)
        if self._snapped_at != self.iteration and (stopped or ends_in_one):
            self.snapshot()
        if stopped:
            return stopped
        if s.display and self.iteration % s.display == 0:
            self._show_once_more()
        if self._tests_are_due():
            self.test()
        return self.requests.stop

    def step(self) -> None:
        """One iteration: iter_size batches forward and backward, and the solver's update.

        Raises:
            FcnkitError: as in `run`.
        """
        s = self.settings
        if self.scheduler.last_epoch < self.iteration:
            self.scheduler.step()
        shown = bool(s.display) and self.iteration % s.display == 0
        self.optimizer.zero_grad()
        self.train.objective.watched = [] if s.debug_info and shown else None
        total = torch.zeros((), device=self.device)
        for part in range(s.iter_size):
            inputs = self.train.batch()
            with unsynchronized(self._module, part < s.iter_size - 1):
                with self._precision.autocast():
                    loss, outputs = self._module(*inputs)
                if loss.requires_grad:
                    self._scaler.scale(loss).backward()
            total += loss.detach()
        value = total.item() / s.iter_size
        self._require_finite(value, inputs)
        self._losses.append(value)
        if shown:
            self._display(outputs)
        self._scaler.unscale_(self.optimizer)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        self.iteration += 1
        images = self.train.images * s.iter_size * self.processes.world
        self.watcher.stepped(self.iteration, images, self._smoothed(), self.rate)

    def test(self) -> None:
        """Run every test net on its batches, and report the means of its outputs; only in the first process."""
        for number, fed in enumerate(self.tests if self.processes.first else ()):
            found = evaluated(fed, self.solver.tests[number].batches, lambda: bool(self.requests.asked_stop))
            if found is None:
                break
            record: dict[str, Any] = {"iteration": self.iteration, "test": number}
            if self.settings.test_compute_loss:
                record["loss"] = found.loss
            self.watcher.tested({**record, "outputs": found.outputs})
        agree(self.processes, self.requests)

    def snapshot(self) -> None:
        """Write weights, solver state and positions at this iteration; only the first process writes.

        Raises:
            FcnkitError: a file cannot be written, or some weights are no longer finite.
        """
        random = random_state(self.processes, self.device)
        self._snapped_at = self.iteration
        if not self.processes.first:
            return
        snapshots.check_finite(self.blobs)
        state = snapshots.write(
            self.solver.prefix,
            self.solver.train,
            self.net,
            self.blobs,
            self.optimizer,
            self.iteration,
            self.scheduler.current_step,
            {
                "world": self.processes.world,
                "seed": self.seed,
                "train": self.train.taken(),
                "tests": [fed.taken() for fed in self.tests],
                "losses": list(self._losses),
                "scaler": self._scaler.state_dict(),
                **random,
            },
            as_hdf5=self.settings.SnapshotFormat.Name(self.settings.snapshot_format) == "HDF5",
        )
        self.watcher.snapped(state)

    def close(self) -> None:
        """Release the other processes. Call it before their group ends, or the group's threads would outlive it."""
        self._module = self.train.objective
        gc.collect()

    @property
    def rate(self) -> float:
        """The rate of this iteration, without a blob's own factor."""
        return float(self.optimizer.param_groups[0]["lr"])

    def _make_nets(self, sources: Sources) -> None:
        self.train = Fed(self.solver.train, sources, self._precision)
        require_loss(self.train.objective)
        self.net = self.train.net
        tested = self.solver.tests if self.processes.first or self.tests_together else []
        self.tests = [Fed(test.net, sources, self._precision, self.net) for test in tested]
        unused = set(sources.given) - sources.used
        if unused and self.processes.first:
            names = ", ".join(map(repr, sorted(unused)))
            hint = nearest(sorted(unused)[0], [layer.name for layer in self.train.definition.layer])
            raise InputError(f"data is given for {names}, but no data layer has that name{hint}")

    def _agreed_seed(self, places: dict[str, Any] | None) -> int:
        """One seed for all processes: the solver's, that of the resumed run, or a new one."""
        seed = self.settings.random_seed if self.settings.random_seed >= 0 else torch.seed() % 2**31
        if places is not None:
            seed = int(places["seed"])
        return most(self.processes, [seed], torch.device("cpu"))[0]

    def _go_on(self, places: dict[str, Any] | None) -> None:
        """Restore the positions in the data and the random states; without places they start anew, as in Caffe."""
        if places is None or places["world"] != self.processes.world:
            self.watcher.noted("the data starts at its beginning: nothing beside the snapshot states its place")
            return
        self.train.seek(places["train"])
        for fed, taken in zip(self.tests, places["tests"], strict=False):
            fed.seek(taken)
        self._losses.extend(places["losses"])
        if self._scaler.is_enabled() and places["scaler"]:
            self._scaler.load_state_dict(places["scaler"])
        set_random_state(places, self.processes, self.device)

    def _tests_are_due(self) -> bool:
        interval: int = self.settings.test_interval
        return interval > 0 and self.iteration % interval == 0

    def _require_finite(self, loss: float, inputs: Sequence[Tensor]) -> None:
        failed = not math.isfinite(loss)
        if not agree(self.processes, self.requests, failed):
            return
        if not failed:
            raise DefinitionError(f"iteration {self.iteration}: the loss of another process is not finite")
        where = first_not_finite(self.net, inputs)
        raise DefinitionError(f"iteration {self.iteration}: the loss is {loss:g}; {where}; try a lower base_lr")

    def _display(self, outputs: dict[str, Tensor]) -> None:
        smoothed = self._smoothed()
        if self.processes.world > 1:
            smoothed = mean(self.processes, torch.tensor(smoothed)).item()
        means = {name: mean(self.processes, value.detach().float().cpu()) for name, value in outputs.items()}
        record: dict[str, Any] = {"iteration": self.iteration, "loss": smoothed, "lr": self.rate}
        record["outputs"] = {name: plain(value) for name, value in means.items()}
        if self.train.objective.watched is not None:
            record["debug"] = {"tops": top_numbers(self.train.objective.watched), "params": blob_numbers(self.blobs)}
        if self.processes.first:
            self.watcher.displayed(record)

    def _show_once_more(self) -> None:
        """The loss after the last update, on one more batch."""
        with torch.no_grad(), self._precision.autocast():
            loss, _ = self.train.objective(*self.train.batch())
        self._losses.append(loss.item())
        self.watcher.noted(f"Iteration {self.iteration}, loss = {self._smoothed():.6g}")

    def _smoothed(self) -> float:
        return sum(self._losses) / len(self._losses)
