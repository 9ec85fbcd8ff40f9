"""Changes in place: seen by backward where they would make it wrong, recorded where they have a gradient."""

import numpy as np
import pytest

import fastgrok
from fastgrok.errors import StateError


def leaf(*values):
    return fastgrok.tensor(list(values), requires_grad=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda w: w.add_(1),
        lambda w: w.__setitem__(0, 5.0),
        lambda w: w.zero_(),
        lambda w: w[:1].mul_(2),
        lambda w: w.detach().fill_(1),
    ],
)
def test_backward_raises_when_a_saved_input_was_changed(change):
    w, x = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = (w * x).sum()
    with fastgrok.no_grad():
        change(w)
    with pytest.raises(StateError, match="Mul needs was modified by an in-place operation"):
        y.backward()
    assert w.grad is None and x.grad is None


def test_backward_raises_when_a_saved_output_was_changed():
    x = leaf(1.0, 2.0)
    y = x.exp()
    z = y.sum()
    y.mul_(2)
    with pytest.raises(StateError, match="Exp needs"):
        z.backward()


def test_changes_of_what_nobody_saved_are_fine():
    x = leaf(1.0, 2.0)
    y = x + 1
    z = y.sum()
    with fastgrok.no_grad():
        y.mul_(7)
        x.mul_(7)
    z.backward()
    assert x.grad.tolist() == [1.0, 1.0]
    constant = fastgrok.ones(2)
    z = (x * constant).sum()
    with fastgrok.no_grad():
        x.zero_()  # only the other factor is needed, since the constant has no gradient
    z.backward()


def test_data_is_not_watched():
    w = leaf(1.0, 2.0)
    y = (w * w).sum()
    w.data.mul_(0)
    y.backward()
    assert w.grad.tolist() == [0.0, 0.0]


def test_leaves_and_views_cannot_be_changed_while_recording():
    w = leaf(1.0, 2.0)
    for change in (lambda: w.add_(1), lambda: w.__setitem__(0, 1.0), lambda: w.normal_(), lambda: w.relu_()):
        with pytest.raises(StateError, match="leaf"):
            change()
    with pytest.raises(StateError, match="leaf"):
        w[0].mul_(2)
    with pytest.raises(StateError, match="leaf"):
        w.view(2, 1).mul_(2)
    y = w * 2
    with fastgrok.no_grad():
        view = y.view(2, 1)
    with pytest.raises(StateError, match=r"made under no_grad\(\)"):
        view.mul_(3)
    assert w.tolist() == [1.0, 2.0]


def test_changes_are_recorded():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 2
    before = y + 0  # an earlier consumer keeps the earlier place in the graph
    y.mul_(3)
    y += x
    y[1] = 100.0
    y.relu_()
    (y + before).sum().backward()
    assert x.grad.tolist() == [9.0, 2.0, 9.0]


def test_values_assigned_into_a_buffer_have_gradients():
    x = leaf(1.0, 2.0)
    out = fastgrok.zeros(3, 2)
    for i in range(3):
        out[i] = x * i
    out[2] = out[1] * 10
    assert out.requires_grad
    out.sum().backward()
    assert x.grad.tolist() == [11.0, 11.0]


def test_changes_of_a_part_reach_the_whole():
    x = leaf(1.0, 2.0, 3.0)
    y = (x * 2).view(3, 1) * fastgrok.ones(2)
    y[0][1] *= 5
    row = y[1]
    row.mul_(10)
    row[0] = 0.0
    assert y.tolist() == [[2, 10], [0, 40], [6, 6]] and row.tolist() == [0, 40]
    (y.sum() + row.sum()).backward()
    assert x.grad.tolist() == [12.0, 40.0, 4.0]


def test_a_view_from_before_a_recorded_change_finds_its_place():
    x = leaf(1.0, 2.0)
    y = x * 2
    view = y[0]
    y.mul_(3)
    (view * 10).backward()
    assert view.tolist() == 6 and x.grad.tolist() == [60.0, 0.0]
    buffer = fastgrok.zeros(2, 2)
    row = buffer[1]
    buffer.t()[1] = x
    assert row.requires_grad and row.grad_fn is not None and row.tolist() == [0.0, 2.0]


def test_views_in_a_long_chain_are_changed_without_recursion():
    x = leaf(1.0, 2.0)
    base = view = x * 2
    for _ in range(2000):
        view = view.view(1, 2).view(2)
    view *= 3
    base.sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]


