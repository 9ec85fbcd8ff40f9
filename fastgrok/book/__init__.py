"""The framework of *Grokking Deep Learning* (A. Trask, Manning 2019), chapters 13 to 15, on this package's kernels.

Replace the cells that define classes by `from fastgrok.book import *` and go on. Names, signatures, initial weights and
printed numbers are the book's; the rest of the notebook stays as it is. `np` and `copy` come along, since later cells
use them.

Where Keras is not installed, the cells of chapters 8 to 10 that read MNIST want one line before them, which lets
`from keras.datasets import mnist` find ours; nothing here does it unasked:

    import sys, fastgrok.keras.datasets
    sys.modules["keras.datasets"] = fastgrok.keras.datasets

Cell by cell, what runs as it is, and the line to change where it does not, which most often fails with the book's own
classes, too. Files are looked for in the current folder, as in the book. (Chapters 1, 2, 7 and 16 have no cells.)

======= ============================================== ==============================================================
chapter cells                                          "-": run as they are; else what they need
======= ============================================== ==============================================================
3       predictions, primer on NumPy                   -, and two cells end with the error that they explain
4       hot and cold, gradient descent, alpha          -
5       several inputs: the first cell                 `weight_deltas = ele_mul(delta,input)` before its loop
5       freezing a weight, several outputs, both       -
6       street lights, backpropagation                 -
8       a network that learns by heart                 with the line for Keras
8       dropout, step by step                          -
8       dropout, batches                               -
9       tanh and softmax                               with the line for Keras
10      convolution                                    with the line for Keras
11      one-hot words                                  -
11      reviews of films, similar words                needs reviews.txt, labels.txt; the training cell is marked
                                                       "raw": make it a code cell
11      fill in the blank, analogies                   needs reviews.txt
12      averaged word vectors                          needs reviews.txt, and chapter 11's `weights_0_1` in the same
                                                       kernel
12      identity matrices, transitions, words of bAbI  needs tasksv11/en, as in the book
13      parts 1 to 3, tensors without `autograd`       `from fastgrok.book.stages import Tensor1 as Tensor`, the form
                                                       that the class has there
13      cells that define a class and use it           without the lines of the class
13      parts 4 to 14                                  -
14      vanishing and exploding gradients              -
14      LSTM, `train()`                                `global min_loss` as its first line, which Python asks for
14      RNN                                            the cell that defines `generate_sample` before the first call
                                                       of `train()`
15      spam, federated learning, what gradients tell  needs spam.txt, ham.txt; where `train()` reads `bs`: `bs = 500`
                                                       before it
15      homomorphic encryption                         needs phe (`pip install phe`)
15      secure aggregation: the last cell              `aggregated_model.flatten()` in place of
                                                       `sue_encrypted_model.flatten()`, which runs, but decrypts what
                                                       it should not
======= ============================================== ==============================================================

Numbers are those of the book wherever no order of a set decides them, and in the same range where one does:
`tests/book` runs these cells, and `tests/examples` what chapters 3 to 6 print.

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
