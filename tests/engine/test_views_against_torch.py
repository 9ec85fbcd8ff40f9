"""Random chains of views and changes in place: values, gradients and errors are PyTorch's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrok

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

VIEWS = {
    "transpose": lambda x: x.transpose(0, -1),
    "flat": lambda x: x.view(-1),
    "split": lambda x: x.view(*x.shape[:-1], 1, x.shape[-1]),
    "first": lambda x: x[0],
    "later": lambda x: x[1:],
    "every other": lambda x: x[..., ::2],
    "new": lambda x: x.unsqueeze(-1),
    "squeeze": lambda x: x.squeeze(),
    "diagonal": lambda x: x.diagonal(),
    "narrow": lambda x: x.narrow(-1, 0, 1),
    "detach": lambda x: x.detach(),
    "row twice": lambda x: x[:1].expand(2, *x.shape[1:]),
}
CHANGES = {
    "mul": lambda x, other: x.mul_(1.5),
    "add": lambda x, other: x.add_(other),
    "times": lambda x, other: x.mul_(other),
    "relu": lambda x, other: x.relu_(),
    "assign": lambda x, other: x.__setitem__(0, other),
    "assign last": lambda x, other: x.__setitem__((..., -1), 0.5),
    "mask": lambda x, other: x.mul_(x.detach() > 1),
    "copy": lambda x, other: x.copy_(other),
}
RESULTS = {"double": lambda x: x * 2, "square": lambda x: x * x, "sine": lambda x: x.sin(), "sum": lambda x: x.sum()}

steps = st.lists(
    st.tuples(
        st.sampled_from([*VIEWS, *VIEWS, *CHANGES, *CHANGES, *RESULTS]),
        st.integers(0, 7), st.integers(0, 7), st.sampled_from([False] * 7 + [True]),
    ),
    max_size=9,
)  # fmt: skip


def run(t, chain, buffer):
    """Return values, which tensors require a gradient, gradients, and which steps raised an error."""
    leaf = t.tensor(np.linspace(-1.0, 2.0, 12).reshape(2, 3, 2), requires_grad=True)
    tensors, errors = [t.zeros(2, 3, 2, dtype=t.float64) if buffer else leaf * 1.5, leaf.sum(), leaf[0, 0]], []
    for name, first, second, unrecorded in chain:
        x, other = tensors[first % len(tensors)], tensors[second % len(tensors)]
        with t.set_grad_enabled(name in VIEWS or not unrecorded):  # of views made under no_grad() PyTorch's are odd
            try:
                if name in CHANGES:
                    CHANGES[name](x, other.clone())  # PyTorch refuses operands that share memory
                else:
                    tensors.append({**VIEWS, **RESULTS}[name](x))
                errors.append(False)
            except (RuntimeError, IndexError):
                errors.append(True)
    wanted = [x.requires_grad for x in tensors]
    total = sum((x * (i + 1)).sum() for i, x in enumerate(tensors))
    try:
        total.backward()
        gradient = leaf.grad.numpy()
    except RuntimeError:
        gradient = None
    return errors, wanted, [np.array(x.tolist()) for x in tensors], gradient


@settings(max_examples=300, deadline=None)
@given(chain=steps, buffer=st.booleans())
def test_chains_of_views_and_changes(chain, buffer):
    ours, theirs = run(fastgrok, chain, buffer), run(torch, chain, buffer)
    assert ours[0] == theirs[0]
    assert ours[1] == theirs[1]
    for a, b in zip(ours[2], theirs[2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    if theirs[3] is not None:  # PyTorch refuses more, as its changes in place leave no copy of what they had saved
        np.testing.assert_allclose(ours[3], theirs[3], rtol=1e-10)
