"""Models and data small enough that a test of the training loop takes milliseconds."""

import numpy as np

import fastgrok
from fastgrok import nn, optim
from fastgrok.utils.data import DataLoader, TensorDataset


def regression(seed=0, dropout=0.0, lr=0.05):
    """`(model, loss, optimizer, batches)`: seven batches of noisy linear regression, shuffled."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((28, 3), dtype=np.float32)
    y = x @ rng.standard_normal((3, 1), dtype=np.float32) + 0.1 * rng.standard_normal((28, 1), dtype=np.float32)
    fastgrok.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 1))
    batches = DataLoader(TensorDataset(fastgrok.from_numpy(x), fastgrok.from_numpy(y)), 4, shuffle=True, seed=seed)
    return model, nn.functional.mse_loss, optim.Adam(model.parameters(), lr=lr), batches


def arrays(run):
    """All that must agree between two runs that are to be equal, by name."""
    from fastgrok.training import checkpoint

    found = {}
    state = run.state_dict()
    checkpoint.pack({name: state[name] for name in ("model", "optimizer", "average", "carried")}, "", found)
    return found


def assert_bitwise_equal(one, other):
    one, other = arrays(one), arrays(other)
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)
