"""One call, made in fastgrok and in PyTorch, and the comparison of everything that a user can see of it.

A call is plain data: arrays are described by shape, dtype, kind and seed (`Array`), so that an example that fails is
printed in one line and comes out the same everywhere. `compare` makes both calls and compares values, dtypes, shapes,
the gradients of all inputs, and for arguments that PyTorch refuses the type of the error.
"""

import functools
import operator
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import numpy as np
import torch

import fastgrok

#: Largest difference relative to the largest magnitude of the tensor.
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}

#: What PyTorch says where it fails over a limit or a mistake of its own, and where: no rule that anybody could follow.
LIMITS = {
    "INTERNAL ASSERT": "gradients of a whole number that was put into a tensor of floats",
    "Autograd not support dtype": "gradients of a sum or product of floats that was asked for in int64",
    "derivative for aten::remainder": "gradients of the divisor of %",
    "grad_input must be contiguous": "nll_loss of images in another order of memory",
    "nested_tensorlist[0].empty()": "clip_grad_value_ without a single gradient",
    "tensor does not have a device": "group_norm with one of weight and bias",
    "returned an invalid gradient": "gradients of a source that is larger than the index of scatter",
}

#: How many cases were compared since Python started, and how many of them were no errors.
compared = succeeded = 0


# ---------------------------------------------------------------------------------------------------- what is passed


