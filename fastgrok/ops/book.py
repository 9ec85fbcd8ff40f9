"""What the framework of *Grokking Deep Learning* does its own way: a loss, and the steps of its recurrent cells.

Letters: B batch, D input, H hidden, G gates, O outputs, V vocabulary, N rows, P panels
of NR columns.
"""

from typing import Any, ClassVar

import numpy as np

import fastgrok_kernels as kernels
from fastgrok_kernels import memory

from ..errors import DtypeError, ShapeError
from .base import Op, check_float, check_ids, contiguous, rows_of
from .gradients import Outer, Rows, _Pieces
from .matmul import check_dtypes


class BookCrossEntropy(Op):
    """The mean of -log softmax(logits)[target] over rows: logits (..., V), as many targets as rows, in any shape.

    The gradient is that of chapter 13: softmax - onehot, neither divided by the number of rows nor multiplied by what
    arrives from above.
    """

    saved_inputs = (0,)

    def forward(self, logits, targets):
        """Compute the loss. Raises `IndexError` for a target that is none of 0 .. V - 1, `ShapeError`, `DtypeError`."""
        check_float("cross_entropy", "input", logits)
        self.shape, self.logits = logits.shape, rows_of(contiguous(logits))
        self.targets = check_ids("cross_entropy", "target", targets.reshape(-1), logits.shape[-1])
        if len(self.targets) != len(self.logits):
            raise ShapeError(
                f"cross_entropy: input has shape {logits.shape} and target {targets.shape}, expected one for each row"
            )
        losses, self.logsumexp = kernels.cross_entropy_forward(self.logits, self.targets)
        return np.asarray(losses.sum(dtype=np.float64) / len(losses) if len(losses) else np.nan, logits.dtype)

    def backward(self, dy):
        """dlogits = softmax(logits) - onehot(target)."""
        ones = np.ones(len(self.targets), self.logits.dtype)
        return (kernels.cross_entropy_backward(ones, self.logits, self.logsumexp, self.targets).reshape(self.shape),)


# ------------------------------------------------------------------------------------------------ steps of cells
# A step multiplies few rows by large weights, so they are packed once for a window of steps. The gates of a step lie
# one after the other, (G, B, H). The input's share in them, a product with other weights, comes from outside.


class Packed:
    """A weight as products take it, packed when it is first needed: for all steps of a window, or the way back."""

    def __init__(self, weight: np.ndarray, transpose: bool = False):
        self.weight, self.transpose = weight, transpose
        self.panels: np.ndarray | None = None

    def multiply(self, a: np.ndarray, into: np.ndarray | None = None) -> np.ndarray:
        """Return a (B, K) times the weight (K, N), or its transpose; or add it to `into`."""
        if self.panels is None:
            self.panels = _panels([self.weight], self.transpose)
        c = (
            np.empty((1, len(a), self.weight.shape[0 if self.transpose else 1]), a.dtype)
            if into is None
            else into[None]
        )
        kernels.panels_matmul_into(c, a, self.panels, accumulate=into is not None)
        return c[0]


