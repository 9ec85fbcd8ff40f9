"""fastgrok: deep learning on the CPU with PyTorch's API, a graph in plain Python and kernels in Numba.

Everything is loaded when it is first used, so that `import fastgrok` costs no more than NumPy does.

Examples
--------
>>> import fastgrok
>>> x = fastgrok.tensor([1.0, 2.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 4.])
"""

import builtins
import importlib
from typing import Any

__version__ = "0.1.0"

# Where each public name lives. Names of one entry are separated by blanks.
_HOMES = {
    "autograd": "enable_grad inference_mode is_grad_enabled no_grad set_grad_enabled",
    "random": "Generator default_generator get_rng_state initial_seed manual_seed seed set_rng_state",
    "tensor.tensor": "Tensor",
    "tensor.dtypes": """
        Size cuda device e finfo float32 float64 get_default_dtype iinfo inf int16 int32 int64 int8 nan newaxis pi
        set_default_dtype uint8""",
    "tensor.einsum": "einsum",
    "tensor.serialization": "load save",
    "tensor.creation": """
        arange as_tensor bernoulli empty empty_like eye from_numpy from_dlpack full full_like linspace
        multinomial normal ones ones_like rand rand_like randint randint_like randn randn_like randperm tril
        triu zeros zeros_like""",
    "tensor.functions": """
        abs add addmm addmv all allclose amax amin any argmax argmin argsort baddbmm bincount bmm cat ceil chunk
        clamp clip clone concat concatenate cos count_nonzero cumprod cumsum detach diag diagonal div dot dstack eq
        equal erf exp expm1 flatten flip floor hstack
        gather ge gt index_add index_select is_floating_point is_tensor isclose isfinite isinf isnan le log
        log10 log1p log2 log_softmax logical_and logical_not logical_or logsumexp lt masked_fill masked_select
        matmul max maximum mean median meshgrid min minimum mm moveaxis movedim mul narrow ne neg nonzero norm numel
        one_hot outer permute pow prod ravel reciprocal relu remainder repeat_interleave reshape result_type roll round
        rsqrt scatter scatter_add select sigmoid sign sin softmax sort split sqrt square squeeze stack std std_mean
        sub sum swapaxes t take_along_dim tanh tile topk trace transpose unbind unflatten unique unsqueeze var var_mean
        vstack where""",
    "nn.generate": "generate",
    "ops.warmup": "warmup",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}
# PyTorch's names for dtypes that are not their own names.
_ALIASES = {"bool": "bool_", "float": "float32", "double": "float64", "long": "int64", "int": "int32", "short": "int16"}
_PACKAGES = (
    "autograd", "book", "cli", "data", "distributed", "errors", "federated", "keras", "nn", "onnx", "ops", "optim",
    "random", "tensor", "training", "utils",
)  # fmt: skip
_THREADS = ("get_num_threads", "set_num_threads")
# What `from fastgrok import *` brings: not the names that would hide Python's own, such as `sum`.
__all__ = sorted(name for name in (*_HOME, *_THREADS) if not hasattr(builtins, name))


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        try:
            return importlib.import_module(f".{name}", __name__)
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    if name in _HOME:
        value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    elif name in _ALIASES:
        value = getattr(importlib.import_module(".tensor.dtypes", __name__), _ALIASES[name])
    elif name in _THREADS:
        value = getattr(importlib.import_module("fastgrok_kernels.jit"), name)
    else:
        from .not_covered import missing

        raise missing(f"module {__name__!r}", name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*_HOME, *_ALIASES, *_PACKAGES, *_THREADS, *globals()})
