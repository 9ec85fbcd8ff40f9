"""The early forms of Tensor that chapter 13 grows through, for the listings that the final class cannot run.

In place of the cell that defines the class, `from fastgrok.book.stages import Tensor1 as Tensor`:

- `Tensor0` adds (part 1).
- `Tensor1` remembers its creators and passes gradients back to them (part 2); that it overwrites the gradient of a
  tensor that is used twice is the point of part 3.
- `Tensor2` counts its children and waits for all their gradients; only tensors with `autograd` take part (part 4).
- `Tensor3` can be negated as well (part 5).

From part 6 on, `fastgrok.book.Tensor` runs all listings. These classes are for reading: plain Python, nothing is fast.
"""

from typing import Any

import numpy as np

__all__ = ["Tensor0", "Tensor1", "Tensor2", "Tensor3"]


class Tensor0:
    """An array that can be added to another.

    Examples
    --------
    >>> x = Tensor0([1, 2, 3, 4, 5])
    >>> print(x + x)
    [ 2  4  6  8 10]
    """

    def __init__(self, data: Any):
        self.data = np.array(data)

    def __add__(self, other: "Tensor0") -> "Tensor0":
        return Tensor0(self.data + other.data)

    def __repr__(self) -> str:
        return repr(self.data)

    def __str__(self) -> str:
        return str(self.data)


class Tensor1(Tensor0):
    """A tensor that remembers what it was made of. A gradient replaces the one before: wrong for what is used twice.

    Examples
    --------
    >>> a, b, c = Tensor1([1, 2]), Tensor1([2, 2]), Tensor1([5, 4])
    >>> ((a + b) + (b + c)).backward(Tensor1([1, 1]))
    >>> print(a.grad, b.grad)  # the latter should be [2 2]
    [1 1] [1 1]
    """

    def __init__(self, data: Any, creators: list | None = None, creation_op: str | None = None):
        super().__init__(data)
        self.creation_op = creation_op
        self.creators = creators
        self.grad: Any = None

    def backward(self, grad: Any) -> None:
        """Keep the gradient and pass it to both creators."""
        self.grad = grad
        if self.creation_op == "add":
            for creator in self.creators or ():
                creator.backward(grad)

    def __add__(self, other: Any) -> "Tensor1":
        return Tensor1(self.data + other.data, creators=[self, other], creation_op="add")


class Tensor2(Tensor0):
    """A tensor that waits for the gradients of all its children, counted by their ids, before it passes theirs on.

    Raises
    ------
    Exception
        In `backward`, when a child comes more often than it was made.

    Examples
    --------
    >>> a, b, c = (Tensor2(data, autograd=True) for data in ([1, 2], [2, 2], [5, 4]))
    >>> ((a + b) + (b + c)).backward(Tensor2([1, 1]))
    >>> print(a.grad, b.grad)
    [1 1] [2 2]
    """

    def __init__(
        self,
        data: Any,
        autograd: bool = False,
        creators: list | None = None,
        creation_op: str | None = None,
        id: int | None = None,
    ):
        super().__init__(data)
        self.autograd = autograd
        self.grad: Any = None
        self.id = np.random.randint(0, 100000) if id is None else id  # noqa: NPY002 - the book's stream
        self.creators = creators
        self.creation_op = creation_op
        self.children: dict[int, int] = {}
        for creator in creators or ():
            creator.children[self.id] = creator.children.get(self.id, 0) + 1

    def all_children_grads_accounted_for(self) -> bool:
        """Whether every child has passed on its gradient."""
        return all(count == 0 for count in self.children.values())

    def backward(self, grad: Any = None, grad_origin: Any = None) -> None:
        """Add a gradient, from child `grad_origin` or from outside; once all are there, pass their sum on."""
        if not self.autograd:
            return
        if grad is None:
            grad = type(self)(np.ones_like(self.data))
        if grad_origin is not None:
            if self.children[grad_origin.id] == 0:
                raise Exception("cannot backprop more than once")
            self.children[grad_origin.id] -= 1
        self.grad = grad if self.grad is None else self.grad + grad
        if self.creators is not None and (grad_origin is None or self.all_children_grads_accounted_for()):
            self._pass_on(self.creators)

    def _pass_on(self, creators: list) -> None:
        if self.creation_op == "add":
            for creator in creators:
                creator.backward(self.grad, self)

    def __add__(self, other: Any) -> "Tensor2":
        if self.autograd and other.autograd:
            return type(self)(self.data + other.data, autograd=True, creators=[self, other], creation_op="add")
        return type(self)(self.data + other.data)


class Tensor3(Tensor2):
    """`Tensor2` with a sign.

    Examples
    --------
    >>> a, b, c = (Tensor3(data, autograd=True) for data in ([1, 2], [2, 2], [5, 4]))
    >>> ((a + (-b)) + ((-b) + c)).backward(Tensor3([1, 1]))
    >>> print(b.grad)
    [-2 -2]
    """

    def _pass_on(self, creators: list) -> None:
        super()._pass_on(creators)
        if self.creation_op == "neg":
            creators[0].backward(-self.grad)

    def __neg__(self) -> "Tensor3":
        if self.autograd:
            return type(self)(self.data * -1, autograd=True, creators=[self], creation_op="neg")
        return type(self)(self.data * -1)
