"""The book's Tensor, chapters 13 to 15: its names and semantics on the engine and the ops of this package."""

import itertools
from functools import cached_property
from typing import Any

import numpy as np

from .. import ops
from ..autograd import Variable, apply, backward
from ..errors import IndexingError, ShapeError, StateError
from ..ops.book import order_of_arrival

__all__ = ["Tensor", "expect_tensor"]

#: Ids of results: beyond those that are drawn for tensors that somebody makes.
_ids = itertools.count(1_000_000_000)


class Tensor(Variable, results=True):
    """An array that remembers where it came from: the class of chapter 13 of *Grokking Deep Learning*.

    `+`, `-`, `*` and the methods work as in the book. A result of `+`, `-` or `*` has `autograd` when both operands
    have it, as there; one of `mm` when either has it (in the book: the left one). Where the book's engine loses or
    doubles gradients, because a tensor is used several times, these are right; the one exception is `LSTMCell`, see
    there. A graph may be gone through backward more than once: gradients add up.

    Parameters
    ----------
    data : array_like
        Copied, in its dtype: float64 for Python's floats, whole numbers stay whole.
    autograd : bool
        Whether `backward()` is to find the gradient.
    creators, creation_op
        Where the tensor comes from; results have them set, one of `Linear` with bias as "linear", one of a recurrent
        cell as "step". With autograd they cannot be given by hand.
    id : int
        Without it one is drawn from `np.random`, as in the book: initial weights depend on how many tensors were made
        since `np.random.seed`. Results draw nothing.

    Attributes
    ----------
    data : ndarray
        The array itself: changes to it change the tensor.
    grad : Tensor or None
        The gradient, of a result as well, except results of `index_select` and of recurrent cells.
    children : dict
        Empty: the engine counts for itself. See `fastgrok.book.stages` for the classes that fill it.

    Raises
    ------
    NotImplementedError
        When creators are given together with autograd.

    Examples
    --------
    >>> from fastgrok.book import *
    >>> a = Tensor([1, 2, 3, 4, 5], autograd=True)
    >>> b = Tensor([2, 2, 2, 2, 2], autograd=True)
    >>> c = Tensor([5, 4, 3, 2, 1], autograd=True)
    >>> d = a + (-b)
    >>> e = (-b) + c
    >>> (d + e).backward(Tensor(np.array([1, 1, 1, 1, 1])))
    >>> print(b.grad)
    [-2 -2 -2 -2 -2]
    """

    __array_ufunc__ = None  # an array + a Tensor is an error, as it is the other way round

    creators: list["Tensor"] | None = None
    creation_op: str | None = None
    edits = 0  # how often the array may have been changed: every look at `data` counts, and every step of SGD
    lookup: tuple["Tensor", np.ndarray, int] | None = None  # of rows of a table: the table, which rows, its `edits`
    index_select_indices: "Tensor"
    _targets: "Tensor"
    _zeroed = False  # the gradient is zero, and its array not made yet
    _shown = False  # somebody has seen the gradient, and may have kept it

    def __init__(
        self,
        data: Any,
        autograd: bool = False,
        creators: list["Tensor"] | None = None,
        creation_op: str | None = None,
        id: int | None = None,
    ):
        if autograd and creators is not None:
            raise NotImplementedError(
                f"Tensor: creators={creators} with autograd=True, expected None: operations record where results come "
                "from; see fastgrok.book.stages for classes that do it by hand"
            )
        super().__init__(np.array(data))
        self._requires_grad = bool(autograd)  # whatever the dtype: the book learns whole numbers too
        self.id = np.random.randint(0, 1000000000) if id is None else id  # noqa: NPY002 - the book's stream
        self.creators, self.creation_op = creators, creation_op

    @cached_property
    def id(self) -> int:
        """A number that tells tensors apart."""
        return next(_ids)

    @cached_property
    def children(self) -> dict:
        """An empty dictionary."""
        return {}

    @property
    def data(self) -> np.ndarray:
        """The array itself, not a copy."""
        self.edits += 1
        return self.array

    @data.setter
    def data(self, value: Any) -> None:
        self.edits += 1
        self.array = np.asarray(value)

    @property
    def autograd(self) -> bool:
        """Whether `backward()` finds its gradient."""
        return self.requires_grad

    @autograd.setter
    def autograd(self, value: bool) -> None:
        self._requires_grad = bool(value)

    @property
    def grad(self) -> Any:
        """The gradient, a Tensor without autograd, or None."""
        if self._grad is None and self._zeroed:
            self._grad = self._new(np.zeros(self.array.shape))
        gradient = Variable.grad.fget(self)  # type: ignore[attr-defined]
        self._shown = gradient is not None
        return gradient

    @grad.setter
    def grad(self, value: Any) -> None:
        Variable.grad.fset(self, value)  # type: ignore[attr-defined]
        self._zeroed = False

    def gradient_array(self) -> np.ndarray:
        """Return the array of the gradient, which there must be, without it counting as seen."""
        return Variable.grad.fget(self).array  # type: ignore[attr-defined]

    def zero_gradient(self) -> None:
        """Set the gradient to zero: in place if somebody has seen it, else without writing zeros before they count."""
        if self._shown:
            self._grad.array *= 0
        elif self._grad is not None:
            self._grad, self._zeroed = None, True

    def all_children_grads_accounted_for(self) -> bool:
        """Whether no gradient is waited for: always, as the engine does the waiting."""
        return all(count == 0 for count in self.children.values())

    def backward(self, grad: Any = None, grad_origin: Any = None) -> None:
        """Add to `.grad` of everything this was calculated from the derivative of this with respect to it.

        `grad` weighs the elements, 1 each without it. Nothing happens without autograd. `grad_origin`, which the book's
        engine needs, is taken and not looked at.

        Raises `StateError` when `grad` itself has autograd, `ShapeError` when its shape is another.
        """
        if not self.autograd:
            return
        if grad is None:
            grad = np.ones_like(self.array)
        elif isinstance(grad, Tensor) and grad.autograd:
            raise StateError(
                "backward: grad has autograd=True, expected False: gradients have no gradients of their own"
            )
        order_of_arrival(self)
        backward(self, grad, retain_graph=True)

    # ------------------------------------------------------------------------------------------------ operations

    def _made(self, result: "Tensor", creation_op: str, *creators: "Tensor") -> "Tensor":
        """Let a result that is part of the graph know where it comes from and keep its gradient."""
        if result.requires_grad:
            result.creators, result.creation_op = list(creators), creation_op
            result.retain_grad()
        return result

    def _pair(self, other: Any, op: type[ops.Op], creation_op: str) -> Any:
        """Return the result of an op on two tensors, part of the graph when both of them are."""
        if not isinstance(other, Tensor):
            return NotImplemented
        if self.requires_grad and other.requires_grad:
            return self._made(apply(op, self, other), creation_op, self, other)
        return self._new(op().forward(self.array, other.array))

    def __add__(self, other: Any) -> Any:
        return self._pair(other, ops.Add, "add")

    def __sub__(self, other: Any) -> Any:
        return self._pair(other, ops.Sub, "sub")

    def __mul__(self, other: Any) -> Any:
        return self._pair(other, ops.Mul, "mul")

    def __neg__(self) -> "Tensor":
        return self._made(apply(ops.Neg, self), "neg", self)

    def sum(self, dim: int) -> "Tensor":
        """Add up along axis `dim`, which disappears."""
        return self._made(apply(ops.Sum, self, dim=dim), f"sum_{dim}", self)

    def expand(self, dim: int, copies: int) -> "Tensor":
        """Return so many copies along a new axis, which becomes axis `dim`: (2, 3) -> (copies, 2, 3) for dim 0."""
        axes = list(range(self.array.ndim))
        axes.insert(dim, -1)
        place = axes.index(-1)
        shape = list(self.array.shape)
        one = apply(ops.Reshape, self, shape=(*shape[:place], 1, *shape[place:]))
        many = apply(ops.Expand, one, shape=(*shape[:place], copies, *shape[place:]))
        return self._made(apply(ops.Clone, many), f"expand_{dim}", self)

    def transpose(self) -> "Tensor":
        """Return a copy with the axes in reverse order."""
        reverse = apply(ops.Permute, self, dims=tuple(reversed(range(self.array.ndim))))
        return self._made(apply(ops.Clone, reverse), "transpose", self)

    def mm(self, x: "Tensor") -> "Tensor":
        """Return the matrix product with `x`, of one or two dimensions: (..., K) times (K, N) is (..., N).

        Raises `TypeError` when x is no Tensor, `ShapeError` when sizes do not fit, `NotImplementedError` when x has
        more dimensions.
        """
        expect_tensor("mm", "x", x)
        if x.array.ndim > 2:
            raise NotImplementedError(f"mm: x has shape {x.array.shape}, expected one or two dimensions")
        a, b, dtype = self, x, np.result_type(self.array, x.array)
        if a.array.dtype != b.array.dtype or a.requires_grad or b.requires_grad:
            floats = np.result_type(dtype, np.float32)
            a, b = a._floating(floats), b._floating(floats)
        product = apply(ops.MatMul, a, b)
        if product.array.dtype != dtype:  # whole numbers, which only floats have gradients of
            product = apply(ops.Cast, product, dtype=dtype)
        return self._made(product, "mm", self, x)

    def sigmoid(self) -> "Tensor":
        """Return 1 / (1 + e^-x)."""
        return self._made(apply(ops.Sigmoid, self._floating()), "sigmoid", self)

    def tanh(self) -> "Tensor":
        """Return the hyperbolic tangent."""
        return self._made(apply(ops.Tanh, self._floating()), "tanh", self)

    def index_select(self, indices: "Tensor") -> "Tensor":
        """Return the rows that whole numbers `indices`, of any shape, name; negative ones count from the end.

        Raises `TypeError` when indices is no Tensor, `IndexError` for a number that names no row.
        """
        expect_tensor("index_select", "indices", indices)
        ids, table = indices.array, self.array
        if table.ndim == 2 and table.dtype.kind == "f" and ids.dtype.kind in "iu":
            ids = _from_front(ids, len(table))
            result = apply(ops.Embedding, self, ids=ids)
            if ids.ndim == 1:
                result.lookup = self, ids, self.edits
        else:
            result = apply(ops.Index, self, index=ids)
        if result.requires_grad:
            result.creators, result.creation_op = [self], "index_select"
            result.index_select_indices = indices
        return result

    def softmax(self) -> np.ndarray:
        """Return the softmax over the last axis, a bare array without gradient."""
        return ops.Softmax().forward(self._floating().array)

    def cross_entropy(self, target_indices: "Tensor") -> "Tensor":
        """Return the mean of -log softmax(self)[target] over all rows, a tensor without dimensions.

        The gradient is the book's: softmax - onehot, neither divided by the number of rows nor multiplied by what
        comes from above. The learning rates of the book are made for it.

        Raises `TypeError` when target_indices is no Tensor, `IndexError` for numbers that name no column, `ShapeError`
        unless there are as many as rows.
        """
        expect_tensor("cross_entropy", "target_indices", target_indices)
        logits, V, ids = self._floating(), self.array.shape[-1], target_indices.array
        if ids.dtype.kind not in "iu":
            raise IndexingError(f"cross_entropy: target_indices has dtype {ids.dtype}, expected whole numbers")
        if ids.size * V != self.array.size:
            raise ShapeError(
                f"cross_entropy: target_indices has shape {ids.shape}, expected {self.array.size // max(V, 1)} "
                f"numbers, one for each row of {self.array.shape}"
            )
        result = self._made(apply(ops.BookCrossEntropy, logits, targets=_from_front(ids, V)), "cross_entropy", self)
        result._targets = target_indices
        return result

    def __getattr__(self, name: str) -> Any:
        # What the book keeps on the result of cross_entropy, made when somebody asks.
        if self.creation_op == "cross_entropy" and name in ("softmax_output", "target_dist") and self.creators:
            softmax = self.creators[0].softmax()
            return softmax if name == "softmax_output" else np.eye(softmax.shape[-1])[self._targets.array.reshape(-1)]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _floating(self, dtype: Any = None) -> "Tensor":
        """Return this tensor with floats for data. (Adding zero passes gradients on as they are; a cast would not.)"""
        if self.array.dtype.kind == "f" and (dtype is None or self.array.dtype == dtype):
            return self
        return apply(ops.Add, self, Variable(np.zeros((), np.float64 if dtype is None else dtype)))

    def __repr__(self) -> str:
        return repr(self.array)

    def __str__(self) -> str:
        return str(self.array)


def expect_tensor(owner: str, argument: str, value: Any) -> None:
    """Raise `TypeError` for what is no Tensor, such as an array or a list."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{owner}: {argument} is a {type(value).__name__}, expected a Tensor")


def _from_front(ids: np.ndarray, size: int) -> np.ndarray:
    """Return whole numbers as int64, those that count from the end counted from the front."""
    if ids.dtype.kind not in "iu":
        return ids
    if ids.size and ids.min() < 0:
        ids = np.where(ids < 0, ids + size, ids)
    return ids.astype(np.int64, copy=False)
