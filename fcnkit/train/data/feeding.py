"""Batches of samples. Each sample depends only on its place, so training resumes exactly where it stopped."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from fcnkit.errors import FcnkitError, InputError

Tops = tuple[np.ndarray, ...]


class Share(NamedTuple):
    """The share of the samples of one process: its rank, and the number of processes."""

    rank: int = 0
    world: int = 1


ALONE = Share()


class Samples(Dataset[Tops]):
    """A data set whose samples may depend on random numbers: cropped or mirrored, for example.

    Each sample is an array for each top, without the batch axis.

    Attributes:
        fill: for each top, the value that pads smaller samples of a batch at the end of each axis; without it the
            samples of a batch must have one shape.
    """

    fill: tuple[float, ...] | None = None

    def __len__(self) -> int:
        raise NotImplementedError

    def draw(self, index: int, random: np.random.Generator) -> Tops:
        """The sample at an index; random choices in it use `random`."""
        raise NotImplementedError

    def __getitem__(self, index: int) -> Tops:
        return self.draw(index, np.random.default_rng())


class Order(Protocol):
    """The index of the sample at each place of an endless sequence."""

    def __call__(self, place: int) -> int: ...


class InTurn:
    """Every sample in order, again and again."""

    def __init__(self, count: int, skip: int = 0):
        self.count, self.skip = count, skip

    def __call__(self, place: int) -> int:
        return (place + self.skip) % self.count


class Shuffled:
    """Every sample once in each epoch, in a different order for each epoch; the samples of a file stay together.

    Args:
        sizes: the sizes of the files; the order of the files and the order within each are shuffled. One size for a
            plain data set.
        seed: the seed of the orders.
        skip: the number of samples skipped at the start.
    """

    def __init__(self, sizes: Sequence[int], seed: int, skip: int = 0):
        self.sizes, self.seed, self.count, self.skip = list(sizes), seed, sum(sizes), skip
        self._epoch, self._order = -1, np.empty(0, np.int64)

    def __call__(self, place: int) -> int:
        epoch, offset = divmod(place + self.skip, self.count)
        if epoch != self._epoch:
            random = np.random.default_rng([self.seed, epoch])
            starts = np.cumsum([0, *self.sizes])
            files = random.permutation(len(self.sizes))
            self._order = np.concatenate([starts[i] + random.permutation(self.sizes[i]) for i in files])
            self._epoch = epoch
        return int(self._order[offset])


class Drawn:
    """A random sample at each place, drawn with replacement."""

    def __init__(self, count: int, seed: int):
        self.count, self.seed = count, seed

    def __call__(self, place: int) -> int:
        return int(np.random.default_rng([self.seed, place]).integers(self.count))


class Feed:
    """The batches of one data layer: one for each call, as tensors by the names of its tops."""

    def __init__(self, layer: str, tops: Sequence[str], shapes: Sequence[tuple[int, ...]]):
        self.layer, self.tops = layer, tuple(tops)
        if len(self.tops) != len(shapes):
            raise InputError(f"data layer {layer!r} has {len(self.tops)} tops, its data set gives {len(shapes)}")
        self.shapes = dict(zip(self.tops, shapes, strict=True))
        # The number of batches read; a run resumes from it.
        self.taken = 0
        self._batches: Iterator[Any] | None = None

    def __call__(self) -> dict[str, Tensor]:
        """The next batch.

        Raises:
            FcnkitError: a sample cannot be read, or the samples of a batch differ in shape.
        """
        if self._batches is None:
            self._batches = self._from(self.taken)
        batch = next(self._batches)
        if isinstance(batch, FcnkitError):
            raise batch
        self.taken += 1
        return dict(zip(self.tops, batch, strict=True))

    def seek(self, taken: int) -> None:
        """Continue as if that many batches had been read."""
        self.taken, self._batches = taken, None

    def _from(self, taken: int) -> Iterator[Any]:
        raise NotImplementedError


class SampleFeed(Feed):
    """Batches of a data set with indices, read by a DataLoader.

    Args:
        layer, tops: the name and the tops of the data layer.
        data: `Samples`, or any data set of PyTorch whose items are arrays, one for each top.
        batch: the number of samples in each batch.
        order: the order of the samples.
        seed: the seed of random choices within a sample.
        workers: processes that read ahead; 0 reads in this one.
        share: the share of the samples, if several processes train.
    """

    def __init__(
        self,
        layer: str,
        tops: Sequence[str],
        data: Any,
        batch: int,
        order: Order,
        seed: int,
        workers: int = 0,
        share: Share = ALONE,
    ):
        self.reader, self.batch, self.order = _Reader(data, layer, seed), batch, order
        self.workers, self.share = workers, share
        first = self.reader((order(share.rank), share.rank))
        super().__init__(layer, tops, [(batch, *array.shape) for array in first])

    def _from(self, taken: int) -> Iterator[Any]:
        loader = DataLoader(
            self.reader,
            batch_sampler=_Places(self.order, self.batch, taken, self.share),
            num_workers=self.workers,
            collate_fn=self.reader.stack,
            # A separate generator, so that starting the loader does not change the generator that the net uses.
            generator=torch.Generator(),
            worker_init_fn=_let_through,
        )
        return iter(loader)


class IterableFeed(Feed):
    """Batches of samples from any iterable, which is restarted at its end.

    Args:
        layer, tops: the name and the tops of the data layer.
        source: an iterable of samples, or a DataLoader of whole batches.
        batch: the number of samples in each batch.
        share: the share of the samples, if several processes train.
    """

    def __init__(self, layer: str, tops: Sequence[str], source: Iterable[Any], batch: int, share: Share = ALONE):
        self.source, self.batch, self.share = source, batch, share
        self.whole = isinstance(source, DataLoader)
        self.reader = _Reader(None, layer, 0)
        batches = self._from(0)
        first = next(batches)
        if isinstance(first, FcnkitError):
            raise first
        super().__init__(layer, tops, [tuple(tensor.shape) for tensor in first])
        self._batches = itertools.chain([first], batches)

    def _from(self, taken: int) -> Iterator[Any]:
        step = 1 if self.whole else self.batch
        items = itertools.islice(self._items(), self.share.rank + taken * step * self.share.world, None)
        items = itertools.islice(items, 0, None, self.share.world)
        while True:
            if self.whole:
                yield tuple(torch.as_tensor(each).float() for each in self.reader.as_tops(next(items)))
            else:
                yield self.reader.stack([self.reader.arrays(next(items)) for _ in range(self.batch)])

    def _items(self) -> Iterator[Any]:
        while True:
            empty = True
            for item in self.source:
                empty = False
                yield item
            if empty:
                raise InputError(f"the data of layer {self.reader.layer!r} has no sample")


def _let_through(worker: int) -> None:
    """Leave signals to the training process: Ctrl-C reaches all processes of a terminal, SIGTERM often all of a job."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class _Places(Sampler[list[tuple[int, int]]]):
    """For each batch the samples' indices and their places in the endless sequence."""

    def __init__(self, order: Order, batch: int, taken: int, share: Share):
        self.order, self.batch, self.taken, self.share = order, batch, taken, share

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        rank, world = self.share
        for start in itertools.count(self.taken * self.batch, self.batch):
            places = [place * world + rank for place in range(start, start + self.batch)]
            yield [(self.order(place), place) for place in places]


