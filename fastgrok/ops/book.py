"""What the framework of *Grokking Deep Learning* does its own way: a loss, and the steps of its recurrent cells.

Letters: B batch, D input, H hidden, G gates, O outputs, V vocabulary, N rows.
"""

from typing import Any, ClassVar

import numpy as np

import fastgrok_kernels as kernels

from ..errors import DtypeError, ShapeError
from .base import Op, check_float, contiguous, rows_of
from .gradients import Gradient, Outer, Rows
from .losses import CrossEntropy
from .matmul import check_dtypes, product
from .softmax import from_rows


class BookCrossEntropy(CrossEntropy):
    """The mean of -log softmax(logits)[target] over rows: logits (..., V), as many targets as rows, in any shape.

    The gradient is that of chapter 13: softmax - onehot, neither divided by the number of rows nor multiplied by what
    arrives from above.
    """

    def forward(self, logits, targets):
        """Compute the loss; raises as `CrossEntropy` does."""
        check_float(self.name, "input", logits)
        self.logits_shape = logits.shape
        return super().forward(rows_of(contiguous(logits)), targets.reshape(-1))

    def backward(self, dy):
        """dlogits = softmax(logits) - onehot(target)."""
        ones = np.ones(len(self.targets), self.logits.dtype)
        d = kernels.cross_entropy_backward(ones, self.logits, self.logsumexp, self.targets)
        return (from_rows(d, self.shape, self.axis).reshape(self.logits_shape),)


# ------------------------------------------------------------------------------------------------ steps of cells
# Weights are stacked once for a window of steps, and the input's share of the gates, a product with them, comes from
# outside. States are kept as (H, B): a product of weights (G * H, H) with a state that has few columns then runs along
# the rows of the weights without packing them, three times as fast as the other way round with H = 512 and B = 16.


class Gates(Op):
    """Weights (D, H) of G gates, as the book has them, in the layout of the rest: (G * H, D), the gates in order."""

    stateless = True
    accepts_structured = True

    def forward(self, *weights):
        """Transpose and stack. Raises `ShapeError` or `DtypeError` when weights differ, or are no float matrices."""
        first = weights[0]
        for w in weights:
            check_float("gates", "weight", w)
            if w.ndim != 2 or w.shape != first.shape:
                raise ShapeError(f"gates: a weight has shape {w.shape}, expected {first.shape}, two dimensions")
            if w.dtype != first.dtype:
                raise DtypeError(f"gates: a weight has dtype {w.dtype}, expected {first.dtype}")
        D, self.H = first.shape
        self.G = len(weights)
        stacked = np.empty((len(weights), self.H, D), first.dtype)
        for to, w in zip(stacked, weights, strict=True):
            to[...] = kernels.swap_axes(contiguous(w)[None])[0]
        return stacked.reshape(-1, D)

    def backward(self, dstacked):
        """Take apart; products behind a gradient are formed gate by gate, in the weights' own layout."""
        parts, needs = [slice(k * self.H, (k + 1) * self.H) for k in range(self.G)], self.needs[: self.G]
        if isinstance(dstacked, Outer):
            d, x = dstacked.joined()
            x = contiguous(x.T)
            return tuple([product(x, d[:, part]) if n else None for part, n in zip(parts, needs, strict=True)])
        dstacked = dstacked.dense() if isinstance(dstacked, Gradient) else dstacked
        return tuple([contiguous(dstacked[part].T) if n else None for part, n in zip(parts, needs, strict=True)])


class GateShares(Op):
    """The share of the input in G gates: x (N, D) times weights (D, H), plus biases (H,), side by side: (N, G * H).

    Inputs are x, then the weights, then the biases. N may be the rows of a table from which steps then take theirs.
    """

    def forward(self, x, *parameters):
        """Multiply and add. Raises `ShapeError` and `DtypeError` for arrays that do not fit together."""
        self.G = G = len(parameters) // 2
        weights, biases = parameters[:G], parameters[G:]
        self.saved_inputs = tuple(range(1 + G))
        for w, b in zip(weights, biases, strict=True):
            if x.ndim != 2 or w.shape != (x.shape[1], *b.shape) or b.shape != biases[0].shape:
                raise ShapeError(
                    f"forward: input has shape {x.shape}, a weight {w.shape} and a bias {b.shape}, "
                    "expected (B, D), (D, H) and (H,)"
                )
            check_dtypes("forward", x, w, ("input", "weight"))
            check_dtypes("forward", x, b, ("input", "bias"))
        self.x, self.weights = contiguous(x), [contiguous(w) for w in weights]
        return np.concatenate(
            [kernels.matmul(self.x, w) + b for w, b in zip(self.weights, biases, strict=True)], axis=1
        )

    def backward(self, dshares):
        """Each gate is a linear layer; the gradients of x add up."""
        G, x, H = self.G, self.x, self.weights[0].shape[1]
        d = [contiguous(dshares[:, k * H : (k + 1) * H]) for k in range(G)]
        dx = None
        if self.needs[0]:
            dx = kernels.matmul(d[0], self.weights[0], transpose_b=True)
            for dk, w in zip(d[1:], self.weights[1:], strict=True):
                kernels.matmul_into(dx, dk, w, transpose_b=True, accumulate=True)
        dw = [Outer(x, dk) if needed else None for dk, needed in zip(d, self.needs[1 : 1 + G], strict=True)]
        db = [dk.sum(axis=0) if needed else None for dk, needed in zip(d, self.needs[1 + G :], strict=False)]
        return dx, *dw, *db


