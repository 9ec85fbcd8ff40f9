"""Cross-validation: every sample is held out once."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastgrok import Generator, randperm

__all__ = ["k_fold"]


def k_fold(
    n: int, k: int = 5, generator: Generator | None = None, *, shuffle: bool = True, labels: Any = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield `k` times the indices to train on and those to hold out, both in ascending order, int64.

    Each of the `n` samples is held out once; folds differ in size by at most one.

    Parameters
    ----------
    n : int
        Number of samples.
    k : int
        Number of folds.
    generator : Generator, optional
        Deals the samples; by default that of `manual_seed`.
    shuffle : bool
        False makes folds of neighbours: samples 0, 1, 2, ... first. For series, in which neighbours are alike.
    labels : array or tensor (N,), optional
        Classes, of which all folds then have the same share: counts of a class differ by at most one.

    Raises
    ------
    ValueError
        Unless 2 <= k <= n and there is one label for each sample.

    Examples
    --------
    >>> for train, held_out in k_fold(5, 2, shuffle=False):
    ...     print(train, held_out)
    [3 4] [0 1 2]
    [0 1 2] [3 4]
    """
    if not isinstance(k, int | np.integer) or not 2 <= k <= n:
        raise ValueError(f"k_fold: k={k!r}, expected a whole number with 2 <= k <= n={n}")
    order = randperm(n, generator=generator).numpy() if shuffle else np.arange(n)
    if labels is None:
        # The first n % k folds have one more.
        fold = np.repeat(np.arange(k), [n // k + (i < n % k) for i in range(k)])
    else:
        classes = np.asarray(labels.detach() if hasattr(labels, "detach") else labels)
        if classes.shape != (n,):
            raise ValueError(f"k_fold: labels has shape {classes.shape}, expected ({n},)")
        # Class after class, samples are dealt out like cards: whoever had the last card of one class is passed over.
        order = order[np.argsort(classes[order], kind="stable")]
        fold = np.arange(n) % k
    for i in range(k):
        held_out = np.zeros(n, bool)
        held_out[order[fold == i]] = True
        yield np.flatnonzero(~held_out), np.flatnonzero(held_out)
