"""The kernels of fastgrok: NumPy arrays in, NumPy arrays out, compiled by Numba.

    >>> import numpy as np
    >>> import fastgrok_kernels as kernels
    >>> kernels.softmax_forward(np.zeros((1, 4), np.float32))
    array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)

Arrays are float32 or float64 and contiguous, ids and targets are int64. Kernels trust their arguments: whoever calls
them has checked shapes, dtypes and the range of ids. Gradients are named d<name>. A function that ends in `_into`
writes to its first argument, and to the state that belongs to it; all others return new arrays.

Letters in shapes, here and throughout the package:

    B batch    T time     D input    H hidden    G gates      V vocabulary    N rows    J blocks of 16 units
    M x K times K x N in a matrix product; (...) is any shape
    images: C channels in, O channels out, R x S rows and columns, those of the result P x Q, K x L kernel

Importing this package is cheap. A kernel is loaded, and with it Numba, when its name is first used, and compiled when
it is first called; the compiled form is kept on disk (see jit.py).
"""

import importlib
import sys
import types

_MODULES = {
    "arithmetic": ("add", "column_sums", "divide", "middle_sums", "multiply", "row_sums", "subtract", "total"),
    "attention": (
        "attention_backward", "attention_forward", "self_attention_backward", "self_attention_forward",
    ),
    "bce": ("bce_backward", "bce_forward"),
    "clip": ("scale_into", "sum_of_squares"),
    "columns": (
        "column_cross_entropy_forward", "column_cross_entropy_with_gradient", "column_log_softmax_backward",
        "column_log_softmax_forward", "column_softmax_backward", "column_softmax_forward",
    ),
    "conv": ("conv_backward_input", "conv_backward_weight", "conv_forward"),
    "copies": ("cast", "flip", "full", "join_into", "pad"),
    "cross_entropy": ("cross_entropy_backward", "cross_entropy_forward", "cross_entropy_with_gradient"),
    "cumulative": ("cumprod_forward", "cumsum_backward", "cumsum_forward"),
    "depthwise": ("depthwise_backward_input", "depthwise_backward_weight", "depthwise_forward"),
    "dropout": ("dropout_backward", "dropout_forward", "tanh_dropout_backward", "tanh_dropout_forward"),
    "elementwise": (
        "bias_relu_backward", "erf_backward", "erf_forward", "exp_forward", "log1p_forward", "log_forward",
        "relu_backward", "relu_forward",
        "sigmoid_backward", "sigmoid_forward", "sqrt_backward", "sqrt_forward",
        "tanh_backward", "tanh_forward", "where",
    ),
    "embedding": ("add_rows_into", "embedding_backward", "embedding_forward"),
    "embedding_bag": (
        "add_bag_rows_into", "embedding_bag_backward", "embedding_bag_forward", "embedding_bag_max_forward",
    ),
    "gates": (
        "gates_backward_bias", "gates_backward_input", "gates_backward_table", "gates_backward_weight", "gates_forward",
    ),
    "gather": ("gather", "scatter_add_into"),
    "gelu": ("gelu_backward", "gelu_forward", "tanh_gelu_backward", "tanh_gelu_forward"),
    "generate": ("lstm_generate",),
    "group_norm": (
        "group_norm_backward", "group_norm_forward", "group_norm_last_backward", "group_norm_last_forward",
    ),
    "gru": ("gru_backward", "gru_forward"),
    "huber": ("huber_backward", "huber_forward"),
    "in_place": ("add_into", "at_least_into", "copy_into", "divide_into", "multiply_into"),
    "layout": ("swap_axes",),
    "lstm": ("lstm_backward", "lstm_forward"),
    "matmul": ("batched_matmul", "matmul", "matmul_bias", "matmul_into"),
    "norm": (
        "batch_norm_backward_input", "batch_norm_backward_sums", "batch_norm_forward", "batch_norm_statistics",
        "layer_norm_backward", "layer_norm_forward",
    ),
    "nonzero": ("nonzero",),
    "normal": ("normal_into",),
    "outer": ("outer",),
    "panels": ("panels_into", "panels_matmul_into"),
    "patches": ("patches_backward", "patches_forward"),
    "pointwise": ("absolute", "ceil", "clamp", "floor", "negative", "rint", "sign"),
    "pool": ("avg_pool_backward", "avg_pool_forward", "max_pool_backward", "max_pool_forward"),
    "rectifiers": (
        "elu_backward", "elu_forward", "leaky_relu_backward", "leaky_relu_forward",
        "silu_backward", "silu_forward", "softplus_backward", "softplus_forward",
    ),
    "reductions": ("column_extremes", "column_places", "row_extremes", "row_products", "row_squares"),
    "rnn": ("rnn_backward", "rnn_forward"),
    "shuffle": ("shuffle_into",),
    "softmax": (
        "log_softmax_backward", "log_softmax_forward", "logsumexp_backward", "logsumexp_forward", "softmax_backward",
        "softmax_forward",
    ),
    "topk": ("topk",),
    "update": ("adam_into", "adamw_into", "momentum_into", "sgd_into"),
    "update_adaptive": ("adadelta_into", "adagrad_into", "adamax_into", "nadam_into", "rmsprop_into"),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name):
    """Load a kernel on first use, and the modules `jit` and `simd`, which say how kernels run."""
    if name in ("jit", "simd"):
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    kernel = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    return kernel


def __dir__():
    return sorted({*globals(), *__all__})


class _Package(types.ModuleType):
    def __setattr__(self, name, value):
        # The import system binds a module to its name here. Where a kernel bears the name of its module, as matmul
        # does, the kernel is meant.
        if name in _MODULE_OF and isinstance(value, types.ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
