"""`generate`: let a trained language model write."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..errors import DtypeError, ShapeError
from ..ops.base import check_float, check_ids, contiguous
from ..ops.recurrent import total_bias
from ..random import default_generator
from ..tensor import Tensor
from . import functional as F
from .embedding import Embedding
from .linear import Linear
from .rnn import LSTM

__all__ = ["generate"]

CHUNK = 2000
"""Ids drawn per call of the compiled loop, which cannot be interrupted: a quarter of a second or so."""


def generate(
    embedding: Embedding,
    rnn: LSTM,
    out: Linear,
    start: Sequence[int] | np.ndarray | Tensor,
    length: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
) -> list[int]:
    """Draw `length` ids one by one, each fed back into embedding -> rnn -> out, and return them as a list.

    Parameters
    ----------
    embedding, rnn, out : Embedding (V, D), LSTM (D -> H), Linear (H -> V)
        The layers of the model. They compute as in `eval()`: without dropout.
    start : ids (N,), N >= 1
        The prompt. It is fed first, from a zero state, and is not part of the result.
    length : int
        How many ids to draw.
    temperature : float
        The logits are divided by it: below 1 likely ids become likelier. 0 always takes the likeliest.
    top_k : int, optional
        Draw from the k likeliest ids only.
    top_p : float, optional
        Draw from the fewest likeliest ids whose probabilities add up to this share (Holtzman et al. 2020, section 3.1).
    seed : int, optional
        Makes the draw repeatable; without it numbers come from the default generator (`manual_seed`).

    Raises
    ------
    ValueError, TypeError, ShapeError, DtypeError
        When an option makes no sense or the layers do not fit together.
    IndexError
        When the prompt holds an id that the embedding does not have.

    Examples
    --------
    >>> from fastgrok import nn
    >>> ids = generate(nn.Embedding(5, 3), nn.LSTM(3, 8), nn.Linear(8, 5), start=[0], length=10, seed=1)
    >>> len(ids), set(ids) <= set(range(5))
    (10, True)
    """
    table, layers, w_out, b_out = _arrays(embedding, rnn, out)
    ids = np.asarray(start.array if isinstance(start, Tensor) else start)
    if ids.ndim != 1 or not ids.size:
        raise ShapeError(f"generate: start has shape {ids.shape}, expected (N,) with at least one id")
    ids = check_ids("generate", "start", ids, len(table))
    _check_options(length, temperature, top_k, top_p, seed)

    V = len(table)
    top_k, top_p = V if top_k is None else min(top_k, V), 1.0 if top_p is None else top_p
    numbers = default_generator.numpy if seed is None else np.random.default_rng(seed)
    h = c = np.zeros((rnn.num_layers, rnn.hidden_size), table.dtype)
    drawn: list[int] = []
    while len(drawn) < length:
        uniforms = numbers.random(min(CHUNK, length - len(drawn)))
        ids, h, c = kernels.lstm_generate(table, layers, w_out, b_out, ids, uniforms, temperature, top_k, top_p, h, c)
        drawn += ids.tolist()
        ids = ids[-1:]
    return drawn


def _arrays(embedding: Embedding, rnn: LSTM, out: Linear) -> tuple[Any, ...]:
    """Return the table, each layer's weights and bias, and the output weights and bias, once they are checked."""
    for name, layer, kind in (("embedding", embedding, Embedding), ("rnn", rnn, LSTM), ("out", out, Linear)):
        if not isinstance(layer, kind):
            raise TypeError(f"generate: {name} is {type(layer).__name__}, expected nn.{kind.__name__}")
    F.check_tensors("generate", **{"embedding.weight": embedding.weight})
    table = embedding.weight.array
    if table.ndim != 2:
        raise ShapeError(f"generate: embedding.weight has shape {table.shape}, expected (V, D)")
    check_float("generate", "embedding.weight", table)
    (V, D), H = table.shape, rnn.hidden_size

    def checked(name: str, parameter: Tensor, *shape: int) -> np.ndarray:
        """Return a parameter's array in C order: the compiled loop reads this shape and dtype without a look."""
        F.check_tensors("generate", **{name: parameter})
        array = parameter.array
        if array.shape != shape:
            raise ShapeError(
                f"generate: {name} has shape {array.shape}, expected {shape}, "
                f"as embedding.weight has shape {(V, D)} and rnn H = {H}"
            )
        if array.dtype != table.dtype:
            raise DtypeError(
                f"generate: embedding.weight has dtype {table.dtype} and {name} {array.dtype}, expected one dtype"
            )
        return contiguous(array)

    def of_layer(k: int, name: str, *shape: int) -> np.ndarray:
        return checked(f"rnn.{name}_l{k}", getattr(rnn, f"{name}_l{k}"), *shape)

    layers = []
    for k in range(rnn.num_layers):
        w_ih, w_hh = of_layer(k, "weight_ih", 4 * H, H if k else D), of_layer(k, "weight_hh", 4 * H, H)
        biases = [of_layer(k, f"bias_{part}", 4 * H) for part in ("ih", "hh")] if rnn.bias else [None, None]
        layers.append((w_ih, w_hh, total_bias(w_ih, *biases)))
    w_out = checked("out.weight", out.weight, V, H)
    b_out = np.zeros(V, table.dtype) if out.bias is None else checked("out.bias", out.bias, V)
    return contiguous(table), tuple(layers), w_out, b_out


def _check_options(length: int, temperature: float, top_k: int | None, top_p: float | None, seed: int | None) -> None:
    """Raise `ValueError` or `TypeError` for options that make no sense."""
    for name, value, least in (("length", length, 0), ("top_k", top_k, 1), ("seed", seed, 0)):
        if value is None and name != "length":
            continue
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"generate: {name}={value!r}, expected a whole number")
        if value < least:
            raise ValueError(f"generate: {name}={value}, expected at least {least}")
    for name, number in (("temperature", temperature), ("top_p", top_p)):
        if number is None and name == "top_p":
            continue
        if isinstance(number, bool) or not isinstance(number, Real):
            raise TypeError(f"generate: {name}={number!r}, expected a number")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"generate: temperature={temperature}, expected a finite number of at least 0")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"generate: top_p={top_p}, expected a share above 0 and at most 1")
