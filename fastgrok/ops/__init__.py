"""Differentiable operations: one class each, forward beside backward, on arrays only.

They know nothing of tensors: `op = Mul(); y = op.forward(a, b); da, db = op.backward(dy)`. `autograd.apply` records.
"""

from .activations import ELU, GELU, Hardtanh, LeakyReLU, LogSigmoid, SiLU, Softplus, TanhGELU
from .arithmetic import Add, ClampBetween, Div, Maximum, Minimum, Mul, Pow, Remainder, Sub, Where
from .attention import Attention, FusedAttention, Heads, SelfAttention
from .base import Op
from .book import BookCrossEntropy, BookLSTMStep, BookRNNStep, Gates, GateShares
from .conv import Conv, ConvTranspose, Fold, Unfold
from .dense import Dense
from .distances import PNorm
from .dropout import Dropout
from .elementwise import (
    Abs,
    Cast,
    Ceil,
    Clamp,
    Clone,
    Cos,
    Erf,
    Exp,
    Expm1,
    Floor,
    Log,
    Log1p,
    Neg,
    ReLU,
    Round,
    Sigmoid,
    Sign,
    Sin,
    Sqrt,
    Tanh,
)
from .embedding import Embedding
from .embedding_bag import EmbeddingBag, EmbeddingBagMax
from .fold import FoldedGradient, Gathered
from .gradients import BagRows, Broadcast, Gradient, Outer, Rows
from .gru import GRU, GRUCell
from .indexing import AddAt, Gather, Index, Overwrite, SetItem
from .losses import NLL, CrossEntropy, SoftCrossEntropy
from .matmul import Linear, LinearReLU, MatMul, OuterProduct
from .norm import BatchNorm, GroupNorm, LayerNorm
from .packed import PackedLSTM
from .pointwise_losses import BCE, L1, MSE, BCEWithLogits, Huber, KLDiv, SmoothL1
from .pool import AvgPool, MaxPool
from .recurrent import LSTM, LSTMCell
from .reductions import Amax, Amin, CumProd, CumSum, LogSumExp, Mean, Prod, Sum, Var
from .rnn import RNN, ReLURNN, ReLURNNCell, RNNCell
from .shape import Cat, Diagonal, Expand, Flip, Pad, Permute, Reshape, Roll, Split, Stack, Unbind
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
    "AddAt",
    "Amax",
    "Amin",
    "Attention",
    "AvgPool",
    "BCEWithLogits",
    "BagRows",
    "BatchNorm",
    "BookCrossEntropy",
    "BookLSTMStep",
    "BookRNNStep",
    "Broadcast",
    "Cast",
    "Cat",
    "Ceil",
    "Clamp",
    "ClampBetween",
    "Clone",
    "Conv",
    "ConvTranspose",
    "Cos",
    "CrossEntropy",
    "CumProd",
    "CumSum",
    "Dense",
    "Diagonal",
    "Div",
    "Dropout",
    "Embedding",
    "EmbeddingBag",
    "EmbeddingBagMax",
    "Erf",
    "Exp",
    "Expand",
    "Expm1",
    "Flip",
    "Floor",
    "Fold",
    "FoldedGradient",
    "FusedAttention",
    "GRUCell",
    "GateShares",
    "Gates",
    "Gather",
    "Gathered",
    "Gradient",
    "GroupNorm",
    "Hardtanh",
    "Heads",
    "Huber",
    "Index",
    "KLDiv",
    "LSTMCell",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LinearReLU",
    "Log",
    "Log1p",
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
    "OuterProduct",
    "Overwrite",
    "PNorm",
    "PackedLSTM",
    "Pad",
    "Permute",
    "Pow",
    "Prod",
    "RNNCell",
    "ReLU",
    "ReLURNN",
    "ReLURNNCell",
    "Remainder",
    "Reshape",
    "Roll",
    "Round",
    "Rows",
    "SelfAttention",
    "SetItem",
    "SiLU",
    "Sigmoid",
    "Sign",
    "Sin",
    "SmoothL1",
    "SoftCrossEntropy",
    "Softmax",
    "Softplus",
    "Split",
    "Sqrt",
    "Stack",
    "Sub",
    "Sum",
    "Tanh",
    "TanhGELU",
    "Unbind",
    "Unfold",
    "Var",
    "Watch",
    "Where",
]
