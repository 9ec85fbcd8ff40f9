"""Random order is NumPy's, and leaves the generator as NumPy does."""

import numpy as np
import pytest

from fastgrok.ops.order import permutation


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937])
@pytest.mark.parametrize("n", [0, 1, 2, 4095, 4096, 4097, 30_001, 300_000])
@pytest.mark.parametrize("halves", [0, 1, 2])
def test_order_and_what_comes_after_it(kind, n, halves):
    ours, numpys = (np.random.Generator(kind(3)) for _ in range(2))
    for stream in (ours, numpys):
        stream.integers(7, size=halves, dtype=np.uint32)  # leaves half a word for the next number
    for _ in range(3):
        np.testing.assert_array_equal(permutation(n, ours), numpys.permutation(n))
        assert str(ours.bit_generator.state) == str(numpys.bit_generator.state)
