"""`einsum`: sums of products, described by letters."""

import math
from typing import Any

from ..autograd import Variable
from ..errors import ArgumentError, ShapeError


def einsum(equation: str, *operands: Any) -> Any:
    """Return the sum of products that an equation describes: "ij,jk->ik" is the product of two matrices.

    Each letter names a dimension; what does not appear behind the arrow is summed over. Without an arrow the letters
    that appear once stay, in alphabetical order. "..." stands for further dimensions, which broadcast, as do sizes of
    1. Operands are taken two by two from the left, each time as one batched product of matrices.

    Raises `ArgumentError` for an equation that makes no sense, `ShapeError` for sizes that do not fit it.

    Examples
    --------
    >>> import fastgrok
    >>> a = fastgrok.arange(6.0).reshape(2, 3)
    >>> einsum("ij,kj->ik", a, a)
    tensor([[ 5., 14.],
            [14., 50.]])
    >>> einsum("ii", fastgrok.eye(3))
    tensor(3.)
    """
    tensors = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], tuple | list) else list(operands)
    for i, x in enumerate(tensors):
        if not isinstance(x, Variable):
            raise TypeError(f"einsum: operands[{i}] is {type(x).__name__}, expected a Tensor")
    terms, result = _parse(equation, tensors)
    parts = [_diagonals(*term) for term in zip(tensors, terms, strict=True)]

    sizes: dict[str, int] = {}
    for x, names in parts:
        for name, size in zip(names, x.shape, strict=True):
            if size != 1 and sizes.setdefault(name, size) != size:
                raise ShapeError(f"einsum: {name!r} of {equation!r} has the sizes {sizes[name]} and {size}")
    # A dimension of size 1 that another operand has in full is left out: products repeat what is not there.
    parts = [
        _summed(x, names, {name for name in names if x.shape[names.index(name)] == sizes.get(name, 1)})
        for x, names in parts
    ]
    x, names = parts[0]
    for i, (y, others) in enumerate(parts[1:], 1):
        later = set(result).union(*[names for _, names in parts[i + 1 :]])
        x, names = _product(x, names, y, others, later)
    x, names = _summed(x, names, set(result))
    return x.permute([names.index(name) for name in result])


def _parse(equation: str, tensors: list) -> tuple[list[list[str]], list[str]]:
    """Return the names of every operand's dimensions and those of the result; those behind "..." are "0", "1" ..."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    texts = left.split(",")
    if len(texts) != len(tensors):
        raise ArgumentError(f"einsum: equation={equation!r} describes {len(texts)} operands, got {len(tensors)}")
    hidden = []
    for text, x in zip(texts, tensors, strict=True):
        letters = text.replace("...", "")
        if not (letters.isalpha() or not letters) or not letters.isascii() or text.count("...") > 1:
            raise ArgumentError(f"einsum: equation={equation!r}: {text!r}, expected letters and at most one '...'")
        hidden.append(x.dim() - len(letters) if "..." in text else 0)
        if hidden[-1] < 0 or ("..." not in text and len(letters) != x.dim()):
            raise ShapeError(f"einsum: {text!r} of {equation!r} for a tensor of shape {x.shape}")
    most = max(hidden)
    numbers = [str(i) for i in range(most)]

    def names(text: str, count: int) -> list[str]:
        before, dots, after = text.partition("...")
        return [*before, *(numbers[most - count :] if dots else []), *after]

    terms = [names(text, count) for text, count in zip(texts, hidden, strict=True)]
    once = sorted(letter for letter in set(left) if letter.isalpha() and left.count(letter) == 1)
    result = names(right, most) if arrow else [*numbers, *once]
    if len(set(result)) != len(result) or not set(result) <= set().union(*terms):
        raise ArgumentError(f"einsum: equation={equation!r}: {right!r}, expected letters of the operands, each once")
    return terms, result


def _diagonals(x: Any, names: list[str]) -> tuple[Any, list[str]]:
    """Return an operand in which every name stands once: of those that stand twice the diagonal."""
    names = list(names)
    for name in [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        while names.count(name) > 1:
            first = names.index(name)
            second = names.index(name, first + 1)
            if x.shape[first] != x.shape[second]:
                raise ShapeError(f"einsum: {name!r} stands for the sizes {x.shape[first]} and {x.shape[second]}")
            x = x.diagonal(0, first, second)
            names = [*names[:first], *names[first + 1 : second], *names[second + 1 :], name]
    return x, names


def _summed(x: Any, names: list[str], kept: set[str]) -> tuple[Any, list[str]]:
    """Sum over the dimensions that are not to be kept."""
    gone = [i for i, name in enumerate(names) if name not in kept]
    return (x.sum(gone) if gone else x), [name for name in names if name in kept]


def _product(x: Any, names: list[str], y: Any, others: list[str], later: set[str]) -> tuple[Any, list[str]]:
    """Multiply two operands, and sum over what both have and nobody asks for later."""
    x, names = _summed(x, names, later | set(others))
    y, others = _summed(y, others, later | set(names))
    both = [name for name in names if name in others and name in later]
    summed = [name for name in names if name in others and name not in later]
    rows = [name for name in names if name not in others]
    columns = [name for name in others if name not in names]
    size = {**dict(zip(names, x.shape, strict=True)), **dict(zip(others, y.shape, strict=True))}
    B, M, K, N = (math.prod(size[name] for name in group) for group in (both, rows, summed, columns))
    x = x.permute([names.index(name) for name in (*both, *rows, *summed)]).reshape(B, M, K)
    y = y.permute([others.index(name) for name in (*both, *summed, *columns)]).reshape(B, K, N)
    result = [*both, *rows, *columns]
    return x.bmm(y).reshape([size[name] for name in result]), result