def test_a_base_that_got_other_memory_leaves_its_views_alone():
    x = leaf(1.0, 2.0)
    y = x * 2
    view = y.view(2, 1)
    y.data = fastgrok.zeros(2)
    view *= 3
    (view.sum() + y.sum()).backward()
    assert view.tolist() == [[6.0], [12.0]] and y.tolist() == [0.0, 0.0] and x.grad.tolist() == [8.0, 8.0]


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("packed", [False, True])
def test_outputs_of_recurrent_layers_may_be_changed(kind, packed):
    """Backward reads them, and keeps a copy when they change."""
    layer = getattr(fastgrok.nn, kind)(2, 3)
    x = fastgrok.randn(4, 2, 2)
    x = fastgrok.nn.utils.rnn.pack_padded_sequence(x, fastgrok.tensor([4, 4])) if packed else x
    gradients = []
    for changed in (False, True):
        layer.zero_grad()
        y = layer(x)[0]
        y = y.data if packed else y
        if changed:
            y[0] = 0
            y.view(-1).mul_(2)
        else:
            y = y * fastgrok.tensor([0.0] + [2.0] * (len(y) - 1)).reshape(-1, *[1] * (y.ndim - 1))
        y.sum().backward()
        gradients.append([p.grad.numpy() for p in layer.parameters()])
    for expected, got in zip(*gradients, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_views_share_memory_and_versions():
    x = fastgrok.zeros(2, 3)
    for view in (x[0], x.t(), x.view(6), x.expand(4, 2, 3), x.detach(), x.squeeze(), x.unbind()[1]):
        assert np.shares_memory(view.array, x.array)
        assert view.storage is x.storage
    x[0][1] += 5
    x[1, 2].add_(7)
    assert x.tolist() == [[0, 5, 0], [0, 0, 7]]
    assert x.storage.version == 3  # add, then the assignment of its result, then add


def test_failed_changes_change_nothing():
    x = fastgrok.ones(2)
    version = x.storage.version
    for change in (
        lambda: x.add_(fastgrok.ones(3)),
        lambda: x.add_(fastgrok.ones(2, 2)),
        lambda: fastgrok.arange(2).add_(0.5),
        lambda: fastgrok.arange(2).div_(2),
        lambda: x.add_("1"),
        lambda: x.copy_(fastgrok.ones(3)),
        lambda: x.__setitem__(5, 1.0),
        lambda: x.__setitem__(slice(None), fastgrok.ones(3)),
        lambda: x.fill_(fastgrok.ones(2)),
    ):
        with pytest.raises((ValueError, TypeError, IndexError)):
            change()
    assert x.tolist() == [1, 1] and x.storage.version == version


def loss_of_rows(ids):
    return fastgrok.nn.Embedding(5, 8)(ids).sum()


def loss_of_window(ids):
    return fastgrok.nn.LSTM(8, 8)(fastgrok.nn.Embedding(5, 8)(ids.reshape(1, -1).expand(6, -1)))[0].sum()


def loss_of_classes(ids):
    return fastgrok.nn.functional.cross_entropy(fastgrok.ones(3, 5, requires_grad=True), ids)


def loss_of_index(ids):
    return fastgrok.ones(5, 4, requires_grad=True)[ids].sum()


def loss_of_gather(ids):
    return fastgrok.ones(3, 5, requires_grad=True).gather(1, ids[:, None]).sum()


@pytest.mark.parametrize("loss", [loss_of_rows, loss_of_window, loss_of_classes, loss_of_index, loss_of_gather])
def test_a_buffer_of_ids_may_be_reused_before_backward(loss):
    """Changes behind the back of a tensor cannot be seen, so ops keep ids of their own: kernels trust them."""
    gradients = []
    for changed in (False, True):
        fastgrok.manual_seed(0)
        buffer = np.array([0, 3, 1])
        y = loss(fastgrok.from_numpy(buffer))
        if changed:
            buffer[:] = 10**9
        leaves = []
        pending = [y.op]
        while pending:
            for source in pending.pop().sources:
                if isinstance(source, tuple):
                    pending.append(source[0])
                elif source is not None:
                    leaves.append(source)
        y.backward()
        gradients.append([leaf.grad.numpy() for leaf in leaves])
    for before, after in zip(*gradients, strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_mask_may_go_on_changing():
    x, done = leaf(1.0, 2.0, 3.0), fastgrok.tensor([True, False, False])
    y = x.masked_fill(done, 0.0)
    done |= fastgrok.tensor([True, True, True])
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0]


def test_memory_that_elements_share_is_not_written_to():
    for change in (lambda x: x.fill_(1), lambda x: x.add_(1), lambda x: x.__setitem__(0, 1)):
        with pytest.raises(StateError, match=r"expand\(\)"):
            change(fastgrok.zeros(3, 1).expand(3, 4))


@pytest.mark.parametrize(
    ("base", "make", "seen"),
    [
        (lambda: np.arange(6.0), lambda x: x.reshape(2, 3), True),
        (lambda: np.arange(12.0)[:6], lambda x: x.reshape(2, 3), True),  # of a view
        (lambda: np.frombuffer(bytearray(48)), lambda x: x.reshape(2, 3), True),  # of memory that NumPy does not own
        (lambda: np.zeros(1 << 16), lambda x: x[:3], True),
        (lambda: np.zeros((3, 1)), lambda x: x.expand(3, 4), True),
        (lambda: np.arange(6.0).reshape(2, 3), lambda x: x.t()[1:].t(), True),
        (lambda: np.arange(6.0).reshape(2, 3), lambda x: x.t().reshape(6), False),
        (lambda: np.arange(12.0).reshape(4, 3)[:2].T, lambda x: x.reshape(6), False),  # a copy of a view
        (lambda: np.arange(6.0), lambda x: x[np.array([0, 2])], False),
    ],
)
def test_a_view_is_known_by_its_memory(base, make, seen):
    x = fastgrok.from_numpy(base())
    y = make(x)
    assert np.shares_memory(x.array, y.array) == (y.storage is x.storage) == y.is_view == seen
