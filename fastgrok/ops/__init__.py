"""Differentiable operations: one class each, forward beside backward, on arrays only.

They know nothing of tensors: `op = Mul(); y = op.forward(a, b); da, db = op.backward(dy)`. `autograd.apply` records.
"""

from .arithmetic import Add, Div, Maximum, Minimum, Mul, Pow, Sub, Where
from .base import Op
from .conv import Conv, ConvTranspose, Fold, Unfold
from .dropout import Dropout
from .elementwise import Abs, Cast, Clamp, Clone, Cos, Exp, Log, Neg, ReLU, Sigmoid, Sin, Sqrt, Tanh
from .embedding import Embedding
from .gradients import Broadcast, Gradient, Outer, Rows
from .indexing import Gather, Index, SetItem
from .losses import MSE, NLL, CrossEntropy
from .matmul import Linear, MatMul
from .norm import BatchNorm, LayerNorm
from .pool import AvgPool, MaxPool
from .recurrent import LSTM, Gathered, GatheredGradient, LSTMCell
from .reductions import Amax, Amin, CumSum, LogSumExp, Mean, Sum, Var
from .shape import Cat, Expand, Flip, Permute, Reshape, Stack
from .softmax import LogSoftmax, Softmax

__all__ = [
    "LSTM",
    "MSE",
    "NLL",
    "Abs",
    "Add",
    "Amax",
    "Amin",
    "AvgPool",
    "BatchNorm",
    "Broadcast",
    "Cast",
    "Cat",
    "Clamp",
    "Clone",
    "Conv",
    "ConvTranspose",
    "Cos",
    "CrossEntropy",
    "CumSum",
    "Div",
    "Dropout",
    "Embedding",
    "Exp",
    "Expand",
    "Flip",
    "Fold",
    "Gather",
    "Gathered",
    "GatheredGradient",
    "Gradient",
    "Index",
    "LSTMCell",
    "LayerNorm",
    "Linear",
    "Log",
    "LogSoftmax",
    "LogSumExp",
    "MatMul",
    "MaxPool",
    "Maximum",
    "Mean",
    "Minimum",
    "Mul",
    "Neg",
    "Op",
    "Outer",
    "Permute",
    "Pow",
    "ReLU",
    "Reshape",
    "Rows",
    "SetItem",
    "Sigmoid",
    "Sin",
    "Softmax",
    "Sqrt",
    "Stack",
    "Sub",
    "Sum",
    "Tanh",
    "Unfold",
    "Var",
    "Where",
]
