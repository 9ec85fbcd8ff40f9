"""Differentiable operations: one class each, forward beside backward, on arrays only.

They know nothing of tensors: `op = Mul(); y = op.forward(a, b); da, db = op.backward(dy)`. `autograd.apply` records.
"""

from .arithmetic import Add, ClampBetween, Div, Maximum, Minimum, Mul, Pow, Remainder, Sub, Where
from .base import Op
from .dropout import Dropout
from .elementwise import Abs, Cast, Clamp, Clone, Cos, Exp, Log, Neg, ReLU, Sigmoid, Sin, Sqrt, Tanh
from .elementwise import Ceil, Expm1, Floor, Log1p, Round, Sign  # isort: skip
from .embedding import Embedding
from .gradients import Broadcast, Gradient, Outer, Rows
from .indexing import AddAt, Gather, Index, SetItem
from .losses import MSE, NLL, CrossEntropy
from .matmul import Linear, MatMul
from .recurrent import LSTM, Gathered, GatheredGradient, LSTMCell
from .reductions import Amax, Amin, CumProd, CumSum, LogSumExp, Mean, Prod, Sum, Var
from .shape import Cat, Expand, Flip, Pad, Permute, Reshape, Stack
from .softmax import LogSoftmax, Softmax

__all__ = [
    "LSTM",
    "MSE",
    "NLL",
    "Abs",
    "Add",
    "AddAt",
    "Amax",
    "Amin",
    "Broadcast",
    "Cast",
    "Cat",
    "Ceil",
    "Clamp",
    "ClampBetween",
    "Clone",
    "Cos",
    "CrossEntropy",
    "CumProd",
    "CumSum",
    "Div",
    "Dropout",
    "Embedding",
    "Exp",
    "Expand",
    "Expm1",
    "Flip",
    "Floor",
    "Gather",
    "Gathered",
    "GatheredGradient",
    "Gradient",
    "Index",
    "LSTMCell",
    "Linear",
    "Log",
    "Log1p",
    "LogSoftmax",
    "LogSumExp",
    "MatMul",
    "Maximum",
    "Mean",
    "Minimum",
    "Mul",
    "Neg",
    "Op",
    "Outer",
    "Pad",
    "Permute",
    "Pow",
    "Prod",
    "ReLU",
    "Remainder",
    "Reshape",
    "Round",
    "Rows",
    "SetItem",
    "Sigmoid",
    "Sign",
    "Sin",
    "Softmax",
    "Sqrt",
    "Stack",
    "Sub",
    "Sum",
    "Tanh",
    "Var",
    "Where",
]
