"""What recurrent ops share: a window of equally long sequences, or packed sequences of different lengths.

Packed sequences lie step after step, the longest first: in step t only the first batch_sizes[t] of them go on. Steps in
a row with the same batch are a *run*, and every run is a window of its own, which starts from the state that the run
before left. So nothing is computed for sequences that have ended, and kernels know nothing of lengths.

Letters: T time, B batch, N rows (all steps of all sequences), D input, H hidden, G gates, V vocabulary.
"""

import copy
import itertools
from typing import Any, ClassVar

import numpy as np

import fastgrok_kernels as kernels

from .base import Op, contiguous, sum_first
from .fold import FoldedGradient
from .recurrent import check_recurrent


class Window(Op, register=False):
    """One layer over a window x (T, B, D), or over packed rows x (N, D) with batch_sizes (T,).

    Outputs: h of all steps, (T, B, H) or (N, H), and the last state of every sequence, (1, B, H) each. With `gathered`
    the input weights are multiplied with the table that x came from; see `fold`.

    A subclass has the number of gates and of states, `run` and `run_backward`.
    """

    gates: ClassVar[int]
    states: ClassVar[int] = 1
    saved_inputs = (0, 1, 2)
    saved_outputs = (0,)

    def forward(self, x, w_ih, w_hh, *others, gathered=None, batch_sizes=None):
        """Run all steps; `others` are the states (B, H) and, if there are any, the biases b_ih and b_hh (G * H,).

        Raises `ShapeError` and `DtypeError` for arrays that do not fit together.
        """
        states, biases = others[: self.states], others[self.states :] or (None, None)
        B = x.shape[1] if batch_sizes is None else int(batch_sizes[0])
        steps = x if batch_sizes is None else np.empty((0, B, x.shape[-1]), x.dtype)
        named = {f"state {k}": state for k, state in enumerate(states)}
        check_recurrent(type(self).__name__, self.gates, steps, w_ih, w_hh, *biases, **named)
        self.x, self.gathered = contiguous(x), gathered
        self.w_ih, self.w_hh, self.biases = contiguous(w_ih), contiguous(w_hh), biases
        self.rows = self.x.reshape(-1 if x.size else x[..., 0].size, x.shape[-1])
        self.runs = runs_of(batch_sizes) if batch_sizes is not None else [(0, x.shape[0], B)]

        table, ids = (self.rows, np.arange(len(self.rows))) if gathered is None else (gathered.table, gathered.ids)
        inputs, ids = self.project(table), ids.reshape(-1)
        last = [state.copy() for state in states]
        self.before, self.kept, outputs = [], [], []
        for first, T, B in self.runs:
            begin = [contiguous(state[:B]) for state in last]
            h, end, kept = self.run(inputs, ids[first : first + T * B].reshape(T, B), begin)
            for state, new in zip(last, end, strict=True):
                state[:B] = new
            self.before.append(h[:T])
            self.kept.append(kept)
            outputs.append(h[1:])
        output = _joined(outputs) if batch_sizes is not None else outputs[0]
        return output, *(state[None] for state in last)

    def backward(self, dout, *dstates):
        """Backpropagation through time, run by run, then the products that yield the gradients of the weights."""
        H, rows = self.w_hh.shape[1], self.rows
        dout = np.zeros((len(rows), H), rows.dtype) if dout is None else contiguous(dout)
        dout = dout.reshape(len(rows), H)
        B = self.runs[0][2]
        # Rows of states that ended with a later run still hold the gradient of the last state; the others get theirs
        # from the run that went on.
        flowing = [np.zeros((B, H), rows.dtype) if d is None else np.array(d[0], order="C") for d in dstates]
        need_x, need_ih, need_hh, *need = self.needs
        need_states, need_biases = need[: self.states], need[self.states :]

        from_x, from_h = [], []  # gradients of the gates before activation, by where they come from
        for k in reversed(range(len(self.runs))):
            first, T, B = self.runs[k]
            part = dout[first : first + T * B].reshape(T, B, H)
            da, dm, begin = self.run_backward(part, [d[:B] for d in flowing], self.kept[k], k > 0 or any(need_states))
            for d, new in zip(flowing, begin, strict=True):
                d[:B] = new
            from_x.append(da)
            from_h.append(dm)
        da = _joined(from_x[::-1])
        dm = da if from_x[0] is from_h[0] else _joined(from_h[::-1])

        dx = dw_ih = dw_hh = None
        if need_hh:
            dw_hh = kernels.matmul(dm, _joined(self.before), transpose_a=True)
        gathered = self.gathered
        folded = gathered is not None and gathered.unchanged
        sums, table = da, rows
        if folded and (need_x or need_ih):
            table = gathered.table
            sums = kernels.embedding_backward(da, gathered.ids.reshape(-1), len(table))
        if need_x and folded:
            w_ih = self.w_ih
            dx = FoldedGradient(da, sums, lambda d: kernels.matmul(d, w_ih), self.x.shape)
        elif need_x:
            dx = kernels.matmul(da, self.w_ih).reshape(self.x.shape)
        if need_ih:
            dw_ih = kernels.matmul(sums, table, transpose_a=True)
        dbiases: tuple = ()
        if any(need_biases):
            db_ih = sum_first(sums)
            dbiases = (db_ih, db_ih if dm is da else sum_first(dm))
        return dx, dw_ih, dw_hh, *_wanted(flowing, need_states), *_wanted(dbiases, need_biases)

    def own_outputs(self) -> bool:
        """Copy h and what else `run` left."""
        self.before, self.kept = copy.deepcopy((self.before, self.kept))
        return True

    def project(self, rows: np.ndarray) -> np.ndarray:
        """Return the input share of the gates, rows @ w_ih.T + bias, in the form that `run` takes."""
        inputs = kernels.matmul(rows, self.w_ih, transpose_b=True)
        bias = self.input_bias()
        if bias is not None:
            inputs += bias
        return inputs

    def input_bias(self) -> np.ndarray | None:
        """Return the biases (G * H,) that are added before the recurrence, or None."""
        b_ih, b_hh = self.biases
        return None if b_ih is None else b_ih + b_hh

    def run(self, inputs: np.ndarray, ids: np.ndarray, states: list) -> tuple[np.ndarray, list, Any]:
        """Take T steps; return h (T + 1, B, H), the last states, and what `run_backward` needs."""
        raise NotImplementedError(f"{type(self).__name__} has no run")

    def run_backward(self, dout: np.ndarray, dstates: list, kept: Any, wanted: bool) -> tuple:
        """Return the gradients of the gates (T * B, G * H): by way of the inputs, and of h; and of the first states.

        Both may be one array. The states' need not be right unless `wanted`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no run_backward")


def runs_of(batch_sizes: np.ndarray) -> list[tuple[int, int, int]]:
    """Return (first row, steps, batch) of every run of steps with one batch size; batch_sizes (T,) never grow."""
    starts = [0, *(np.flatnonzero(np.diff(batch_sizes)) + 1).tolist(), len(batch_sizes)]
    rows = np.concatenate([[0], np.cumsum(batch_sizes)])
    return [(int(rows[a]), b - a, int(batch_sizes[a])) for a, b in itertools.pairwise(starts)]


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Return arrays (T, B, C) or (N, C) as one matrix, all rows in order; a single one is not copied."""
    parts = [part.reshape(-1 if part.size else part[..., 0].size, part.shape[-1]) for part in parts]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _wanted(gradients: Any, need: Any) -> list:
    """Return the gradients with None for those that nobody wants."""
    return [gradient if wanted else None for gradient, wanted in zip(gradients, need, strict=False)]