def _panels(weights: Any, transpose: bool = False, width: int | None = None) -> np.ndarray:
    """Return weights of one shape (K, N) in panels of `width` columns, see `kernels.panels_into`."""
    K, N = weights[0].shape[::-1] if transpose else weights[0].shape
    NR = kernels.simd.panel_width(weights[0].dtype) if width is None else width
    panels = memory.empty((len(weights), -(-N // NR), K, NR), weights[0].dtype)
    for to, w in zip(panels, weights, strict=True):
        kernels.panels_into(to, contiguous(w), transpose)
    return panels


class Gates(Op):
    """Weights (D, H) of G gates, in panels (G, P, D, NR): see `kernels.panels_into`."""

    stateless = True
    accepts_structured = True

    def forward(self, *weights, width=None):
        """Pack, into panels of `width` columns; without it, as wide as products need them.

        Raises `ShapeError` or `DtypeError` when weights differ, or are no float matrices.
        """
        first = weights[0]
        for w in weights:
            check_float("gates", "weight", w)
            if w.ndim != 2 or w.shape != first.shape:
                raise ShapeError(f"gates: a weight has shape {w.shape}, expected {first.shape}, two dimensions")
            if w.dtype != first.dtype:
                raise DtypeError(f"gates: a weight has dtype {w.dtype}, expected {first.dtype}")
        self.H = first.shape[1]
        return _panels(weights, width=width)

    def backward(self, dpanels):
        """Unpack; products behind a gradient are formed gate by gate."""
        if isinstance(dpanels, StepOuter):
            h, d = dpanels.joined()
            columns = _columns(h)
            gates = [(kernels.matmul, (columns, dk)) for dk in d]
        else:
            gates = [(_unpacked, (dk, self.H)) for dk in dpanels]
        return tuple([form(*of) if need else None for (form, of), need in zip(gates, self.needs, strict=False)])


def _unpacked(panels: np.ndarray, H: int) -> np.ndarray:
    """Return the matrix (D, H) of which these are the panels (P, D, NR)."""
    return contiguous(panels.transpose(1, 0, 2).reshape(panels.shape[1], -1)[:, :H])


class Products(Outer):
    """The same gradient as `Outer`; with as many rows as here, it is quicker to transpose them first."""

    def dense(self) -> np.ndarray:
        """Return the array (M, K)."""
        a, b = self.joined()
        return kernels.matmul(_columns(a), contiguous(b))


def _columns(x: np.ndarray) -> np.ndarray:
    """Return a copy (M, N) of x (N, M), transposed."""
    return kernels.swap_axes(contiguous(x)[None])[0]


class StepOuter(_Pieces):
    """The gradient of the weights of gates, for `Gates` alone: `h.T @ d[g]` for each; h (B, H) and d (G, B, H)."""

    def joined(self) -> tuple[np.ndarray, np.ndarray]:
        """Return h (N, H) and d (G, N, H) of all steps."""
        pieces = self.pieces[: self.count]
        if len(pieces) == 1:
            return pieces[0]
        states, gates = [h for h, _ in pieces], [d for _, d in pieces]
        d = memory.empty((len(gates[0]), sum(map(len, states)), gates[0].shape[2]), gates[0].dtype)
        return np.concatenate(states), np.concatenate(gates, axis=1, out=d)


class GateShares(Op):
    """The share of the input in G gates, one below the other, (G * N, H): x (N, D) times weights (D, H), plus biases.

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
        shares = np.empty((G, len(x), len(biases[0])), x.dtype)
        for share, w, b in zip(shares, self.weights, biases, strict=True):
            share[...] = b
            kernels.matmul_into(share, self.x, w, accumulate=True)
        return shares.reshape(-1, shares.shape[2])

    def backward(self, dshares):
        """Each gate is a linear layer; the gradients of x add up."""
        G, x = self.G, self.x
        d = contiguous(dshares).reshape(G, len(x), dshares.shape[1])
        dx = None
        if self.needs[0]:
            dx = kernels.matmul(d[0], self.weights[0], transpose_b=True)
            for dk, w in zip(d[1:], self.weights[1:], strict=True):
                kernels.matmul_into(dx, dk, w, transpose_b=True, accumulate=True)
        dw = [Products(x, dk) if needed else None for dk, needed in zip(d, self.needs[1 : 1 + G], strict=True)]
        db = [dk.sum(axis=0) if needed else None for dk, needed in zip(d, self.needs[1 + G :], strict=False)]
        return dx, *dw, *db


class _Step(Op, register=False):
    """What the cells' steps share: `shares` (G * B, H) of the input in the gates, or (G * V, H) with `ids` (B,).

    `back` are the weights that `u` is made of, transposed, and `out` that of the output, as `Packed`.
    """

    G: ClassVar[int]
    window: Any = None  # for the cell's use: the weights that this step was taken with
    rows = 0  # likewise: how many rows the chain of steps that ends here has had
    after: np.ndarray  # the new hidden state

    def gates(self, shares: np.ndarray, u: np.ndarray, ids: Any, states: Any) -> np.ndarray:
        """Return the gates (G, B, H) before activation; keeps the first state.

        Raises `ShapeError` or `DtypeError` for arrays that do not fit together.
        """
        name, G, H = type(self).__name__, self.G, u.shape[2]
        B = len(shares) // G if ids is None else len(ids)
        for state in states:
            if state.shape != (B, H):
                raise ShapeError(f"{name}: a hidden state has shape {state.shape}, expected {(B, H)} (B, H)")
            if state.dtype != u.dtype:
                raise DtypeError(f"{name}: a hidden state has dtype {state.dtype} and the weights {u.dtype}")
        if len(u) != G or -(-H // u.shape[3]) != u.shape[1] or shares.shape[1] != H:
            raise ShapeError(
                f"{name}: weights {u.shape} and shares {shares.shape}, expected ({G}, P, H, NR), ({G} B, H)"
            )
        if ids is not None:
            ids = (np.arange(0, len(shares), len(shares) // G)[:, None] + ids).reshape(-1)
        self.ids = ids
        self.shape, self.h = shares.shape, contiguous(states[0])
        gates = (shares.copy() if ids is None else shares.take(ids, axis=0)).reshape(G, B, H)
        kernels.panels_matmul_into(gates, self.h, u, accumulate=True)
        return gates

    def through(self, weight: np.ndarray, out: Packed | None) -> np.ndarray:
        """Return the output without its bias: the new hidden state times `weight` (H, O), packed as `out`."""
        name, H = type(self).__name__, self.h.shape[1]
        if weight.ndim != 2 or len(weight) != H or weight.dtype != self.h.dtype:
            raise ShapeError(
                f"{name}: output weight {weight.shape} of {weight.dtype}, expected ({H}, O) of {self.h.dtype}"
            )
        self.w_ho = contiguous(weight)
        return (Packed(self.w_ho) if out is None else out).multiply(self.after)

    def from_gates(self, d: np.ndarray) -> tuple[Any, Any]:
        """Return the gradients of `shares` and `u` from those of the gates d (G, B, H)."""
        rows: Any = d.reshape(-1, d.shape[2])
        dshares = rows if self.ids is None else Rows(self.ids, rows, self.shape)
        return dshares if self.needs[0] else None, StepOuter([(self.h, d)], (self.G, *self.h.shape))


class BookRNNStep(_Step):
    """One step of chapter 13's RNNCell: h (B, H) -> output (B, O) and the new h.

    h = sigmoid(shares + h U), or tanh      output = h W_ho + b_ho
    """

    G = 1
    saved_inputs = (1, 2, 3)
    saved_outputs = (1,)

    def forward(self, shares, h, u, w_ho, b_ho=None, ids=None, back=(), out=None, tanh=False):
        """Take the step. Raises `ShapeError` and `DtypeError` for arrays that do not fit together."""
        (gate,) = self.gates(shares, u, ids, [h])
        self.back, self.tanh = back, tanh
        self.after = kernels.tanh_forward(gate) if tanh else kernels.sigmoid_forward(gate)
        output = self.through(w_ho, out)
        if b_ho is not None:
            output += b_ho
        return output, self.after

    def backward(self, doutput, dh):
        """Through the nonlinearity; the rest are products."""
        need_h, need_u, need_ho = self.needs[1:4]
        need_b = len(self.needs) > 4 and self.needs[4]
        if doutput is not None:
            doutput = contiguous(doutput)
            dafter = kernels.matmul(doutput, self.w_ho, transpose_b=True)
            dh = dafter if dh is None else dafter + dh
        slope = kernels.tanh_backward if self.tanh else kernels.sigmoid_backward
        d = slope(contiguous(dh), self.after)
        dshares, du = self.from_gates(d[None])
        return (
            dshares,
            self.back[0].multiply(d) if need_h else None,
            du if need_u else None,
            Products(self.after, doutput) if need_ho and doutput is not None else None,
            doutput.sum(axis=0) if need_b and doutput is not None else None,
        )


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

    def forward(self, shares, h, c, u, w_ho, ids=None, back=(), out=None, exact=False):
        """Take the step. Raises `ShapeError` and `DtypeError` for arrays that do not fit together."""
        gates = self.gates(shares, u, ids, [h, c])
        self.c, self.back, self.exact = contiguous(c), back, exact
        f, i, o = self.sigmoids = kernels.sigmoid_forward(gates[:3])
        self.g = kernels.tanh_forward(gates[3])
        after = f * self.c
        after += i * self.g
        self.squashed = kernels.tanh_forward(after)
        self.after = o * self.squashed
        return self.through(w_ho, out), self.after, after

    def backward(self, doutput, dh, dc):
        """See above."""
        (f, i, o), g = self.sigmoids, self.g
        need_h, need_c, need_u, need_ho = self.needs[1:]
        doutput = None if doutput is None else contiguous(doutput)
        if doutput is not None and (self.exact or dh is None or self.reached == 0):
            through = kernels.matmul(doutput, self.w_ho, transpose_b=True)
            dh = dh + through if self.exact and dh is not None else through
        dh = np.zeros_like(self.h) if dh is None else contiguous(dh)
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
            dh_before = self.back[0].multiply(d[0])
            for weight, dk in zip(self.back[1:], d[1:], strict=True):
                weight.multiply(dk, into=dh_before)
        elif need_h and self.carries:
            dh_before = self.back[2].multiply(d[2])
        dshares, du = self.from_gates(d)
        return (
            dshares,
            dh_before,
            dc * f if need_c and not cell_from_step else None,
            du if need_u else None,
            Products(self.after, doutput) if need_ho and doutput is not None else None,
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