@dataclass(frozen=True)
class Array:
    """A tensor to pass: what it looks like, and the seed of its values."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    kind: Any = "normal"
    seed: int = 0
    grad: bool = False
    layout: str = "C"

    def make(self) -> np.ndarray:
        """Return a new array."""
        rng = np.random.default_rng(self.seed)
        if isinstance(self.kind, tuple):  # whole numbers from low to high - 1
            low, high = self.kind
            values = rng.integers(low, max(high, low + 1), self.shape)
        elif self.dtype == "bool":
            values = rng.integers(0, 2, self.shape)
        elif not self.dtype.startswith("float") and self.kind != "sign":
            low = 0 if self.dtype == "uint8" or self.kind == "positive" else -4
            values = rng.integers(low + (self.kind == "positive"), low + 9, self.shape)
        else:
            values = np.asarray(FILL[self.kind](rng, self.shape))
        return LAYOUT[self.layout](np.asarray(values).astype(self.dtype))


def _special(rng: np.random.Generator, shape: tuple) -> np.ndarray:
    """Normal numbers, and among them all that is not quite a number."""
    values = np.asarray(rng.standard_normal(shape))
    odd = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e-30, 30.0, -30.0], shape)
    return np.where(rng.random(shape) < 0.4, odd, values)


FILL: dict[str, Callable] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "wide": lambda rng, shape: rng.standard_normal(shape) * 10,
    "positive": lambda rng, shape: 0.2 + 2 * rng.random(shape),
    "probability": lambda rng, shape: 0.05 + 0.9 * rng.random(shape),
    "sign": lambda rng, shape: 2.0 * rng.integers(0, 2, shape) - 1,
    "unit": lambda rng, shape: 1.9 * rng.random(shape) - 0.95,
    "ties": lambda rng, shape: rng.integers(-2, 3, shape),
    "distinct": lambda rng, shape: (
        (rng.permutation(int(np.prod(shape))) - int(np.prod(shape)) // 2).reshape(shape) * 0.13 + 0.05
    ),
    "special": _special,
}
LAYOUT: dict[str, Callable] = {
    "C": lambda x: x,
    "F": lambda x: x.copy(order="F"),
    "gaps": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
}


@dataclass(frozen=True)
class Name:
    """Something that both libraries have under one name, such as a dtype: `Name("float32")`."""

    path: str

    def __repr__(self) -> str:
        return self.path


@dataclass
class Outcome:
    """What one library did: a result or an error, and the tensors that were passed."""

    result: Any = None
    error: Exception | None = None
    leaves: list = field(default_factory=list)
    same: bool = False  # whether an in-place method returned its own tensor
    notes: dict = field(default_factory=dict)  # what else has to be the same, such as the names of parameters

    def realise(self, library: Any, x: Any) -> Any:
        """Return `x` with objects of a library for every `Array` and `Name`, and remember the tensors."""
        if isinstance(x, Array):
            self.leaves.append(make_tensor(library, x))
            return self.leaves[-1]
        if isinstance(x, Name):
            return lookup(library, x.path)
        if isinstance(x, list | tuple):
            return type(x)(self.realise(library, part) for part in x)
        if isinstance(x, dict):
            return {key: self.realise(library, value) for key, value in x.items()}
        return x


@dataclass
class Call:
    """A call of `path` with arguments: anything of Python, and `Array` and `Name` wherever something of a library goes.

    A method of `Tensor` gets the tensor as its first argument; one that ends in _ gets a copy, which it may change.
    `function` is called instead of what `path` names, with the library before the arguments.
    """

    path: str
    arguments: tuple = ()
    keywords: dict = field(default_factory=dict)
    function: Callable | None = field(default=None, repr=False)

    def run(self, library: Any, outcome: Outcome) -> None:
        """Make the call in one library."""
        arguments = list(outcome.realise(library, self.arguments))
        keywords = outcome.realise(library, self.keywords)
        if self.function is not None:
            outcome.result = self.function(library, *arguments, **keywords)
        elif self.path.startswith("Tensor."):
            in_place = self.path.endswith("_") and not self.path.endswith("__")
            owner = arguments[0].clone() if in_place else arguments[0]
            found = getattr(owner, self.path.removeprefix("Tensor."))
            outcome.result = found(*arguments[1:], **keywords) if callable(found) else found
            outcome.same = outcome.result is owner
        else:
            outcome.result = lookup(library, self.path)(*arguments, **keywords)
        backward(library, outcome.result)


@dataclass
class Layer:
    """A layer, made with arguments, given parameters that the seed decides, and called with inputs.

    Compared are, besides the outputs and all gradients: how the layer prints, the names, shapes and dtypes in its
    `state_dict`, and the buffers after the call.
    """

    path: str
    arguments: tuple = ()
    keywords: dict = field(default_factory=dict)
    inputs: tuple = ()
    options: dict = field(default_factory=dict)
    seed: int = 0
    training: bool = True
    dtype: str = "float32"

    def run(self, library: Any, outcome: Outcome) -> None:
        """Make, fill and call the layer of one library."""
        settings = Outcome()
        layer = lookup(library, self.path)(
            *settings.realise(library, self.arguments), **settings.realise(library, self.keywords)
        )
        layer = layer.to(getattr(library, self.dtype)).train(self.training)
        fill(library, layer, self.seed)
        inputs = outcome.realise(library, self.inputs)
        options = outcome.realise(library, self.options)
        outcome.notes["repr"] = repr(layer)
        outcome.notes["parameters"] = [name for name, _ in layer.named_parameters()]
        outcome.notes["modules"] = [name for name, _ in layer.named_modules()]
        outcome.result = layer(*inputs, **options)
        backward(library, outcome.result)
        outcome.notes["state_dict"] = dict(layer.state_dict())
        outcome.leaves += layer.parameters()


def fill(library: Any, layer: Any, seed: int) -> None:
    """Give a layer parameters and buffers that depend on the seed and their names only."""
    state = {}
    for name, tensor in layer.state_dict().items():
        rng = np.random.default_rng([seed, *name.encode()])
        values = np.asarray(0.5 * rng.standard_normal(tuple(tensor.shape)))
        if name.endswith("var"):
            values = 0.2 + values**2
        state[name] = library.from_numpy(values.astype(dtype_name(tensor.dtype)))
    layer.load_state_dict(state)


# ---------------------------------------------------------------------------------------------------- what happens


def lookup(library: Any, path: str) -> Any:
    """Return what `path` names in a library."""
    return functools.reduce(getattr, path.removeprefix("fastgrok.").split("."), library)


def make_tensor(library: Any, array: Array) -> Any:
    """Return a leaf of a library."""
    tensor = library.from_numpy(array.make())
    return tensor.requires_grad_() if array.grad and array.dtype.startswith("float") else tensor


def run(library: Any, case: Any) -> Outcome:
    """Return what comes of a case in one library."""
    outcome = Outcome()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            case.run(library, outcome)
        except Exception as error:
            outcome.error = error
    return outcome


def tensors_in(library: Any, result: Any) -> list:
    """Return the tensors of a result in order."""
    if isinstance(result, library.Tensor):
        return [result]
    if isinstance(result, dict):
        result = list(result.values())
    return [x for part in result for x in tensors_in(library, part)] if isinstance(result, list | tuple) else []


def backward(library: Any, result: Any) -> None:
    """Send the same weights backward from every part of a result that requires a gradient."""
    for i, tensor in enumerate(tensors_in(library, result)):
        if tensor.requires_grad:
            weights = np.asarray(np.random.default_rng(i).standard_normal(tuple(tensor.shape)))
            tensor.backward(library.tensor(weights, dtype=tensor.dtype), retain_graph=True)


# ---------------------------------------------------------------------------------------------------- comparison


def compare(case: Any, values: bool = True) -> None:
    """Run a `Call` or `Layer` in both libraries and compare; `values=False` compares shapes and dtypes only."""
    global compared, succeeded
    theirs = run(torch, case)
    hypothesis.assume(not isinstance(theirs.error, NotImplementedError))  # a limit of PyTorch's own, not a rule
    hypothesis.assume(not any(limit in str(theirs.error) for limit in LIMITS))
    ours = run(fastgrok, case)
    compared += 1
    if theirs.error is not None:
        if ours.error is None:
            raise AssertionError(f"no error where PyTorch raises {theirs.error!r}; got {ours.result!r}")
        if not isinstance(ours.error, type(theirs.error)):
            raise AssertionError(f"{ours.error!r}, expected a {type(theirs.error)}: {theirs.error}") from ours.error
        return
    succeeded += 1
    if ours.error is not None:
        raise AssertionError(f"{ours.error!r} where PyTorch gives {theirs.result!r}") from ours.error
    largest = max([_magnitude(numpy(x)) for x in theirs.leaves], default=0.0)
    seen = {dtype_name(x.dtype) for x in (*theirs.leaves, *tensors_in(torch, theirs.result))}
    precision = "float32" if "float32" in seen else "float64"  # the least precise that the calculation went through
    same(ours.notes, theirs.notes, "notes", largest, values, precision)
    assert ours.same == theirs.same, "a method returns its own tensor in one library only"
    same(ours.result, theirs.result, "result", largest, values, precision)
    for i, (a, b) in enumerate(zip(ours.leaves, theirs.leaves, strict=True)):
        same(a, b, f"tensor {i} after the call", largest, values, precision)
        if b.is_floating_point():
            same(a.grad, b.grad, f"gradient of tensor {i}", max(largest, 1.0), values, precision)


def same(
    ours: Any, theirs: Any, what: str, largest: float = 0.0, values: bool = True, precision: str = "float64"
) -> None:
    """Raise `AssertionError` unless two results are the same up to rounding.

    `largest` is the largest magnitude that the calculation began with: rounding leaves differences of a few units of
    it where terms cancel out.
    """
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, fastgrok.Tensor), f"{what}: {type(ours).__name__}, expected a tensor"
        assert dtype_name(ours.dtype) == dtype_name(theirs.dtype), f"{what}: {ours.dtype}, expected {theirs.dtype}"
        assert tuple(ours.shape) == tuple(theirs.shape), f"{what}: {tuple(ours.shape)}, expected {tuple(theirs.shape)}"
        assert ours.requires_grad == theirs.requires_grad, f"{what}: requires_grad is {ours.requires_grad}"
        if values:
            close(numpy(ours), numpy(theirs), what, largest, precision)
    elif isinstance(theirs, np.ndarray):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype), what
        close(ours, theirs, what, largest, precision)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs), f"{what}: keys {list(ours)}, expected {list(theirs)}"
        for key in theirs:
            same(ours[key], theirs[key], f"{what}[{key!r}]", largest, values, precision)
    elif isinstance(theirs, list | tuple):
        assert isinstance(ours, list if isinstance(theirs, list) else tuple), f"{what}: {type(ours)}, {type(theirs)}"
        assert len(ours) == len(theirs), f"{what}: {len(ours)} parts, expected {len(theirs)}"
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            same(a, b, f"{what}[{i}]", largest, values, precision)
        for name in {"values", "indices", "hidden"} & set(dir(theirs)):
            assert getattr(ours, name) is not None
    elif isinstance(theirs, torch.dtype):
        assert dtype_name(ours) == dtype_name(theirs), f"{what}: {ours}, expected {theirs}"
    elif isinstance(theirs, torch.device):
        assert str(ours) == str(theirs), f"{what}: {ours}, expected {theirs}"
    else:
        assert type(ours) is type(theirs), f"{what}: {type(ours)}, expected {type(theirs)}"
        if isinstance(theirs, float):
            close(np.asarray(ours), np.asarray(theirs), what, largest, precision)
        elif values:
            assert ours == theirs, f"{what}: {ours!r}, expected {theirs!r}"


def close(ours: np.ndarray, theirs: np.ndarray, what: str, largest: float = 0.0, precision: str = "float64") -> None:
    """Raise `AssertionError` unless two arrays differ by rounding only; nan and inf stand at the same places."""
    if theirs.dtype.kind != "f":
        assert (ours == theirs).all(), f"{what}:\n{ours}\nexpected\n{theirs}"
        return
    finite = np.isfinite(theirs)
    np.testing.assert_array_equal(np.where(finite, 0, ours), np.where(finite, 0, theirs), f"{what}: not finite")
    name = "float32" if theirs.dtype == np.float32 else precision
    allowed = TOLERANCE[name] * _magnitude(theirs) + 8 * np.finfo(name).eps * largest
    error = np.abs(np.where(finite, ours, 0) - np.where(finite, theirs, 0)).max(initial=0.0)
    assert error <= allowed, f"{what}: off by {error:.3g}, expected at most {allowed:.3g}:\n{ours}\nexpected\n{theirs}"


def _magnitude(array: np.ndarray) -> float:
    """Return the largest finite magnitude."""
    return float(np.abs(array[np.isfinite(array)].astype(np.float64)).max(initial=0.0))


def numpy(tensor: Any) -> np.ndarray:
    """Return the values of a tensor of either library."""
    return np.asarray(tensor.detach().numpy())


def dtype_name(dtype: Any) -> str:
    """Return the name that a dtype has in both libraries."""
    return str(dtype).removeprefix("torch.")


def operators(*names: str) -> dict[str, Callable]:
    """Return Python's operators as functions that take the library first."""
    return {name: functools.partial(_operate, getattr(operator, name)) for name in names}


def _operate(function: Callable, library: Any, a: Any, b: Any) -> Any:
    """Apply an operator, whatever the library."""
    return function(a, b)
