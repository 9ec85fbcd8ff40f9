"""`Tensor`: an array with a gradient and PyTorch's methods, put together from families of methods."""

from typing import Any

import numpy as np

from ..autograd import Storage
from ..not_covered import missing
from .arithmetic import Arithmetic
from .comparison import Comparison
from .conversion import Conversion
from .dtypes import float32
from .indexing import Indexing
from .inplace import InPlace
from .making import Making, to_array
from .operands import numpy_names
from .reductions import Reductions
from .shape import Shape


class Tensor(Arithmetic, Comparison, Reductions, Shape, Indexing, InPlace, Making, Conversion, results=True):
    """An n-dimensional array whose calculations are recorded, so that `backward()` finds gradients.

    Usually made by `fastgrok.tensor`, `zeros`, `randn` and the like. `Tensor(data)` makes a float32 copy of numbers,
    and `Tensor(2, 3)` an uninitialised tensor of that shape, as in PyTorch.

    Examples
    --------
    >>> import fastgrok
    >>> x = fastgrok.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> y = (x * x).sum()
    >>> y
    tensor(30., grad_fn=<Sum>)
    >>> y.backward()
    >>> x.grad
    tensor([[2., 4.],
            [6., 8.]])
    """

    def __init__(self, *data: Any):
        if data and all(isinstance(size, int) for size in data):
            array = np.empty(data, float32)
        elif len(data) > 1:
            raise TypeError(
                f"Tensor: {len(data)} arguments, expected sizes or one sequence of numbers; see fastgrok.tensor"
            )
        else:
            array = to_array(data[0], float32) if data else np.empty(0, float32)
        self.array, self.storage = array, Storage()

    def __getattr__(self, name: str) -> Any:
        raise missing(f"{type(self).__name__!r} object", name)


for name in """
    sum mean median max min argmax argmin amax amin prod std var all any logsumexp cumsum cumprod softmax log_softmax
    sort argsort topk unsqueeze squeeze gather index_select unbind chunk narrow select count_nonzero repeat_interleave
    size index_add index_add_ scatter scatter_ scatter_add scatter_add_ take_along_dim
""".split():
    setattr(Tensor, name, numpy_names(getattr(Tensor, name)))
