"""The table of a model's layers."""

import pytest

import fastgrok
from fastgrok import nn
from fastgrok.utils import summary


def test_layers_shapes_and_parameters():
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 14 * 14, 10))
    found = summary(model, (8, 1, 28, 28))
    assert [(row.name, row.kind, row.output, row.parameters) for row in found.rows] == [
        ("", "Sequential", (8, 10), 0),
        ("0", "Conv2d", (8, 4, 28, 28), 40),
        ("1", "MaxPool2d", (8, 4, 14, 14), 0),
        ("2", "Flatten", (8, 784), 0),
        ("3", "Linear", (8, 10), 7850),
    ]
    assert (found.parameters, found.trainable, found.bytes) == (7890, 7890, 4 * 7890)
    assert str(found).splitlines()[-1] == "7,890 parameters, 7,890 of them trainable, 31.6 kB"


def test_frozen_and_shared_parameters():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    model[0].bias.requires_grad_(False)
    found = summary(model.double(), (2, 3))
    assert (found.parameters, found.trainable, found.bytes) == (15, 12, 120)
    assert [row.parameters for row in found.rows] == [0, 12, 3]


def test_ids_several_outputs_and_what_is_not_called():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.rnn, self.unused = nn.Embedding(7, 5), nn.LSTM(5, 6), nn.Linear(1, 1)

        def forward(self, ids, more):
            return self.rnn(self.embedding(ids) + more)

    found = summary(Reader(), (fastgrok.zeros(4, 2, dtype=fastgrok.int64), fastgrok.zeros(4, 2, 5)))
    assert [row.output for row in found.rows] == [
        ((4, 2, 6), ((1, 2, 6), (1, 2, 6))),
        (4, 2, 5),
        ((4, 2, 6), ((1, 2, 6), (1, 2, 6))),
        None,
    ]
    assert "unused: Linear - 2" in " ".join(str(found).split())
    assert summary(nn.Embedding(7, 5), fastgrok.tensor([1, 2])).rows[0].output == (2, 5)


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Sequential(nn.Linear(3, 2)))
    model[0].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = str(fastgrok.get_rng_state())
    summary(model, (4, 3))
    assert [module.training for module in model.modules()] == [True, False, True, True, True]
    assert all(fastgrok.equal(value, before[name]) for name, value in model.state_dict().items())
    assert str(fastgrok.get_rng_state()) == state
    assert all(p.grad is None for p in model.parameters())


def test_an_error_of_the_model_leaves_no_hooks():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(3, 2))
    with pytest.raises(RuntimeError):
        summary(model, (4, 3))
    assert all(module.training and not module._hooks for module in model.modules())


@pytest.mark.parametrize("size", [None, 3, (), "ab", (1, 2.5), (True, 2)])
def test_what_is_no_input_is_refused(size):
    with pytest.raises(TypeError, match="input_size="):
        summary(nn.Linear(3, 2), size)
