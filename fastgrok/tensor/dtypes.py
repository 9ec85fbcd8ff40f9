"""The dtypes of tensors, which of them a result gets, and the one device there is."""

import math
from typing import Any

import numpy as np

from ..autograd import Variable
from ..errors import DtypeError, NumberError

float32, float64 = np.dtype("float32"), np.dtype("float64")
int64, int32, int16, int8, uint8 = (np.dtype(name) for name in ("int64", "int32", "int16", "int8", "uint8"))
bool_ = np.dtype("bool")

pi, e, inf, nan = math.pi, math.e, math.inf, math.nan
newaxis = None
finfo, iinfo, Size = np.finfo, np.iinfo, tuple  # what NumPy and Python have under other names

COVERED = (float32, float64, int64, int32, int16, int8, uint8, bool_)
LARGEST = float(np.finfo(float32).max)
_OF_PYTHON = {float: float64, int: int64, bool: bool_}
_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}


def get_default_dtype() -> np.dtype:
    """Return the dtype that floats have unless another is asked for: float32."""
    return float32


def set_default_dtype(d: Any) -> None:
    """Accept float32; raises `NotImplementedError` for another one: give `dtype=` where tensors are made."""
    if as_dtype(d, "set_default_dtype: d") != float32:
        raise NotImplementedError(f"set_default_dtype: d={d} is not covered, expected float32; give dtype= instead")


def as_dtype(dtype: Any, name: str = "dtype") -> np.dtype:
    """Return a dtype given in any of NumPy's ways; raises `DtypeError` for one that tensors cannot have."""
    try:
        known = _OF_PYTHON.get(dtype) or np.dtype(dtype)
    except TypeError:
        known = None
    if known is None or known not in COVERED:
        raise DtypeError(f"{name}={dtype!r}, expected one of {', '.join(map(str, COVERED))}")
    return known


def number_dtype(number: Any) -> np.dtype:
    """Return the dtype that a Python number becomes when nothing else decides: float32, int64 or bool."""
    if isinstance(number, bool | np.bool_):
        return bool_
    if isinstance(number, int | np.integer):
        return int64
    if isinstance(number, float | np.floating):
        return float32
    raise DtypeError(f"number {number!r} of type {type(number).__name__}, expected float, int or bool")


def as_operand(number: Any, dtype: np.dtype) -> np.ndarray:
    """Return a Python number as a 0-d array of a dtype, for arithmetic: what does not fit wraps around, or becomes inf.

    Raises `NumberError` for whole numbers of more than 64 bits.
    """
    if dtype.kind == "f" and type(number) is float and -LARGEST <= number <= LARGEST:
        return np.array(number, dtype)
    if isinstance(number, int) and not -(2**63) <= number < 2**64:
        raise NumberError(f"number {number}, expected one of at most 64 bits")
    if dtype == float32 and abs(number) > LARGEST:
        with np.errstate(all="ignore"):
            return np.asarray(number).astype(dtype)
    return np.asarray(number).astype(dtype)


def as_element(number: Any, dtype: np.dtype, name: str) -> np.ndarray:
    """Return a Python number, or the one in a tensor, as a 0-d array that is to become an element of a dtype.

    Raises `NumberError` where it does not fit. As in PyTorch, fractions are cut off in dtypes of whole numbers, and
    negative numbers wrap around in unsigned ones.
    """
    number = number.array if isinstance(number, Variable) else number
    number = number.item() if isinstance(number, np.ndarray | np.generic) else number
    if not isinstance(number, int | float):
        raise DtypeError(f"{name}: {number!r} of type {type(number).__name__}, expected a number")
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        low = limits.min if dtype.kind == "i" else -limits.max
        if not low <= number <= limits.max:  # so that nan is refused as well
            raise NumberError(f"{name}: {number} does not fit into {dtype}, expected {low} to {limits.max}")
        return np.array(int(number)).astype(dtype)
    if dtype == float32 and LARGEST < abs(number) < np.inf:
        raise NumberError(f"{name}: {number} does not fit into {dtype}")
    return as_operand(number, dtype)


def promote(a: np.dtype, b: np.dtype) -> np.dtype:
    """Return the dtype of a result of two equals: the larger, and never a wider float than one of the two is.

    Examples
    --------
    >>> promote(int64, float32)
    dtype('float32')
    """
    if a is b:
        return a
    if a.kind == "f" and b.kind != "f":
        return a
    if b.kind == "f" and a.kind != "f":
        return b
    return np.promote_types(a, b)


def result_dtype(a: Any, b: Any) -> np.dtype:
    """Return the dtype of a result calculated from a and b, tensors or numbers, by PyTorch's rule.

    A tensor with dimensions outweighs a 0-d tensor, which outweighs a number: the lighter one counts only when it is
    of a higher category (bool < whole numbers < floats). Source: PyTorch documentation, "Tensor Attributes".
    """
    if type(b) in (float, int) and isinstance(a, Variable) and a.array.dtype.kind == "f":  # the usual case, kept short
        return a.array.dtype
    weights, dtypes = [], []
    for x in (a, b):
        if isinstance(x, Variable):
            weights.append(2 if x.array.ndim else 1)
            dtypes.append(x.array.dtype)
        else:
            weights.append(0)
            dtypes.append(number_dtype(x))
    if weights[0] == weights[1]:
        return promote(*dtypes)
    heavy, light = dtypes if weights[0] > weights[1] else reversed(dtypes)
    return light if _CATEGORY[light.kind] > _CATEGORY[heavy.kind] else heavy


class device:
    """Where a tensor lives: `device("cpu")`, and nothing else.

    Examples
    --------
    >>> device("cpu")
    device(type='cpu')
    """

    type, index = "cpu", None

    def __init__(self, device: Any = "cpu", index: int | None = None):
        if not isinstance(device, str | type(self)):
            raise TypeError(f"device() got {device!r} of type {type(device).__name__}, expected 'cpu'")
        name = str(device)
        if name not in ("cpu", "cpu:0") or index not in (None, 0):
            raise RuntimeError(f"device={name!r}, expected 'cpu': fastgrok calculates on the CPU only")

    def __repr__(self) -> str:
        return "device(type='cpu')"

    def __str__(self) -> str:
        return "cpu"

    def __eq__(self, other: object) -> bool:
        return str(other) == "cpu"

    def __hash__(self) -> int:
        return hash("cpu")


class cuda:
    """PyTorch's questions about GPUs, answered: there is none."""

    @staticmethod
    def is_available() -> bool:
        """False."""
        return False

    @staticmethod
    def device_count() -> int:
        """0."""
        return 0

    @staticmethod
    def manual_seed(seed: int) -> None:
        """Do nothing."""

    @staticmethod
    def manual_seed_all(seed: int) -> None:
        """Do nothing."""
