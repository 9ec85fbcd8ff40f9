"""What the framework of *Grokking Deep Learning* does its own way: a loss, and the steps of its recurrent cells.

Letters: B batch, D input, H hidden, O outputs, V vocabulary, N rows. Weights are (inputs, outputs), as in the book.
"""

from typing import Any, ClassVar

import numpy as np

import fastgrok_kernels as kernels

from ..errors import DtypeError, ShapeError
from .base import Op, check_float, contiguous, rows_of
from .gradients import Outer, _Pieces
from .losses import CrossEntropy
from .softmax import from_rows


class BookCrossEntropy(CrossEntropy):
    """The mean of -log softmax(logits)[target] over rows: logits (..., V), as many targets as rows, in any shape.

    The gradient is that of chapter 13: softmax - onehot, neither divided by the number of rows nor multiplied by what
    arrives from above.
    """

    saved_inputs: tuple[int, ...] = (0,)

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


# ------------------------------------------------------------------------------------------------ rows of a table
# The input of a step is often a row of an embedding for each sequence. The product of the table with the input weights
# then serves all steps of a window, and gradients are summed per row of the table before anything is multiplied.


class TableOuter(_Pieces):
    """`table[ids].T @ d`: the gradient (D, H) of input weights, from pieces ids (N,) and d (N, H); table (V, D)."""

    def __init__(self, pieces: list, shape: tuple[int, ...], table: np.ndarray | None = None):
        super().__init__(pieces, shape)
        self.table = table

    def __add__(self, other: Any) -> Any:
        total = super().__add__(other)
        if isinstance(total, TableOuter):
            total.table = self.table
        return total

    def dense(self) -> np.ndarray:
        """Return the array (D, H)."""
        ids, d = self._joined()
        return kernels.matmul(self.table, kernels.embedding_backward(d, ids, len(self.table)), transpose_a=True)


class TableGradient(_Pieces):
    """The gradient (V, D) of the table, from pieces ids (N,) and d (N, G, H); `weights` are G arrays (D, H)."""

    def __init__(self, pieces: list, shape: tuple[int, ...], weights: Any = ()):
        super().__init__(pieces, shape)
        self.weights = weights

    def __add__(self, other: Any) -> Any:
        total = super().__add__(other)
        if isinstance(total, TableGradient):
            total.weights = self.weights
        return total

    def dense(self) -> np.ndarray:
        """Return the array (V, D)."""
        ids, d = self._joined()
        N, G, H = d.shape
        sums = kernels.embedding_backward(d.reshape(N, G * H), ids, self.shape[0]).reshape(-1, G, H)
        table = np.empty(self.shape, d.dtype)
        for k, w in enumerate(self.weights):
            kernels.matmul_into(table, contiguous(sums[:, k]), w, transpose_b=True, accumulate=k > 0)
        return table


