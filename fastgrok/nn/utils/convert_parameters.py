"""The parameters of a model as one vector, and back: for line searches, for sending them, for comparing models."""

from collections.abc import Iterable

from ...errors import ShapeError
from ...tensor import Tensor
from ...tensor.functions import cat

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return all elements of all parameters, one after another, as a tensor (N,) that is part of their graph.

    Raises `RuntimeError` when there are no parameters.

    Examples
    --------
    >>> import fastgrok
    >>> parameters_to_vector([fastgrok.zeros(2), fastgrok.ones(1, 2)])
    tensor([0., 0., 1., 1.])
    """
    flat = [parameter.reshape(-1) for parameter in parameters]
    if not flat:
        raise ShapeError("parameters_to_vector: parameters is empty, expected at least one tensor")
    return cat(flat)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Let the parameters, one after another, be pieces of `vec` (N,), with which they share memory from then on.

    What is left of `vec` at the end is not used.

    Raises
    ------
    TypeError
        When `vec` is no tensor.
    ShapeError
        When `vec` is no vector or too short; before anything is changed.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected Tensor, but got: {type(vec).__name__}")
    parameters = list(parameters)
    needed = sum(parameter.numel() for parameter in parameters)
    if vec.ndim != 1 or len(vec) < needed:
        raise ShapeError(f"vector_to_parameters: vec has shape {tuple(vec.shape)}, expected ({needed},)")
    position = 0
    for parameter in parameters:
        size = parameter.numel()
        parameter.data = vec.detach()[position : position + size].reshape(parameter.shape)
        position += size
