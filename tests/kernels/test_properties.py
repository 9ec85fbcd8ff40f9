"""What must hold for any input: softmax, embedding, dropout, normal numbers and the sums of clipping."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastgrok_kernels as kernels
from fastgrok_kernels import groups, jit
from fastgrok_kernels.matmul import _cut
from fastgrok_kernels.reference import embedding_bag as reference
from fastgrok_kernels.rows import LARGE_TABLE


@pytest.fixture(autouse=True, scope="module")
def _quiet_floats():
    with np.errstate(**(dict.fromkeys(["over", "invalid", "divide"], "ignore") if jit.DISABLED else {})):
        yield


def matrices(dtype, largest):
    shapes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)
    return hnp.arrays(dtype, shapes, elements=st.floats(-largest, largest, width=np.dtype(dtype).itemsize * 8))


any_matrix = st.one_of(matrices(np.float32, 2.0**100), matrices(np.float64, 2.0**500))
moderate = st.one_of(matrices(np.float32, 64), matrices(np.float64, 64))


@given(any_matrix)
def test_softmax_gives_probabilities(x):
    y = kernels.softmax_forward(x)
    assert np.all((y >= 0) & (y <= 1.00001))
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-5)


@given(moderate, st.sampled_from([-32.0, 8.0, 64.0]))
def test_softmax_ignores_a_shift(x, shift):
    """Softmax(x + s) = softmax(x), up to what the addition itself rounds."""
    shifted = x + x.dtype.type(shift)
    np.testing.assert_allclose(kernels.softmax_forward(shifted), kernels.softmax_forward(shifted - shift), atol=1e-4)


@given(moderate)
def test_log_softmax_is_the_logarithm_of_softmax(x):
    np.testing.assert_allclose(np.exp(kernels.log_softmax_forward(x)), kernels.softmax_forward(x), atol=1e-5)


@given(moderate, st.data())
def test_cross_entropy_picks_from_log_softmax(x, data):
    targets = data.draw(hnp.arrays(np.int64, len(x), elements=st.integers(-2, x.shape[1] - 1)))
    losses, logsumexp = kernels.cross_entropy_forward(x, targets)
    picked = -kernels.log_softmax_forward(x)[np.arange(len(x)), np.maximum(targets, 0)] * (targets >= 0)
    np.testing.assert_allclose(losses, picked, rtol=1e-4, atol=2e-5)
    dlogits = kernels.cross_entropy_backward(np.ones(len(x), x.dtype), x, logsumexp, targets)
    np.testing.assert_allclose(dlogits.sum(axis=1), 0, atol=1e-4)
    assert not dlogits[targets < 0].any()
    at_once = kernels.cross_entropy_with_gradient(x, targets, -3)
    np.testing.assert_allclose(at_once[0], losses, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(at_once[1], -3 * dlogits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf])
@pytest.mark.parametrize(("V", "at"), [(5, 4), (35, 0), (35, 20), (35, 34), (300, 0), (300, 299)])
def test_softmax_does_not_hide_nan(dtype, bad, V, at):
    x = np.zeros((19, V), dtype)
    x[3, at] = bad  # among others in its group, and before one that is not whole
    targets = np.ones(19, np.int64)
    with np.errstate(invalid="ignore"):
        results = [kernels.softmax_forward(x), kernels.log_softmax_forward(x)]
        results += [kernels.cross_entropy_forward(x, targets)[0], *kernels.cross_entropy_with_gradient(x, targets, 1)]
        targets[3] = -1
        ignored = kernels.cross_entropy_with_gradient(x, targets, 1)
    for result in results:
        assert np.isnan(result[3]).any()
        assert np.isfinite(np.delete(result, 3, 0)).all()
    for result in ignored:
        assert np.isfinite(result).all() and not result[3].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("V", [1, 35, 64, 300])
def test_cross_entropy_of_classes_that_are_ruled_out(dtype, V):
    """Minus infinity is a score: such a class has no share, and the others share as if it were not there."""
    x = np.random.default_rng(0).standard_normal((17, V)).astype(dtype)
    x[:, V // 2 + 1 :] = -np.inf
    losses, logsumexp = kernels.cross_entropy_forward(x, np.zeros(17, np.int64))
    left, _ = kernels.cross_entropy_forward(np.ascontiguousarray(x[:, : V // 2 + 1]), np.zeros(17, np.int64))
    np.testing.assert_allclose(losses, left, rtol=1e-5, atol=1e-6)
    assert np.isfinite(logsumexp).all()
    dlogits = kernels.cross_entropy_with_gradient(x, np.zeros(17, np.int64), 1)[1]
    assert np.isfinite(dlogits).all() and not dlogits[:, V // 2 + 1 :].any()


@pytest.mark.parametrize("V", [1, 9, 3000])
@given(data=st.data())
def test_embedding_gathers_and_adds(V, data):
    D = 33
    ids = data.draw(hnp.arrays(np.int64, st.integers(0, 50), elements=st.integers(0, V - 1)))
    dout = np.random.default_rng(0).integers(-9, 9, (len(ids), D)).astype(np.float32)  # whole: sums are exact
    dtable = kernels.embedding_backward(dout, ids, V)
    assert dtable.sum() == dout.sum()
    for v in set(ids.tolist()):
        np.testing.assert_array_equal(dtable[v], dout[ids == v].sum(axis=0))
    assert not np.delete(dtable, ids, axis=0).any()
    np.testing.assert_array_equal(kernels.embedding_forward(dtable, ids), dtable[ids])


def test_rows_of_a_large_table_are_fetched_early_to_the_same_effect():
    D, ids = 64, np.random.default_rng(0).permutation(200)[:150] * 700  # the last ones have none after them to fetch
    again = np.concatenate([ids, ids[:40], ids[:20]])  # some once, some twice, some three times
    table = np.zeros((LARGE_TABLE // (4 * D) + 20_000, D), np.float32)
    rows = np.random.default_rng(1).integers(-9, 9, (len(ids), D)).astype(np.float32)
    starts, ones = np.array([0, 7, 7, 100, 150]), np.ones(len(ids), np.float32)
    kernels.add_rows_into(table, ids, rows, 1.0)
    np.testing.assert_array_equal(kernels.embedding_forward(table, ids), rows)
    sums = kernels.embedding_bag_forward(table, ids, ones, starts)
    np.testing.assert_array_equal(sums, [rows[a:b].sum(axis=0) for a, b in itertools.pairwise(starts)])
    kernels.add_bag_rows_into(table, sums, ids, ones, starts, 2.0)
    np.testing.assert_array_equal(table[ids], rows + 2 * np.repeat(sums, np.diff(starts), axis=0))
    table[ids] = 0
    assert not table.any()
    kernels.add_bag_rows_into(table, rows, again, np.ones(210, np.float32), np.minimum(np.arange(151) * 2, 210), 1.0)
    of_bags = np.repeat(rows, np.diff(np.minimum(np.arange(151) * 2, 210)), axis=0)
    for id in ids:
        np.testing.assert_array_equal(table[id], of_bags[again == id].sum(axis=0))
    table[ids] = 0
    assert not table.any()


@pytest.mark.skipif(jit.DISABLED, reason="too large without JIT")
@pytest.mark.parametrize("D", [33, 64])  # the second is written past the caches
def test_rows_of_a_large_lookup_are_the_tables(D):
    ids = np.arange(LARGE_TABLE // (4 * D) + 5) * 7 % 100
    table = np.random.default_rng(0).random((100, D), dtype=np.float32)
    np.testing.assert_array_equal(kernels.embedding_forward(table, ids), table[ids])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("D", [1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 127, 128, 129, 135, 144, 300])
def test_each_column_of_a_bag_is_added_once(D, dtype):
    """Vectors that overlap, within a row and where one block of columns ends, write no column twice."""
    ids, starts = np.array([3, 1, 3, 0, 3, 1]), np.array([0, 2, 2, 6])
    factors, table = np.arange(1, 7).astype(dtype), np.arange(5 * D).reshape(5, D).astype(dtype)
    sums = kernels.embedding_bag_forward(table, ids, factors, starts)
    np.testing.assert_array_equal(sums, reference.embedding_bag_forward(table, ids, factors, starts))
    different, rows = kernels.embedding_bag_backward(sums, ids, factors, starts)
    wanted = reference.embedding_bag_backward(sums, ids, factors, starts)
    np.testing.assert_array_equal(different, wanted[0])
    np.testing.assert_array_equal(rows, wanted[1])
    changed = table.copy()
    kernels.add_bag_rows_into(changed, sums, ids, factors, starts, 2.0)
    table[different] += 2 * rows
    np.testing.assert_array_equal(changed, table)


@pytest.mark.parametrize("most", [1, 2, 7, 25])  # positions of a share: some have no groups, some have many
@pytest.mark.parametrize(("different", "V"), [(1, 1), (5, 5), (40, 40), (40, 10000), (10000, 10000)])
def test_sums_by_id_do_not_depend_on_the_shares(different, V, most, monkeypatch):
    generator = np.random.default_rng(V)
    ids, starts = generator.integers(0, different, 50), np.array([0, 3, 3, 41, 50])
    rows, dout, factors = (generator.standard_normal(s).astype(np.float32) for s in ((50, 20), (4, 20), 50))

    def everything():
        bags, rows_added = np.ones((V, 20), np.float32), np.ones((V, 20), np.float32)
        kernels.add_bag_rows_into(bags, dout, ids, factors, starts, -0.5)
        kernels.add_rows_into(rows_added, ids, rows, -0.5)
        sums = kernels.embedding_bag_backward(dout, ids, factors, starts), kernels.embedding_backward(rows, ids, V)
        return bags, rows_added, *sums[0], sums[1]

    assert groups.shares(ids) == 1
    expected = everything()
    monkeypatch.setattr(groups, "SHARE", most)
    monkeypatch.setattr(groups, "FEWEST", 1)
    assert groups.shares(ids) > 1
    for got, want in zip(everything(), expected, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.skipif(jit.DISABLED, reason="too large without JIT")
@pytest.mark.parametrize("p", [0.01, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**64 - 1])
def test_dropout_statistics(p, seed):
    """Counts within five standard deviations: of dropped elements, of neighbours dropped together, of bits by place."""
    n = 1 << 20
    kept = kernels.dropout_forward(np.ones(n, np.float32), p, seed) != 0
    dropped = ~kept

    def close(count, probability, trials):
        return abs(count - trials * probability) < 5 * np.sqrt(trials * probability * (1 - probability))

    assert close(dropped.sum(), p, n)
    for distance in (1, 2, 16, 64, 512, 1 << 14):
        assert close((dropped[distance:] & dropped[:-distance]).sum(), p * p, n - distance), distance
    per_chunk = dropped.reshape(64, -1).sum(axis=1)
    assert all(close(count, p, n // 64) for count in per_chunk)


@pytest.mark.skipif(jit.DISABLED, reason="too large without JIT")
def test_dropout_masks_of_neighbouring_seeds_are_independent():
    n, ones = 1 << 18, np.ones(1 << 18, np.float32)
    masks = [kernels.dropout_forward(ones, 0.5, seed) != 0 for seed in (0, 1, 2, 1 << 32, (1 << 32) + 1)]
    for i, a in enumerate(masks):
        for b in masks[:i]:
            assert abs((a == b).sum() - n / 2) < 5 * np.sqrt(n) / 2


@given(st.integers(0, 2**64 - 1), st.integers(0, 300), st.floats(0, 0.99))
def test_dropout_mask_is_a_function_of_seed_and_position(seed, size, p):
    x = np.ones(300, np.float64)
    whole, part = kernels.dropout_forward(x, p, seed), kernels.dropout_forward(x[:size].copy(), p, seed)
    np.testing.assert_array_equal(part, whole[:size])
    np.testing.assert_array_equal(whole, kernels.dropout_backward(x, p, seed))
    assert set(whole.tolist()) <= {0.0, 1 / (1 - p)}


@pytest.mark.skipif(jit.DISABLED, reason="too large without JIT")
@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**64 - 1])
def test_normal_statistics(seed):
    """Within five standard deviations: the first four moments, tails, and products of neighbours and of seeds."""
    n = 1 << 20
    x, other = np.empty((2, n), np.float32)
    kernels.normal_into(x, seed)
    kernels.normal_into(other, seed ^ 1)
    x, root = x.astype(np.float64), np.sqrt(n)
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((x**power).mean() - mean) < 5 * np.sqrt(variance) / root, power
    for z, beyond in ((0.5, 0.6170751), (1, 0.3173105), (2, 0.0455003), (3, 0.0026998), (4, 6.334e-5)):
        assert abs((abs(x) > z).mean() - beyond) < 5 * np.sqrt(beyond) / root, z
    for distance in (1, 2, 16, 64, 512, 1 << 14):
        assert abs((x[distance:] * x[:-distance]).mean()) < 5 / np.sqrt(n - distance), distance
    assert abs((x * other).mean()) < 5 / root


@given(st.integers(0, 2**64 - 1), st.integers(0, 300))
def test_normal_number_is_a_function_of_seed_and_position(seed, size):
    whole, part = np.empty(300, np.float32), np.empty(size, np.float32)
    kernels.normal_into(whole, seed)
    kernels.normal_into(part, seed)
    np.testing.assert_array_equal(part, whole[:size])
    assert abs(whole).max(initial=0) < 6.4


@given(moderate)
def test_sum_of_squares_accumulates_in_float64(x):
    assert kernels.sum_of_squares(x) == pytest.approx(float((x.astype(np.longdouble) ** 2).sum()), rel=1e-12)


@pytest.mark.parametrize("K", [3, 64, 70, 128, 1030])
@pytest.mark.parametrize("transposed", [False, True])
def test_infinity_stays_in_products_with_a_vector(K, transposed):
    """Also where the last numbers of a row are gone over a second time."""
    for place in (0, K // 2, max(0, K - 65), K - 2, K - 1):
        matrix, vector = np.ones((5, K), np.float32), np.ones((1, K), np.float32)
        vector[0, place] = np.inf
        b = matrix if transposed else matrix.T.copy()
        assert np.isposinf(kernels.matmul(vector, b, False, transposed)).all()
        vector[0, place], matrix[3, place] = 1, np.inf
        b = matrix if transposed else matrix.T.copy()
        np.testing.assert_array_equal(kernels.matmul(vector, b, False, transposed)[0], [K, K, K, np.inf, K])


@pytest.mark.parametrize("broken", [np.inf, np.nan])
def test_a_broken_weight_reaches_no_pixel_that_it_does_not_meet(broken):
    """Of one channel, whose gradient is made of whole vectors of outputs."""
    dy, w = np.ones((1, 9, 19, 3), np.float32), np.ones((3, 1, 2, 5), np.float32)
    w[1, 0, 1, 0] = broken  # meets the columns 0 to 18 of 23
    dx = kernels.conv_backward_input(dy, w, (10, 23), (1, 1), (0, 0), (1, 1), 1)
    assert not np.isfinite(dx[0, 1:, :19]).any()
    assert np.isfinite(dx[0, 0]).all() and np.isfinite(dx[0, :, 19:]).all()


def test_products_are_cut_anew_for_another_number_of_threads():
    assert _cut(1, 512, 512, 16, False, 1) != _cut(1, 512, 512, 16, False, 2)
