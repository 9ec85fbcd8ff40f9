"""Worker threads of a `DataLoader`: batches are made ahead of time, and handed out in their order."""

import functools
import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from fastgrok import default_generator

__all__ = ["WorkerInfo", "get_worker_info", "in_threads"]

_local = threading.local()
END = object()  # what a worker returns that has nothing more


@dataclass(frozen=True)
class WorkerInfo:
    """Which worker this is: `id` from 0 to num_workers - 1, with a `seed` of its own and the `dataset`."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


def get_worker_info() -> WorkerInfo | None:
    """Return which worker thread of a `DataLoader` this is; None in any other thread."""
    return getattr(_local, "info", None)


class _Worker(threading.Thread):
    """A thread that runs one task after another. It does not keep Python from ending, whatever it is busy with."""

    def __init__(self, info: WorkerInfo):
        super().__init__(name=f"fastgrok-data-{info.id}", daemon=True)
        self.info = info
        self.tasks: queue.SimpleQueue = queue.SimpleQueue()
        self.start()

    def submit(self, task: Callable[[], Any]) -> Future:
        """Queue a task; returns where its result will be."""
        future: Future = Future()
        self.tasks.put((task, future))
        return future

    def run(self) -> None:
        """Run tasks until None comes. What they draw from the default generator depends on the worker's seed alone."""
        _local.info = self.info
        default_generator.begin_thread(self.info.seed)
        while (entry := self.tasks.get()) is not None:
            task, future = entry
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(task())
                except BaseException as error:  # raised again where the result is asked for
                    future.set_exception(error)
            del entry, task, future  # a batch is not kept until the next one is there


def in_threads(
    infos: list[WorkerInfo],
    start: Callable[[int], None] | None,
    tasks: Iterator[Callable[[], Any]] | list[Callable[[], Any]],
    ahead: int,
    timeout: float,
) -> Iterator[Any]:
    """Yield the results of tasks in order, computed by threads, of which each has up to `ahead` tasks waiting.

    `tasks` is an iterator of all tasks, which go to the workers in turn, so that which worker does what does not depend
    on time; or a list with the one task of each worker, which it repeats until that returns `END`. `start` is called in
    each worker first, with its number.

    What a worker raises is raised here; so is `RuntimeError` when a result takes longer than `timeout` seconds, unless
    that is 0. Whoever stops asking before the end waits for nothing: tasks that are not begun are dropped.
    """

    workers = [_Worker(info) for info in infos]
    begun = [] if start is None else [w.submit(functools.partial(start, w.info.id)) for w in workers]
    waiting: deque[tuple[int, Future]] = deque()
    active = set(range(len(workers)))
    turns = itertools.cycle(range(len(workers)))

    def submit() -> bool:
        """Give the worker whose turn it is a task; False when there is none."""
        if not active:
            return False
        worker = next(turn for turn in turns if turn in active)
        task = tasks[worker] if isinstance(tasks, list) else next(tasks, None)
        if task is None:
            return False
        waiting.append((worker, workers[worker].submit(task)))
        return True

    try:
        for future in begun:
            future.result()
        for _ in range(max(1, ahead) * len(workers)):
            submit()
        while waiting:
            worker, future = waiting.popleft()
            try:
                result = future.result(timeout or None)
            except TimeoutError:
                if future.done():  # the task's own
                    raise
                raise RuntimeError(f"DataLoader timed out after {timeout} seconds") from None
            if result is END:
                active.discard(worker)
                continue
            submit()
            yield result
    finally:
        for _, future in waiting:
            future.cancel()
        for thread in workers:
            thread.tasks.put(None)