class Step(Op, register=False):
    """What the two cells share. Inputs: x (B, D), the states (B, H), then the weights, in the order of the parameters.

    With `ids` (B,) the first input is a table (V, D) in place of x, and step b takes its row ids[b]; `inputs` is what
    `project` returned for it.
    """

    G: ClassVar[int]
    states: ClassVar[int]
    projection: Any = None  # for the cell's use: where `inputs` came from
    rows = 0  # likewise: how many rows the chain of steps that ends here has had

    @staticmethod
    def project(table: np.ndarray, weights: Any, biases: Any) -> np.ndarray:
        """Return the share of the input in G gates, (G, V, H): table (V, D) times weights (D, H), plus biases (H,)."""
        out = np.empty((len(weights), len(table), weights[0].shape[1]), table.dtype)
        for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
            kernels.matmul_into(out[k], table, w)
            out[k] += b
        return out

    def shares(self, weights: Any, biases: Any, ids: Any, inputs: Any) -> np.ndarray:
        """Return the share of the input in the gates of this step, (G, B, H)."""
        self.ids, self.weights = ids, weights
        return self.project(self.x, weights, biases) if ids is None else inputs.take(ids, axis=1)

    def input_gradients(self, d: np.ndarray, need_x: bool, need: Any) -> tuple[Any, list]:
        """Return the gradients of x (or the table) and of the input weights, from those of the gates d (G, B, H)."""
        x, ids = self.x, self.ids
        dx: Any = None
        if need_x and ids is not None:
            dx = TableGradient([(ids, d.transpose(1, 0, 2))], x.shape, self.weights)
        elif need_x:
            dx = np.empty_like(x)
            for k, w in enumerate(self.weights):
                kernels.matmul_into(dx, d[k], w, transpose_b=True, accumulate=k > 0)
        shape = self.weights[0].shape
        dw: list = [Outer(x, dk) if ids is None else TableOuter([(ids, dk)], shape, x) for dk in d]
        return dx, [g if wanted else None for g, wanted in zip(dw, need, strict=True)]

    def check(self, x: np.ndarray, states: Any, weights: Any, biases: Any, recurrent: Any, out: np.ndarray) -> None:
        """Raise `ShapeError` or `DtypeError` unless all arrays of a step fit together."""
        name = type(self).__name__
        if x.ndim != 2 or states[0].ndim != 2:
            raise ShapeError(f"{name}: input has shape {x.shape} and hidden {states[0].shape}, expected (B, D), (B, H)")
        D, (B, H) = x.shape[1], states[0].shape
        expected = [("hidden", s, (B, H)) for s in states] + [("input weight", w, (D, H)) for w in weights]
        expected += [("bias", b, (H,)) for b in biases] + [("hidden weight", u, (H, H)) for u in recurrent]
        for label, array, shape in [*expected, ("output weight", out, (H, *out.shape[1:2]))]:
            if array.shape != shape:
                raise ShapeError(f"{name}: {label} has shape {array.shape}, expected {shape} for input {x.shape}")
            if array.dtype != x.dtype or x.dtype.kind != "f":
                raise DtypeError(f"{name}: {label} has dtype {array.dtype} and input {x.dtype}, expected one of floats")

    def check_batch(self, ids: Any) -> None:
        """Raise `ShapeError` unless input and hidden state have as many rows."""
        rows, B = len(self.x) if ids is None else len(ids), len(self.h)
        if rows != B:
            raise ShapeError(f"{type(self).__name__}: input has {rows} rows and hidden {B}, expected as many")


class BookRNNStep(Step):
    """One step of chapter 13's RNNCell: x (B, D), h (B, H) -> output (B, O) and the new h.

        h = sigmoid(x W_ih + b_ih + h W_hh + b_hh)       output = h W_ho + b_ho

    or tanh in place of sigmoid. Its gradients are exact.
    """

    G, states = 1, 1
    saved_inputs: tuple[int, ...] = (0, 1)

    def forward(self, x, h, w_ih, b_ih, w_hh, b_hh, w_ho, b_ho, ids=None, inputs=None, tanh=False):
        """Take the step. Raises `ShapeError` and `DtypeError` for arrays that do not fit together."""
        self.check(x, [h], [w_ih], [b_ih, b_hh], [w_hh], w_ho)
        self.x, self.h, self.tanh = contiguous(x), contiguous(h), tanh
        self.check_batch(ids)
        self.w_hh, self.w_ho = contiguous(w_hh), contiguous(w_ho)
        a = self.shares([contiguous(w_ih)], [b_ih], ids, inputs)[0]
        a += b_hh
        kernels.matmul_into(a, self.h, self.w_hh, accumulate=True)
        self.after = kernels.tanh_forward(a) if tanh else kernels.sigmoid_forward(a)
        output = kernels.matmul(self.after, self.w_ho)
        output += b_ho
        # A copy: the book's users write to h.data, as they may.
        return output, self.after.copy()

    def backward(self, doutput, dh):
        """Both ways by which gradients come, added up, go through the nonlinearity; the rest are products."""
        need_x, need_h, need_ih, need_bih, need_hh, need_bhh, need_ho, need_bho = self.needs
        dw_ho = db_ho = None
        if doutput is not None:
            doutput = contiguous(doutput)
            through = kernels.matmul(doutput, self.w_ho, transpose_b=True)
            dh = through if dh is None else dh + through
            dw_ho = Outer(self.after, doutput) if need_ho else None
            db_ho = doutput.sum(axis=0) if need_bho else None
        backward = kernels.tanh_backward if self.tanh else kernels.sigmoid_backward
        d = backward(contiguous(dh), self.after)
        dx, (dw_ih,) = self.input_gradients(d[None], need_x, [need_ih])
        db = d.sum(axis=0) if need_bih or need_bhh else None
        return (
            dx,
            kernels.matmul(d, self.w_hh, transpose_b=True) if need_h else None,
            dw_ih,
            db if need_bih else None,
            Outer(self.h, d) if need_hh else None,
            db if need_bhh else None,
            dw_ho,
            db_ho,
        )


