"""Measures of how well a model does. They take tensors or arrays, and return Python numbers and NumPy arrays.

Letters of shapes: N samples, C classes, (...) further axes that are treated like samples.
"""

import math
from typing import Any

import numpy as np

__all__ = [
    "accuracy",
    "bits_per_character",
    "confusion_matrix",
    "f1_score",
    "perplexity",
    "precision",
    "recall",
]


def accuracy(scores: Any, target: Any, top_k: int = 1, ignore_index: int = -100) -> float:
    """Return the part of samples whose class is among the `top_k` with the largest scores.

    Parameters
    ----------
    scores : (N, C) or (N, C, ...) float, or (N, ...) of whole numbers
        Logits or probabilities as for `F.cross_entropy`, or (top_k=1) the predicted classes themselves.
    target : (N, ...) of whole numbers
        The classes; samples of class `ignore_index` do not count.
    top_k : int
        From 1 to C. A class ties with another of the same score in favour of the smaller number.

    Raises
    ------
    ValueError
        When shapes do not fit together, `top_k` makes no sense, or no sample counts.

    Examples
    --------
    >>> scores = [[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]]
    >>> accuracy(scores, [1, 2]), accuracy(scores, [1, 2], top_k=2)
    (0.5, 1.0)
    """
    scores, target = _array(scores), _classes("target", target)
    counts = target != ignore_index
    if not counts.any():
        raise ValueError(f"accuracy: target of shape {target.shape} has no sample that counts")
    if scores.dtype.kind in "iu":
        if scores.shape != target.shape or top_k != 1:
            raise ValueError(
                f"accuracy: predicted classes of shape {scores.shape} with top_k={top_k}, expected {target.shape} and 1"
            )
        return float((scores == target)[counts].mean())
    if scores.ndim != target.ndim + 1 or scores.shape[:1] + scores.shape[2:] != target.shape:
        raise ValueError(
            f"accuracy: scores has shape {scores.shape} and target {target.shape}, expected (N, C, ...) and (N, ...)"
        )
    C = scores.shape[1]
    if not 1 <= top_k <= C:
        raise ValueError(f"accuracy: top_k={top_k}, expected 1 <= top_k <= C={C}")
    rows, classes = np.moveaxis(scores, 1, -1)[counts], target[counts]
    _check_range("target", classes, C)
    best = np.argsort(-rows, axis=1, kind="stable")[:, :top_k]
    return float((best == classes[:, None]).any(axis=1).mean())


def perplexity(loss: Any) -> float:
    """Return exp(loss), for a mean cross-entropy in nats: among how many equally likely choices a model hesitates.

    Infinite where that is too large for a float. Raises `ValueError` for more than one number.

    >>> round(perplexity(math.log(65)))
    65
    """
    try:
        return math.exp(_number("perplexity", loss))
    except OverflowError:
        return math.inf


def bits_per_character(loss: Any) -> float:
    """Return loss / ln 2: a mean cross-entropy per character, in nats, in bits.

    Raises `ValueError` for more than one number.

    >>> bits_per_character(math.log(8))
    3.0
    """
    return _number("bits_per_character", loss) / math.log(2)


def confusion_matrix(target: Any, prediction: Any, num_classes: int | None = None) -> np.ndarray:
    """Count how often class i was taken for class j, in row i and column j.

    Parameters
    ----------
    target, prediction : (N, ...) of whole numbers
        The classes as they are, and as they were predicted.
    num_classes : int, optional
        C; by default the largest class that occurs, plus one.

    Returns
    -------
    (C, C) int64

    Raises
    ------
    ValueError
        When shapes differ, or something is no class.

    Examples
    --------
    >>> confusion_matrix([0, 0, 1, 2], [0, 1, 1, 2])
    array([[1, 1, 0],
           [0, 1, 0],
           [0, 0, 1]])
    """
    target, prediction = _classes("target", target), _classes("prediction", prediction)
    if target.shape != prediction.shape:
        raise ValueError(
            f"confusion_matrix: target has shape {target.shape} and prediction {prediction.shape}, expected the same"
        )
    largest = max(target.max(initial=-1), prediction.max(initial=-1))
    C = int(largest) + 1 if num_classes is None else num_classes
    for name, classes in (("target", target), ("prediction", prediction)):
        _check_range(name, classes, C)
    pairs = target.astype(np.int64).reshape(-1) * C + prediction.reshape(-1)
    return np.bincount(pairs, minlength=C * C).reshape(C, C).astype(np.int64)


