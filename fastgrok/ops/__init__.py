"""Differentiable operations: one class each, forward beside backward, on arrays only.

They know nothing of tensors: `op = Mul(); y = op.forward(a, b); da, db = op.backward(dy)`. `autograd.apply` records.
"""

from .activations import ELU, GELU, Hardtanh, LeakyReLU, LogSigmoid, SiLU, Softplus, TanhGELU
from .arithmetic import Add, Div, Maximum, Minimum, Mul, Pow, Sub, Where
from .attention import Attention, Heads
from .base import Op
from .conv import Conv, ConvTranspose, Fold, Unfold
from .distances import PNorm
from .dropout import Dropout
from .elementwise import Abs, Cast, Clamp, Clone, Cos, Exp, Log, Neg, ReLU, Sigmoid, Sin, Sqrt, Tanh
from .embedding import Embedding
from .embedding_bag import EmbeddingBag, EmbeddingBagMax
from .gradients import Broadcast, Gradient, Outer, Rows
from .gru import GRU, GRUCell
from .indexing import Gather, Index, SetItem
from .losses import NLL, CrossEntropy, SoftCrossEntropy
from .matmul import Linear, MatMul
from .norm import BatchNorm, LayerNorm
from .packed import PackedLSTM
from .pointwise_losses import BCE, L1, MSE, BCEWithLogits, Huber, KLDiv, SmoothL1
from .pool import AvgPool, MaxPool
from .recurrent import LSTM, Gathered, GatheredGradient, LSTMCell
from .reductions import Amax, Amin, CumSum, LogSumExp, Mean, Sum, Var
from .rnn import RNN, ReLURNN, ReLURNNCell, RNNCell
from .shape import Cat, Expand, Flip, Permute, Reshape, Stack
from .softmax import LogSoftmax, Softmax
from .watch import Watch

__all__ = [
    "BCE",
    "ELU",
    "GELU",
    "GRU",
    "L1",
    "LSTM",
    "MSE",
    "NLL",
    "RNN",
    "Abs",
    "Add",
    "Amax",
    "Amin",
    "Attention",
    "AvgPool",
    "BCEWithLogits",
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
    "EmbeddingBag",
    "EmbeddingBagMax",
    "Exp",
    "Expand",
    "Flip",
    "Fold",
    "GRUCell",
    "Gather",
    "Gathered",
    "GatheredGradient",
    "Gradient",
    "Hardtanh",
    "Heads",
    "Huber",
    "Index",
    "KLDiv",
    "LSTMCell",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "Log",
    "LogSigmoid",
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
    "PNorm",
    "PackedLSTM",
    "Permute",
    "Pow",
    "RNNCell",
    "ReLU",
    "ReLURNN",
    "ReLURNNCell",
    "Reshape",
    "Rows",
    "SetItem",
    "SiLU",
    "Sigmoid",
    "Sin",
    "SmoothL1",
    "SoftCrossEntropy",
    "Softmax",
    "Softplus",
    "Sqrt",
    "Stack",
    "Sub",
    "Sum",
    "Tanh",
    "TanhGELU",
    "Unfold",
    "Var",
    "Watch",
    "Where",
]