class BookLSTMStep(Step):
    """One step of chapter 14's LSTMCell: x (B, D), h and c (B, H) -> output (B, O), the new h and c.

        f, i, o = sigmoid(x W + b + h U)     g = tanh(likewise)     c = f * c + i * g     h = o * tanh(c)
        output = h W_ho

    Weights come in the order of the cell's parameters: W and b of f, i, o and g, U of f, i, o and g, W_ho.

    With `exact`, gradients are those of backpropagation through time. Without it they are those that the book's
    engine finds, on which its learning rates and printed perplexities rest. That engine takes, of several gradients
    that arrive for a hidden state, the first, and passes nothing on by way of the cell state:

        dh   what comes from the next step where the engine gets there first, else what comes through the output
        dc = dh * o * (1 - tanh(c)^2)              and nothing from the next step
        gradient of an earlier step's h = do U_o^T       and nothing by way of f, i and g

    `order_of_arrival` finds out which comes first; without it, what comes from the next step does.
    """

    G, states = 4, 2
    saved_inputs: tuple[int, ...] = (0, 1, 2)
    reached = 1  # the output by which the book's engine gets here first
    carries = True  # whether it has use for the gradient of the earlier hidden state

    def forward(self, x, h, c, *weights, ids=None, inputs=None, exact=False):
        """Take the step. Raises `ShapeError` and `DtypeError` for arrays that do not fit together."""
        weights = [contiguous(w) for w in weights]
        w, b, u, w_ho = weights[0:8:2], weights[1:8:2], weights[8:12], weights[12]
        self.check(x, [h, c], w, b, u, w_ho)
        self.x, self.h, self.c, self.exact = contiguous(x), contiguous(h), contiguous(c), exact
        self.check_batch(ids)
        self.u, self.w_ho = u, w_ho
        gates = self.shares(w, b, ids, inputs)
        for k in range(4):
            kernels.matmul_into(gates[k], self.h, u[k], accumulate=True)
        f, i, o = self.sigmoids = kernels.sigmoid_forward(gates[:3])
        self.g = g = kernels.tanh_forward(gates[3])
        after = f * self.c
        after += i * g
        self.squashed = kernels.tanh_forward(after)
        self.after = o * self.squashed
        return kernels.matmul(self.after, w_ho), self.after.copy(), after

    def backward(self, doutput, dh, dc):
        """See above."""
        f, i, o = self.sigmoids
        g, need_x, need_h, need_c = self.g, *self.needs[:3]
        need, need_u, need_ho = self.needs[3:11], self.needs[11:15], self.needs[15]
        doutput = None if doutput is None else contiguous(doutput)
        if doutput is not None and (self.exact or dh is None or self.reached == 0):
            through = kernels.matmul(doutput, self.w_ho, transpose_b=True)
            dh = dh + through if self.exact and dh is not None else through
        dh = np.zeros_like(self.h) if dh is None else dh
        arrived, dc = dc, kernels.tanh_backward(dh * o, self.squashed)
        if arrived is not None:
            dc += arrived

        raw, d = np.empty((3, *g.shape), g.dtype), np.empty((4, *g.shape), g.dtype)
        for to, left, right in zip(raw, (dc, dc, dh), (self.c, g, self.squashed), strict=True):
            np.multiply(left, right, out=to)
        d[:3] = kernels.sigmoid_backward(raw, self.sigmoids)
        d[3] = kernels.tanh_backward(dc * i, g)

        dh_before = None
        from_step, cell_from_step = (not self.exact and self.follows_step(k) for k in (1, 2))
        if need_h and not from_step:
            dh_before = kernels.matmul(d[0], self.u[0], transpose_b=True)
            for k in range(1, 4):
                kernels.matmul_into(dh_before, d[k], self.u[k], transpose_b=True, accumulate=True)
        elif need_h and self.carries:
            dh_before = kernels.matmul(d[2], self.u[2], transpose_b=True)
        dx, dw = self.input_gradients(d, need_x, need[0::2])
        db = d.sum(axis=1) if any(need[1::2]) else [None] * 4
        return (
            dx,
            dh_before,
            dc * f if need_c and not cell_from_step else None,
            *(gradient for pair in zip(dw, db, strict=True) for gradient in pair),
            *(Outer(self.h, d[k]) if need_u[k] else None for k in range(4)),
            Outer(self.after, doutput) if need_ho and doutput is not None else None,
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