def precision(
    target: Any, prediction: Any, average: str | None = "macro", num_classes: int | None = None
) -> float | np.ndarray:
    """Of the samples that were taken for a class, the part that belongs to it; 0 where there were none.

    Parameters
    ----------
    target, prediction, num_classes
        As in `confusion_matrix`.
    average : "macro", "micro", "weighted", "binary" or None
        The plain mean over the classes; one quotient for all together (the accuracy); the mean weighted by how often
        a class occurs; class 1 of two alone; an array (C,) of all.

    Raises
    ------
    ValueError
        As `confusion_matrix`, and for another `average`.

    Examples
    --------
    >>> precision([0, 0, 1, 1], [0, 1, 1, 1], average=None)
    array([1.        , 0.66666667])
    """
    matrix = confusion_matrix(target, prediction, num_classes)
    return _averaged("precision", matrix, average, np.diag(matrix), matrix.sum(axis=0))


def recall(
    target: Any, prediction: Any, average: str | None = "macro", num_classes: int | None = None
) -> float | np.ndarray:
    """Of the samples that belong to a class, the part that was taken for it; everything else is as in `precision`.

    >>> recall([0, 0, 1, 1], [0, 1, 1, 1], average=None)
    array([0.5, 1. ])
    """
    matrix = confusion_matrix(target, prediction, num_classes)
    return _averaged("recall", matrix, average, np.diag(matrix), matrix.sum(axis=1))


def f1_score(
    target: Any, prediction: Any, average: str | None = "macro", num_classes: int | None = None
) -> float | np.ndarray:
    """Return the harmonic mean of precision and recall of each class; everything else is as in `precision`.

    >>> f1_score([0, 0, 1, 1], [0, 1, 1, 1], average="binary")
    0.8
    """
    matrix = confusion_matrix(target, prediction, num_classes)
    return _averaged("f1_score", matrix, average, 2 * np.diag(matrix), matrix.sum(axis=0) + matrix.sum(axis=1))


def _averaged(
    owner: str, matrix: np.ndarray, average: str | None, hits: np.ndarray, of: np.ndarray
) -> float | np.ndarray:
    """Return hits / of, (C,), averaged over the classes as asked for; 0 for 0 / 0."""
    if average not in ("macro", "micro", "weighted", "binary", None):
        raise ValueError(f"{owner}: average={average!r}, expected macro, micro, weighted, binary or None")
    if average == "binary" and len(matrix) > 2:
        raise ValueError(f"{owner}: average='binary' with {len(matrix)} classes, expected 2")
    if average == "micro":
        return float(hits.sum() / max(of.sum(), 1))
    each = hits / np.maximum(of, 1)
    if average is None:
        return each
    if average == "binary":
        return float(each[1]) if len(each) == 2 else 0.0
    weights = matrix.sum(axis=1) if average == "weighted" else np.ones(len(each))
    return float((each * weights).sum() / max(weights.sum(), 1))


def _array(values: Any) -> np.ndarray:
    return np.asarray(values.detach() if hasattr(values, "detach") else values)


def _classes(name: str, values: Any) -> np.ndarray:
    """Return classes as an array; raises `ValueError` when they are no whole numbers."""
    array = _array(values)
    if array.dtype.kind not in "iub" and array.size:
        raise ValueError(f"{name} has dtype {array.dtype}, expected whole numbers")
    return array.astype(np.int64)


def _check_range(name: str, classes: np.ndarray, C: int) -> None:
    wrong = classes[(classes < 0) | (classes >= C)]
    if wrong.size:
        raise ValueError(f"{name} has class {wrong.flat[0]}, expected 0 <= class < {C}")


def _number(owner: str, loss: Any) -> float:
    array = _array(loss)
    if array.size != 1:
        raise ValueError(f"{owner}: loss has shape {array.shape}, expected one number")
    return float(array.reshape(())[()])
