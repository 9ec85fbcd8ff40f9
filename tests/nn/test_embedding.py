"""Embedding and EmbeddingBag by hand, and the gradients that stay rows."""

import numpy as np
import pytest

import fastgrok
from fastgrok import nn, ops, optim
from fastgrok.nn import functional as F


def test_embedding_by_hand():
    layer = nn.Embedding.from_pretrained(fastgrok.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), freeze=False)
    y = layer(fastgrok.tensor([[2, 0], [2, 2]]))
    assert y.tolist() == [[[5.0, 6.0], [1.0, 2.0]], [[5.0, 6.0], [5.0, 6.0]]]
    y.sum().backward()
    assert layer.weight.grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [3.0, 3.0]]
    for wrong in (-1, 3):
        with pytest.raises(IndexError, match=str(wrong)):
            layer(fastgrok.tensor([0, wrong]))
    with pytest.raises(RuntimeError, match="float32"):
        layer(fastgrok.tensor([0.0]))
    assert not nn.Embedding.from_pretrained(fastgrok.ones(2, 2)).weight.requires_grad
    with pytest.raises(ValueError, match="expected"):
        nn.Embedding.from_pretrained(fastgrok.ones(2))
    with pytest.raises(ValueError, match="weight has shape"):
        nn.Embedding(3, 2, _weight=fastgrok.ones(2, 2))


def test_embedding_padding_row_is_zero_and_stays():
    layer = nn.Embedding(4, 2, padding_idx=-1)
    assert layer.padding_idx == 3 and layer.weight[3].tolist() == [0.0, 0.0]
    layer(fastgrok.tensor([3, 1, 3])).sum().backward()
    assert layer.weight.grad.tolist() == [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(ValueError, match="padding_idx=4"):
        nn.Embedding(4, 2, padding_idx=4)


@pytest.mark.parametrize("options", [{"scale_grad_by_freq": True}, {"scale_grad_by_freq": True, "padding_idx": 1}])
@pytest.mark.parametrize("recurrent", [nn.RNN, nn.GRU, nn.LSTM])
def test_options_hold_where_a_recurrent_layer_computes_with_the_table(options, recurrent):
    """The layer then gives the gradient of the table, not of the rows."""
    table, layer = nn.Embedding(4, 3, **options).double(), recurrent(3, 2).double()
    ids = fastgrok.tensor(np.random.default_rng(0).integers(0, 4, (7, 5)))
    rows = table(ids)
    assert rows.gathered is not None
    plain = rows.detach().requires_grad_()
    for x in (rows, plain):
        (layer(x)[0] ** 2).sum().backward()
    found = table.weight.grad.numpy().copy()
    table.zero_grad()
    table(ids).backward(plain.grad)
    np.testing.assert_allclose(found, table.weight.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_rows_that_are_too_long_are_scaled_in_the_table():
    start = fastgrok.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]])
    table = nn.Embedding.from_pretrained(start, freeze=False, max_norm=1.0)
    version = table.weight.storage.version
    y = table(fastgrok.tensor([0, 1, 0]))
    np.testing.assert_allclose(y.detach().numpy(), [[0.6, 0.8], [0.3, 0.4], [0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(table.weight.detach().numpy(), [[0.6, 0.8], [0.3, 0.4], [6.0, 8.0]], rtol=1e-6)
    assert table.weight.storage.version > version
    table(fastgrok.tensor([1]))
    y.sum().backward()  # nothing was too long the second time, so nothing has changed since
    assert table.weight.grad.tolist() == [[2.0, 2.0], [1.0, 1.0], [0.0, 0.0]]


def test_wrong_ids_change_nothing():
    table = nn.Embedding.from_pretrained(fastgrok.full((2, 2), 9.0), max_norm=1.0)
    with pytest.raises(IndexError, match="input holds 2 at position"):
        table(fastgrok.tensor([0, 2]))
    assert (table.weight == 9.0).all()


TABLE = [[1.0, -1.0], [2.0, 0.0], [3.0, 5.0], [-4.0, 5.0]]


@pytest.mark.parametrize(
    "mode, expected, gradient",
    [
        ("sum", [[5.0, 5.0], [0.0, 0.0], [-4.0, 5.0]], [[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [3.0, 3.0]]),
        ("mean", [[2.5, 2.5], [0.0, 0.0], [-4.0, 5.0]], [[0.0, 0.0], [0.5, 0.5], [0.5, 0.5], [3.0, 3.0]]),
        ("max", [[3.0, 5.0], [0.0, 0.0], [-4.0, 5.0]], [[0.0, 0.0], [0.0, 0.0], [1.0, 1.0], [3.0, 3.0]]),
    ],
)
def test_bags_by_hand(mode, expected, gradient):
    bag = nn.EmbeddingBag.from_pretrained(fastgrok.tensor(TABLE), freeze=False, mode=mode)
    y = bag(fastgrok.tensor([1, 2, 3]), fastgrok.tensor([0, 2, 2]))
    assert y.tolist() == expected
    (y * fastgrok.tensor([[1.0], [7.0], [3.0]])).sum().backward()
    assert bag.weight.grad.tolist() == gradient


def test_what_stands_behind_the_last_offset_counts_for_nothing():
    table = fastgrok.tensor(TABLE)
    ids, offsets = fastgrok.tensor([1, 2, 3]), fastgrok.tensor([0, 1, 2])
    y = F.embedding_bag(ids, table, offsets, mode="sum", include_last_offset=True)
    assert y.tolist() == [TABLE[1], TABLE[2]]


def test_bags_of_nothing():
    table = nn.EmbeddingBag(3, 2)
    nothing = fastgrok.zeros(0, dtype=fastgrok.int64)
    assert table(nothing, nothing).shape == (0, 2)
    assert table(nothing, fastgrok.tensor([0, 0])).tolist() == [[0.0, 0.0]] * 2
    assert table(nothing.reshape(2, 0)).tolist() == [[0.0, 0.0]] * 2
    assert table(nothing.reshape(0, 2)).shape == (0, 2)


@pytest.mark.parametrize("layer", [nn.Embedding, nn.EmbeddingBag])
def test_gradients_stay_rows_until_read(layer):
    table = layer(1000, 4)
    ids = fastgrok.tensor([[7, 3, 7], [999, 3, 3]])
    for _ in range(2):  # they add up
        (table(ids) ** 2).sum().backward()
    gradient = table.weight._grad
    assert isinstance(gradient, ops.Rows) and gradient.shape == (1000, 4)
    summed = gradient.sum()
    assert summed.ids.tolist() == [3, 7, 999] and summed.sum() is summed
    np.testing.assert_allclose(summed.dense(), table.weight.grad.numpy(), rtol=1e-6)


def test_rows_of_an_array_that_is_not_contiguous():
    """A step writes to the parameter itself also where its rows lie apart."""
    tables = [nn.Embedding.from_pretrained(fastgrok.ones(4, 6), freeze=False) for _ in range(2)]
    tables[1].weight.data = fastgrok.ones(6, 4).T
    assert tables[1].weight.array.shape == (4, 6)
    for table in tables:
        step = optim.SGD(table.parameters(), lr=0.5)
        (table(fastgrok.tensor([1, 3, 1])) * fastgrok.arange(6.0)).sum().backward()
        step.step()
    assert (tables[0].weight == tables[1].weight).all() and (tables[0].weight[0] == 1).all()
