"""`generate`: let a trained language model write."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..errors import ShapeError
from ..ops.base import check_ids, contiguous
from ..random import default_generator
from ..tensor import Tensor
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
    ValueError, TypeError, ShapeError
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
    _check_options(length, temperature, top_k, top_p)

    numbers = default_generator.numpy if seed is None else np.random.default_rng(seed)
    h = c = np.zeros((rnn.num_layers, rnn.hidden_size), table.dtype)
    drawn: list[int] = []
    while len(drawn) < length:
        uniforms = numbers.random(min(CHUNK, length - len(drawn)))
        ids, h, c = kernels.lstm_generate(
            table, layers, w_out, b_out, ids, uniforms, temperature, top_k or 0, 1.0 if top_p is None else top_p, h, c
        )
        drawn += ids.tolist()
        ids = ids[-1:]
    return drawn


def _arrays(embedding: Embedding, rnn: LSTM, out: Linear) -> tuple[Any, ...]:
    """Return the table, each layer's weights and bias, and the output weights and bias, once they are checked."""
    for name, layer, kind in (("embedding", embedding, Embedding), ("rnn", rnn, LSTM), ("out", out, Linear)):
        if not isinstance(layer, kind):
            raise TypeError(f"generate: {name} is {type(layer).__name__}, expected nn.{kind.__name__}")
    table, w_out = (contiguous(layer.weight.array) for layer in (embedding, out))
    V, D, H = *table.shape, rnn.hidden_size
    if rnn.input_size != D or w_out.shape != (V, H):
        raise ShapeError(
            f"generate: embedding is {(V, D)}, rnn maps {rnn.input_size} to {H} and out has weight {w_out.shape}; "
            "expected (V, D), D to H and (V, H)"
        )
    layers = []
    for k in range(rnn.num_layers):
        w_ih, w_hh = (contiguous(getattr(rnn, f"weight_{part}_l{k}").array) for part in ("ih", "hh"))
        bias = np.zeros(4 * H, w_ih.dtype)
        if rnn.bias:
            bias = getattr(rnn, f"bias_ih_l{k}").array + getattr(rnn, f"bias_hh_l{k}").array
        layers.append((w_ih, w_hh, bias))
    b_out = np.zeros(V, w_out.dtype) if out.bias is None else contiguous(out.bias.array)
    return table, tuple(layers), w_out, b_out


def _check_options(length: int, temperature: float, top_k: int | None, top_p: float | None) -> None:
    """Raise `ValueError` or `TypeError` for options that make no sense."""
    for name, value, least in (("length", length, 0), ("top_k", top_k, 1)):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"generate: {name}={value!r}, expected a whole number")
        if value < least:
            raise ValueError(f"generate: {name}={value}, expected at least {least}")
    if not (np.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"generate: temperature={temperature}, expected a finite number of at least 0")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"generate: top_p={top_p}, expected a share above 0 and at most 1")