class _Reader(Dataset[Any]):
    """Reads samples by index and place; errors are returned as values, since worker processes would garble them."""

    def __init__(self, data: Any, layer: str, seed: int):
        self.data, self.layer, self.seed = data, layer, seed
        self.draw: Callable[[int, np.random.Generator], Any] | None = getattr(data, "draw", None)
        self.fill: tuple[float, ...] | None = getattr(data, "fill", None)

    def __call__(self, key: tuple[int, int]) -> Tops:
        index, place = key
        if self.draw is not None:
            return self.arrays(self.draw(index, np.random.default_rng([self.seed, place])))
        return self.arrays(self.data[index])

    def __getitem__(self, key: tuple[int, int]) -> Tops | FcnkitError:
        try:
            return self(key)
        except FcnkitError as error:
            return error

    def as_tops(self, item: Any) -> Sequence[Any]:
        return item if isinstance(item, tuple | list) else (item,)

    def arrays(self, item: Any) -> Tops:
        try:
            return tuple(np.asarray(each, np.float32) for each in self.as_tops(item))
        except (ValueError, TypeError) as error:
            raise InputError(
                f"data layer {self.layer!r}: a sample does not consist of arrays of numbers: {error}"
            ) from None

    def stack(self, samples: Sequence[Tops | FcnkitError]) -> tuple[Tensor, ...] | FcnkitError:
        """One tensor for each top, or the error of the first sample that has one."""
        good: list[Tops] = []
        for sample in samples:
            if isinstance(sample, FcnkitError):
                return sample
            good.append(sample)
        tops = []
        for top, arrays in enumerate(zip(*good, strict=True)):
            shapes = sorted({array.shape for array in arrays})
            if len(shapes) > 1 and self.fill is not None:
                largest = tuple(map(max, zip(*shapes, strict=True)))
                arrays = tuple(padded(array, largest, self.fill[top]) for array in arrays)
            elif len(shapes) > 1:
                return InputError(
                    f"data layer {self.layer!r}: samples of one batch have the shapes {shapes[0]} and {shapes[1]};"
                    " resize or crop them, or set its batch_size to 1"
                )
            # A copy of a single sample too: a net may work on its input in place.
            tops.append(torch.from_numpy(np.stack(arrays)))
        return tuple(tops)


def padded(array: np.ndarray, shape: tuple[int, ...], fill: float) -> np.ndarray:
    """An array with `fill` at the end of each axis, up to a shape."""
    ends = [(0, want - have) for want, have in zip(shape, array.shape, strict=True)]
    return np.pad(array, ends, constant_values=fill)
