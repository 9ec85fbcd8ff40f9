"""The framework of *Grokking Deep Learning* (A. Trask, Manning 2019), chapters 13 to 15, on this package's kernels.

Replace the cells that define classes by `from fastgrok.book import *` and go on. Names, signatures, initial weights and
printed numbers are the book's; the rest of the notebook stays as it is. `np` and `copy` come along, since later cells
use them.

Chapters 3 to 12 define no classes: their cells are plain NumPy and run beside this as they are. In chapters 13 to 15
every cell that uses the classes runs unmodified, except for these, most of which fail with the book's classes, too:

- chapter 13, parts 1 to 3, tensors without `autograd`: `from fastgrok.book.stages import Tensor1 as Tensor`, the form
  that the class has there;
- chapter 13, cells that define a class and use it: without the lines of the class;
- chapter 14, `train()` of the LSTM: `global min_loss` in its first line, which Python asks for;
- chapter 14, RNN: the cell that defines `generate_sample` comes before the first call of `train()`;
- chapter 15, where `train()` reads `bs`: `bs = 500` before it; and `aggregated_model.flatten()` in the last cell, in
  place of `sue_encrypted_model.flatten()`, which decrypts what it should not.

**Kept**, because the printed numbers rest on it:

- the LSTM's gradients, most of which the book's engine loses: see `LSTMCell`, also for exact ones;
- cross-entropy is a mean, its gradient that of the sum, and what comes from above does not count; `MSELoss` sums;
- `SGD.step` sets gradients to zero, in place, and they stay;
- each Tensor that you or a layer makes draws one number from `np.random`, for its id; results draw none, so what is
  drawn after training has begun (a sample of text) is other than in the book;
- everything is float64, and whole numbers stay whole; `Tensor(data)` copies;
- `+`, `-` and `*` of a tensor with autograd and one without are a constant.

**Mended**, and nothing that the book prints changes:

- a tensor that is used several times, or broadcast, gets the whole gradient (of `b.tanh() + b` the book's engine finds
  a third, and of `x.mm(w) + w` it loses some), and `sum(-1)` one of the right shape;
- a second `backward()` adds to the gradients; ids that are drawn twice do no harm; long graphs need no recursion;
- a constant times a parameter, `x.mm(w)`, has a gradient for the parameter;
- two parameters that are added do not share a gradient; those without one are passed over by `SGD`;
- softmax and cross-entropy do not overflow, and cross-entropy takes more than two dimensions;
- `RNNCell(..., activation="tanh")` works, and `Sequential()` has a list of its own.

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