class _Step(Op, register=False):
    """What the cells' steps share: `shares` (B, G * H) of the input in the gates, or (V, G * H) with `ids` (B,).

    `blocks` are the weights that `u` (G * H, H) is made of, (H, H) each, as the way back multiplies by them.
    """

    G: ClassVar[int]
    window: Any = None  # for the cell's use: the weights that this step was taken with
    rows = 0  # likewise: how many rows the chain of steps that ends here has had

    def gates(self, shares: np.ndarray, u: np.ndarray, ids: Any, states: Any) -> np.ndarray:
        """Return the gates (G, H, B) before activation; keeps the first state as (H, B).

        Raises `ShapeError` or `DtypeError` for arrays that do not fit together.
        """
        name, B, H = type(self).__name__, len(shares) if ids is None else len(ids), u.shape[1]
        for state in states:
            if state.shape != (B, H):
                raise ShapeError(f"{name}: a hidden state has shape {state.shape}, expected {(B, H)} (B, H)")
            if state.dtype != u.dtype:
                raise DtypeError(f"{name}: a hidden state has dtype {state.dtype} and the weights {u.dtype}")
        if u.shape != (self.G * H, H) or shares.shape[1:] != (self.G * H,):
            raise ShapeError(
                f"{name}: weights {u.shape} and shares {shares.shape}, expected ({self.G} H, H), (B, {self.G} H)"
            )
        self.ids, self.shape, self.h = ids, shares.shape, contiguous(states[0].T)
        gates = np.array((shares if ids is None else shares[ids]).T, order="C")
        kernels.matmul_into(gates, u, self.h, accumulate=True)
        return gates.reshape(self.G, H, B)

    def from_gates(self, d: np.ndarray) -> tuple[Any, Any]:
        """Return the gradients of `shares` and `u` from those of the gates d (G * H, B)."""
        rows: Any = d.T
        dshares = rows if self.ids is None else Rows(self.ids, contiguous(rows), self.shape)
        return dshares if self.needs[0] else None, Outer(rows, self.h.T)


class BookRNNStep(_Step):
    """One step of chapter 13's RNNCell: h (B, H) -> sigmoid(shares + h U), or tanh."""

    G = 1
    saved_inputs = (1, 2)
    saved_outputs = (0,)

    def forward(self, shares, h, u, ids=None, blocks=(), tanh=False):
        """Take the step. Raises `ShapeError` and `DtypeError` for arrays that do not fit together."""
        (gate,) = self.gates(shares, u, ids, [h])
        self.w, self.tanh = contiguous(blocks[0]), tanh
        self.after = kernels.tanh_forward(gate) if tanh else kernels.sigmoid_forward(gate)
        return self.after.T

    def backward(self, dh):
        """Through the nonlinearity; the rest are products."""
        slope = kernels.tanh_backward if self.tanh else kernels.sigmoid_backward
        d = slope(contiguous(dh.T), self.after)
        dshares, du = self.from_gates(d)
        return dshares, kernels.matmul(self.w, d).T if self.needs[1] else None, du if self.needs[2] else None


