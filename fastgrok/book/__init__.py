"""The framework of *Grokking Deep Learning* (A. Trask, Manning 2019), chapters 13 to 15, on this package's kernels.

Replace the cells that define classes by `from fastgrok.book import *` and go on. Names, signatures, initial weights and
printed numbers are the book's; the rest of the notebook stays as it is. `np` and `copy` come along, since later cells
use them.

The early forms of Tensor that chapter 13 grows through are in `fastgrok.book.stages`.

Examples
--------
>>> from fastgrok.book import *
>>> np.random.seed(0)
>>> data = Tensor(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), autograd=True)
>>> target = Tensor(np.array([[0], [1], [0], [1]]), autograd=True)
>>> model = Sequential([Linear(2, 3), Linear(3, 1)])
>>> criterion = MSELoss()
>>> optim = SGD(parameters=model.get_parameters(), alpha=0.05)
>>> for i in range(3):
...     loss = criterion.forward(model.forward(data), target)
...     loss.backward(Tensor(np.ones_like(loss.data)))
...     optim.step()
...     print(loss)
[2.33428272]
[0.06743796]
[0.0521849]
"""

import copy

import numpy as np

from .layers import Embedding, Layer, Linear, Sequential, Sigmoid, Tanh
from .recurrent import LSTMCell, RNNCell
from .tensor import Tensor
from .training import SGD, CrossEntropyLoss, MSELoss

__all__ = [
    "SGD",
    "CrossEntropyLoss",
    "Embedding",
    "LSTMCell",
    "Layer",
    "Linear",
    "MSELoss",
    "RNNCell",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "Tensor",
    "copy",
    "np",
]
