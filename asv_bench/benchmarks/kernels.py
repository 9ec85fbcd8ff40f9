"""Every kernel beside its NumPy reference, on the cases of benchmark size in fastgrok_kernels/table."""

import functools
import os

import numpy as np

# Literal, so that asv finds the same benchmarks in every commit; a test compares it with the table.
NAMES = [
    "absolute",
    "adadelta_into",
    "adagrad_into",
    "adam_into",
    "adamax_into",
    "adamw_into",
    "add",
    "add_bag_rows_into",
    "add_into",
    "add_rows_into",
    "at_least_into",
    "attention_backward",
    "attention_forward",
    "avg_pool_backward",
    "avg_pool_forward",
    "batch_norm_backward_input",
    "batch_norm_backward_sums",
    "batch_norm_forward",
    "batch_norm_statistics",
    "batched_matmul",
    "bce_backward",
    "bce_forward",
    "bias_relu_backward",
    "cast",
    "ceil",
    "clamp",
    "column_cross_entropy_forward",
    "column_cross_entropy_with_gradient",
    "column_extremes",
    "column_log_softmax_backward",
    "column_log_softmax_forward",
    "column_places",
    "column_softmax_backward",
    "column_softmax_forward",
    "column_sums",
    "conv_backward_input",
    "conv_backward_weight",
    "conv_forward",
    "copy_into",
    "cross_entropy_backward",
    "cross_entropy_forward",
    "cross_entropy_with_gradient",
    "cumprod_forward",
    "cumsum_backward",
    "cumsum_forward",
    "depthwise_backward_input",
    "depthwise_backward_weight",
    "depthwise_forward",
    "divide",
    "divide_into",
    "dropout_backward",
    "dropout_forward",
    "elu_backward",
    "elu_forward",
    "embedding_backward",
    "embedding_bag_backward",
    "embedding_bag_forward",
    "embedding_bag_max_forward",
    "embedding_forward",
    "erf_backward",
    "erf_forward",
    "exp_forward",
    "flip",
    "floor",
    "full",
    "gates_backward_bias",
    "gates_backward_input",
    "gates_backward_table",
    "gates_backward_weight",
    "gates_forward",
    "gather",
    "gelu_backward",
    "gelu_forward",
    "group_norm_backward",
    "group_norm_forward",
    "group_norm_last_backward",
    "group_norm_last_forward",
    "gru_backward",
    "gru_forward",
    "huber_backward",
    "huber_forward",
    "join_into",
    "layer_norm_backward",
    "layer_norm_forward",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "log1p_forward",
    "log_forward",
    "log_softmax_backward",
    "log_softmax_forward",
    "logsumexp_backward",
    "logsumexp_forward",
    "lstm_backward",
    "lstm_forward",
    "lstm_generate",
    "matmul",
    "matmul_bias",
    "matmul_into",
    "max_pool_backward",
    "max_pool_forward",
    "middle_sums",
    "momentum_into",
    "multiply",
    "multiply_into",
    "nadam_into",
    "negative",
    "nonzero",
    "normal_into",
    "outer",
    "pad",
    "panels_into",
    "panels_matmul_into",
    "patches_backward",
    "patches_forward",
    "relu_backward",
    "relu_forward",
    "rint",
    "rmsprop_into",
    "rnn_backward",
    "rnn_forward",
    "row_extremes",
    "row_products",
    "row_squares",
    "row_sums",
    "scale_into",
    "scatter_add_into",
    "self_attention_backward",
    "self_attention_forward",
    "sgd_into",
    "shuffle_into",
    "sigmoid_backward",
    "sigmoid_forward",
    "sign",
    "silu_backward",
    "silu_forward",
    "softmax_backward",
    "softmax_forward",
    "softplus_backward",
    "softplus_forward",
    "sqrt_backward",
    "sqrt_forward",
    "subtract",
    "sum_of_squares",
    "swap_axes",
    "tanh_backward",
    "tanh_dropout_backward",
    "tanh_dropout_forward",
    "tanh_forward",
    "tanh_gelu_backward",
    "tanh_gelu_forward",
    "topk",
    "total",
    "where",
]


class Kernels:
    """Time of one call. The kernel must agree with its reference before it is timed."""

    params = (NAMES, ["fast", "reference"])
    param_names = ("kernel", "implementation")
    version = "1"  # of the cases: results with another version are not compared
    rounds = 1  # each round is a process that loads all kernels again
    number = 1  # a kernel that mutates its arguments finds them fresh in every call
    repeat = (5, 200, 0.5)
    warmup_time = 0
    timeout = 300

    def setup(self, name, implementation):
        """Build the arguments, compile, compare; the kernels' own arguments are copied for every call."""
        if implementation == "reference" and os.environ.get("NUMBA_NUM_THREADS", "1") != "1":
            raise NotImplementedError("NumPy's loops do not depend on the number of threads")
        kernel, self.calls = _prepare(name, implementation)
        self.call = getattr(kernel, implementation)
        for arguments, pristine in self.calls:
            for position, value in pristine.items():
                arguments[position][...] = value

    def time_call(self, name, implementation):
        """One call for each case of benchmark size."""
        for arguments, _ in self.calls:
            self.call(*arguments)


@functools.cache
def _prepare(name, implementation):
    """Return the kernel, and for each case its arguments with copies of those that are mutated."""
    from fastgrok_kernels.table import KERNELS

    kernel = next((kernel for kernel in KERNELS if kernel.name == name), None)
    if kernel is None:
        raise NotImplementedError(f"this commit has no kernel {name}")
    calls = []
    for case in kernel.cases:
        if case.bench:
            arguments = case.make(np.random.default_rng(0), np.dtype("float32"))
            pristine = {position: arguments[position].copy() for position in kernel.mutates}
            if implementation == "fast":
                _compare(kernel, arguments, pristine)
            calls.append((arguments, pristine))
    return kernel, calls


def _compare(kernel, arguments, pristine):
    """Call the kernel, which compiles it, and its reference; raise when they differ. The tests are stricter."""
    results = []
    for function in (kernel.fast, kernel.reference):
        for position, value in pristine.items():
            arguments[position][...] = value
        result = function(*arguments)
        outputs = [arguments[position].copy() for position in pristine]
        outputs += [] if result is None else list(result) if isinstance(result, tuple) else [result]
        results.append(outputs)
    for fast, slow in zip(*results, strict=True):
        fast, slow = np.asarray(fast, np.float64), np.asarray(slow, np.float64)
        error = np.abs(fast - slow).max(initial=0) / max(np.abs(slow).max(initial=0), 1e-30)
        if not error < 1e-3:
            raise ValueError(f"{kernel.name} differs from its reference by {error:.1e} of the largest value")