class BookLSTMStep(_Step):
    """One step of chapter 14's LSTMCell: h and c (B, H) -> output (B, O), the new h and c.

        f, i, o = sigmoid(shares + h U)     g = tanh(likewise)     c = f * c + i * g     h = o * tanh(c)
        output = h W_ho

    Gates come in this order: f, i, o, g.

    With `exact`, gradients are those of backpropagation through time. Without it they are those that the book's
    engine finds, on which its learning rates and printed perplexities rest. That engine takes, of several gradients
    that arrive for the states between two steps, the first for h, and none for c:

        dh   what comes from the next step where the engine gets there first, else what comes through the output
        dc = dh * o * (1 - tanh(c)^2)              and nothing from the next step
        gradient of an earlier step's h = U_o do   and nothing by way of f, i and g

    `order_of_arrival` finds out which comes first; without it, what comes from the next step does. States in which a
    window begins get their exact share.
    """

    G = 4
    saved_inputs = (1, 2, 3, 4)
    reached = 1  # the output by which the book's engine gets here first
    carries = True  # whether it has use for the gradient of the earlier hidden state

    def forward(self, shares, h, c, u, w_ho, ids=None, blocks=(), exact=False):
        """Take the step. Raises `ShapeError` and `DtypeError` for arrays that do not fit together."""
        gates = self.gates(shares, u, ids, [h, c])
        if w_ho.ndim != 2 or len(w_ho) != u.shape[1] or w_ho.dtype != u.dtype:
            raise ShapeError(f"BookLSTMStep: output weight {w_ho.shape} of {w_ho.dtype}, expected ({u.shape[1]}, O)")
        self.c, self.blocks, self.w_ho, self.exact = contiguous(c.T), blocks, contiguous(w_ho), exact
        f, i, o = self.sigmoids = kernels.sigmoid_forward(gates[:3])
        self.g = kernels.tanh_forward(gates[3])
        after = f * self.c
        after += i * self.g
        self.squashed = kernels.tanh_forward(after)
        self.after = o * self.squashed
        return kernels.matmul(self.after, self.w_ho, transpose_a=True), self.after.T, after.T

    def backward(self, doutput, dh, dc):
        """See above; everything is transposed, (H, B)."""
        (f, i, o), g = self.sigmoids, self.g
        need_h, need_c, need_u, need_ho = self.needs[1:]
        doutput = None if doutput is None else contiguous(doutput)
        dh = None if dh is None else contiguous(dh.T)
        if doutput is not None and (self.exact or dh is None or self.reached == 0):
            through = kernels.matmul(self.w_ho, doutput, transpose_b=True)
            dh = dh + through if self.exact and dh is not None else through
        dh = np.zeros_like(self.h) if dh is None else dh
        arrived, dc = dc, kernels.tanh_backward(dh * o, self.squashed)
        if arrived is not None:
            dc += arrived.T

        raw, d = np.empty((3, *g.shape), g.dtype), np.empty((4, *g.shape), g.dtype)
        for to, left, right in zip(raw, (dc, dc, dh), (self.c, g, self.squashed), strict=True):
            np.multiply(left, right, out=to)
        d[:3] = kernels.sigmoid_backward(raw, self.sigmoids)
        d[3] = kernels.tanh_backward(dc * i, g)

        dh_before = None
        from_step, cell_from_step = (not self.exact and self.follows_step(k) for k in (1, 2))
        if need_h and not from_step:
            dh_before = kernels.matmul(contiguous(self.blocks[0]), d[0])
            for block, dk in zip(self.blocks[1:], d[1:], strict=True):
                kernels.matmul_into(dh_before, contiguous(block), dk, accumulate=True)
        elif need_h and self.carries:
            dh_before = kernels.matmul(contiguous(self.blocks[2]), d[2])
        dshares, du = self.from_gates(d.reshape(-1, d.shape[2]))
        return (
            dshares,
            None if dh_before is None else dh_before.T,
            (dc * f).T if need_c and not cell_from_step else None,
            du if need_u else None,
            Outer(self.after.T, doutput) if need_ho and doutput is not None else None,
        )

    def follows_step(self, state: int) -> bool:
        """Whether an input, by number, is what an earlier step left, and not where a window begins."""
        source = self.sources[state] if self.sources else None
        return type(source) is tuple and isinstance(source[0], BookLSTMStep)


def order_of_arrival(root: Any) -> None:
    """Tell the steps of LSTMs below the variable `root` by which way the book's engine reaches them first.

    That engine goes depth first, operands from left to right, and from a hidden state by way of the output gate. So
    `loss + losses[-1]`, as in the book, begins with the last step and comes to all others through their successors;
    `losses[-1] + loss` begins with the first step and comes to every one through its own output.
    """
    stack = [] if root.op is None else [(root.op, root.output, None)]
    seen = set()
    while stack:
        op, output, consumer = stack.pop()
        is_step = isinstance(op, BookLSTMStep)
        if op in seen:
            if is_step and output == 1 and op.reached == 0 and isinstance(consumer, BookLSTMStep):
                consumer.carries = False
            continue
        seen.add(op)
        if is_step:
            op.reached, op.carries = output, True
        for source in reversed(op.sources or ()):
            if type(source) is tuple:
                stack.append((*source, op))
