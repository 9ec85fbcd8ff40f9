"""What README.md lists as not covered raises an error that says so, before anything is changed."""

import numpy as np
import pytest

import fastgrok
from fastgrok import nn, optim
from fastgrok.nn import functional as F
from fastgrok.not_covered import _REASON

X = fastgrok.ones(2, 3, requires_grad=True)
#: What is tried, the type of the error, and a part of its message.
TRIED = {
    "device": (lambda: fastgrok.device("cuda"), RuntimeError, "device='cuda', expected 'cpu'"),
    "device-argument": (lambda: fastgrok.zeros(2, device="cuda"), RuntimeError, "device='cuda', expected 'cpu'"),
    "device-of-a-layer": (lambda: nn.Linear(2, 2, device="cuda"), RuntimeError, "device='cuda', expected 'cpu'"),
    "half": (lambda: fastgrok.float16, AttributeError, "float16.*half precision is not covered"),
    "half-argument": (lambda: fastgrok.zeros(2, dtype="float16"), TypeError, "dtype='float16', expected one of"),
    "half-method": (lambda: X.half(), NotImplementedError, "float16 is not covered"),
    "complex": (lambda: fastgrok.complex64, AttributeError, "complex numbers are not covered"),
    "complex-array": (lambda: fastgrok.from_numpy(np.ones(2, complex)), TypeError, "complex128"),
    "mixed-precision": (lambda: fastgrok.autocast, AttributeError, "mixed precision is not covered"),
    "sparse": (lambda: fastgrok.sparse_coo, AttributeError, "sparse and quantized tensors are not covered"),
    "second": (lambda: X.sum().backward(create_graph=True), NotImplementedError, "create_graph=True.*not covered"),
    "second-grad": (lambda: fastgrok.autograd.grad(X.sum(), X, create_graph=True), NotImplementedError, "create_graph"),
    "transforms": (lambda: fastgrok.vmap, AttributeError, "transforms and second derivatives are not covered"),
    "compile": (lambda: fastgrok.compile, AttributeError, "models are not compiled as a whole"),
    "layers": (lambda: nn.CTCLoss, AttributeError, "fastgrok does not cover CTCLoss"),
    "functions": (lambda: F.interpolate, AttributeError, "fastgrok does not cover interpolate"),
    "optimizers": (lambda: optim.LBFGS, AttributeError, "fastgrok does not cover LBFGS"),
    "methods": (lambda: X.lerp, AttributeError, "fastgrok does not cover lerp"),
    "own-operations": (lambda: fastgrok.autograd.Function, AttributeError, "operations of one's own are not covered"),
    "default-dtype": (lambda: fastgrok.set_default_dtype(fastgrok.float64), NotImplementedError, "d=float64 is not"),
    "out": (lambda: fastgrok.exp(X, out=X), TypeError, "'out'"),
    "floor": (lambda: X // 2, NotImplementedError, "floor_divide: gradients are not covered"),
    "nuclear": (lambda: X.norm("nuc"), NotImplementedError, "p='nuc' is not covered"),
    "broadcast-loss": (lambda: F.mse_loss(X, fastgrok.ones(3)), ValueError, "expected one shape"),
    "size_average": (lambda: F.mse_loss(X, X, reduce=True), NotImplementedError, "size_average and reduce"),
    "dropout": (lambda: F.dropout(X, inplace=True), NotImplementedError, "inplace=True is not covered"),
    "projections": (lambda: nn.LSTM(2, 3, proj_size=2), NotImplementedError, "proj_size=2, expected 0"),
    "decoder": (lambda: nn.Transformer(), NotImplementedError, "Transformer is not covered"),
    "gqa": (
        lambda: F.scaled_dot_product_attention(X, X, X, enable_gqa=True),
        NotImplementedError,
        "enable_gqa=True is not covered",
    ),
    "capturable": (lambda: optim.RMSprop([X], capturable=True), NotImplementedError, "capturable=True is not covered"),
    "differentiable": (lambda: optim.Adagrad([X], differentiable=True), NotImplementedError, "differentiable=True"),
    "assign": (
        lambda: nn.Linear(1, 1).load_state_dict({}, strict=False, assign=True),
        NotImplementedError,
        "assign=True is not covered",
    ),
    "amsgrad": (lambda: optim.Adam([X], amsgrad=True), NotImplementedError, "amsgrad=True is not covered"),
}


@pytest.mark.parametrize("call, error, message", TRIED.values(), ids=TRIED)
def test_clear_error(call, error, message):
    with pytest.raises(error, match=message):
        call()
    assert X.grad is None and X.tolist() == [[1.0] * 3] * 2


def test_a_name_that_is_covered_is_not_in_the_list():
    owners = (fastgrok, nn, F, optim, nn.utils, fastgrok.autograd)
    # Some are covered as one of function and method: the list speaks of the other.
    listed = {name for name in _REASON for owner in owners if name in dir(owner)}
    assert listed <= {"functional", "unfold"}


def test_pickles_are_not_read(tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(b"PK\x03\x04 what torch.save writes begins like this")
    with pytest.raises(ValueError, match="hold pickles, which are not read"):
        fastgrok.load(path)
