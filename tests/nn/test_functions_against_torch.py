"""Activations, losses and distances: values, gradients, texts and errors are those of PyTorch."""
# ruff: noqa: B023 - functions made in a loop are called in the same round of it

import itertools
import warnings

import numpy as np
import pytest

import fastgrok
from fastgrok import nn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

TOLERANCE = {np.float32: 1e-5, np.float64: 1e-10}


def agree(function, *arrays, tolerance=None):
    """Assert that outputs and gradients agree, relative to the largest magnitude of each."""
    results = []
    for library in (fastgrok, torch):
        inputs = [library.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
        y = function(library, *inputs)
        assert y.requires_grad
        weights = np.cos(np.arange(y.detach().numpy().size)).reshape(tuple(y.shape)).astype(arrays[0].dtype)
        (y * library.tensor(weights)).sum().backward()
        gradients = [x.grad for x in inputs if x.requires_grad]
        results.append([y.detach().numpy(), *(None if g is None else g.numpy() for g in gradients)])
    tolerance = tolerance or TOLERANCE[arrays[0].dtype.type]
    for ours, theirs in zip(*results, strict=True):
        if theirs is None:
            continue
        ours = np.zeros_like(theirs) if ours is None else ours
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
        size = np.abs(theirs).max(initial=0)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * max(size, 1e-30))


def F(library):
    return library.nn.functional


both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])

# ------------------------------------------------------------------------------------------------------- activations

ACTIVATIONS = {
    "relu": lambda F, x: F.relu(x),
    "relu6": lambda F, x: F.relu6(x),
    "hardtanh": lambda F, x: F.hardtanh(x, -0.5, 2.0),
    "leaky_relu": lambda F, x: F.leaky_relu(x),
    "leaky_relu-slope": lambda F, x: F.leaky_relu(x, 0.3),
    "leaky_relu-negative": lambda F, x: F.leaky_relu(x, -0.3),
    "elu": lambda F, x: F.elu(x),
    "elu-alpha": lambda F, x: F.elu(x, 0.3),
    "gelu": lambda F, x: F.gelu(x),
    "gelu-tanh": lambda F, x: F.gelu(x, approximate="tanh"),
    "silu": lambda F, x: F.silu(x),
    "softplus": lambda F, x: F.softplus(x),
    "softplus-beta": lambda F, x: F.softplus(x, 2.0, 1.0),
    "logsigmoid": lambda F, x: F.logsigmoid(x),
    "sigmoid": lambda F, x: F.sigmoid(x),
    "tanh": lambda F, x: F.tanh(x),
}


@both_dtypes
@pytest.mark.parametrize("call", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_activations(rng, call, dtype):
    for shape in ((), (0, 3), (5, 7), (40_000,)):  # the last is large enough for kernels
        x = (3 * rng.standard_normal(shape)).astype(dtype)
        agree(lambda library, x: call(F(library), x), x)


@both_dtypes
@pytest.mark.parametrize("call", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_activations_at_kinks_and_extremes(call, dtype):
    x = np.array([-1e4, -200, -30, -1, -0.5, -0.0, 0.0, 0.5, 1, 2, 6, 19.9, 20.1, 30, 200, 1e4], dtype)
    for value in x:  # one at a time: a large value must not hide the error of a small one
        # With NumPy, and with kernels. But a sigmoid near 1 differs from 1 by few ulp, and so does its gradient.
        for size in (1,) if call is ACTIVATIONS["sigmoid"] else (1, 5000):
            agree(lambda library, x: call(F(library), x), np.full(size, value))


@pytest.mark.parametrize("size", [3, 5000])
def test_limits_of_another_dtype_leave_the_dtype_alone(size):
    x = fastgrok.arange(size) - 1
    assert nn.functional.hardtanh(x.float(), np.float64(-1), np.float64(1)).dtype == fastgrok.float32
    assert nn.functional.hardtanh(x.float(), np.float64(-0.5), 1.0).tolist()[:3] == [-0.5, 0.0, 1.0]


@pytest.mark.parametrize("name", ["relu", "relu6", "hardtanh", "leaky_relu", "elu", "silu"])
def test_activations_in_place(rng, name):
    def in_place(library, x):
        y = x * 1.5
        assert getattr(F(library), name)(y, inplace=True) is y
        return y

    agree(in_place, rng.standard_normal((4, 5)))


# ------------------------------------------------------------------------------------------------------- losses

PAIRS = {
    "mse": lambda F, x, y, r: F.mse_loss(x, y, reduction=r),
    "l1": lambda F, x, y, r: F.l1_loss(x, y, reduction=r),
    "smooth_l1": lambda F, x, y, r: F.smooth_l1_loss(x, y, reduction=r),
    "smooth_l1-beta": lambda F, x, y, r: F.smooth_l1_loss(x, y, reduction=r, beta=0.3),
    "smooth_l1-0": lambda F, x, y, r: F.smooth_l1_loss(x, y, reduction=r, beta=0),
    "huber": lambda F, x, y, r: F.huber_loss(x, y, reduction=r),
    "huber-delta": lambda F, x, y, r: F.huber_loss(x, y, reduction=r, delta=0.3),
    "bce": lambda F, x, y, r: F.binary_cross_entropy(x.sigmoid(), y.sigmoid(), reduction=r),
    "bce-logits": lambda F, x, y, r: F.binary_cross_entropy_with_logits(x, y.sigmoid(), reduction=r),
    "kl": lambda F, x, y, r: F.kl_div(x.log_softmax(-1), y.softmax(-1), reduction=r),
    "kl-log": lambda F, x, y, r: F.kl_div(x.log_softmax(-1), y.log_softmax(-1), reduction=r, log_target=True),
    "soft cross_entropy": lambda F, x, y, r: F.cross_entropy(x, y.softmax(min(y.ndim - 1, 1)), reduction=r),
    "soft cross_entropy-smooth": lambda F, x, y, r: F.cross_entropy(
        x, y.softmax(min(y.ndim - 1, 1)), reduction=r, label_smoothing=0.2
    ),
}


@both_dtypes
@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("call", PAIRS.values(), ids=PAIRS)
def test_losses_of_pairs(rng, call, reduction, dtype):
    for shape in ((5,), (4, 6), (3, 4, 2)):
        arrays = [(2 * rng.standard_normal(shape)).astype(dtype) for _ in range(2)]
        agree(lambda library, x, y: call(F(library), x, y, reduction), *arrays)


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("call", PAIRS.values(), ids=PAIRS)
def test_losses_of_large_pairs(rng, call):
    x, y = (2 * rng.standard_normal((200, 260)) for _ in range(2))
    agree(lambda library, x, y: call(F(library), x, y, "mean"), x, y)
    agree(lambda library, x, y: call(F(library), x.t(), y.t(), "none"), x, y)


def test_batchmean(rng):
    arrays = [rng.standard_normal((4, 6)) for _ in range(2)]
    for log_target in (False, True):
        agree(
            lambda library, x, y, log_target=log_target: library.nn.KLDivLoss(
                reduction="batchmean", log_target=log_target
            )(x.log_softmax(1), y.log_softmax(1) if log_target else y.softmax(1)),
            *arrays,
        )
    # Probabilities of zero, which cost nothing, and shapes that broadcast.
    agree(
        lambda library, x: F(library).kl_div(x, library.tensor([[0.0, 0.25, 0.75]]).double(), reduction="sum"),
        rng.standard_normal((4, 3)),
    )


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_weighted_losses(rng, reduction):
    x, y, w = rng.standard_normal((5, 4)), rng.standard_normal((5, 4)), rng.random((5, 4))
    for name in ("mse_loss", "l1_loss", "huber_loss"):
        agree(lambda lib, x, y, n=name: getattr(F(lib), n)(x, y, reduction=reduction, weight=lib.tensor(w)), x, y)
    for weight, pos_weight in itertools.product((None, rng.random(4), rng.random((5, 1))), (None, 3 * rng.random(4))):

        def weigh(lib, factors):
            return None if factors is None else lib.tensor(factors)

        agree(
            lambda lib, x, y: lib.nn.BCEWithLogitsLoss(
                weigh(lib, weight), pos_weight=weigh(lib, pos_weight), reduction=reduction
            )(x, y.sigmoid()),
            x,
            y,
        )
        agree(lambda lib, x, y: lib.nn.BCELoss(weigh(lib, weight), reduction=reduction)(x.sigmoid(), y.sigmoid()), x, y)
    for shape in ((4,), (5, 4), (3, 4, 2, 2)):
        x, y, w = rng.standard_normal(shape), rng.standard_normal(shape), rng.random(4)
        agree(
            lambda lib, x, y, w=w: lib.nn.CrossEntropyLoss(lib.tensor(w), reduction=reduction, label_smoothing=0.1)(
                x, y.softmax(min(y.ndim - 1, 1))
            ),
            x,
            y,
        )


@both_dtypes
def test_binary_cross_entropy_at_extremes(dtype):
    for p, t in itertools.product((0.0, 1e-30, 0.5, 1.0), (0.0, 0.3, 1.0)):
        agree(
            lambda lib, x: F(lib).binary_cross_entropy(x, lib.tensor([t], dtype=x.dtype)),
            np.array([p], dtype),
            tolerance=1e-5 if dtype is np.float32 else 1e-8,  # PyTorch rounds the 1e-12 in its gradient to float32
        )
    for x, t in itertools.product((-1e4, -100.0, 0.0, 100.0, 1e4), (0.0, 0.3, 1.0)):
        agree(
            lambda lib, x: F(lib).binary_cross_entropy_with_logits(x, lib.tensor([t], dtype=x.dtype)),
            np.array([x], dtype),
        )


@both_dtypes
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_losses_of_distances(rng, reduction, dtype):
    for shape in ((6, 5), (5,)):
        a, b, c = ((rng.standard_normal(shape)).astype(dtype) for _ in range(3))
        for p, swap in itertools.product((1.0, 2.0, 3.0), (False, True)):
            agree(lambda lib, *x: lib.nn.TripletMarginLoss(1.5, p, swap=swap, reduction=reduction)(*x), a, b, c)
        signs = np.asarray(rng.choice([-1, 1], shape[:-1]))
        for margin in (0.0, 0.4):
            agree(lambda lib, *x: lib.nn.CosineEmbeddingLoss(margin, reduction=reduction)(*x), a, b, signs)
        signs = rng.choice([-1, 1], shape)
        agree(lambda lib, *x: lib.nn.MarginRankingLoss(0.3, reduction=reduction)(*x), a, b, signs)
        agree(lambda lib, *x: lib.nn.HingeEmbeddingLoss(0.7, reduction=reduction)(*x), a, signs)


@both_dtypes
def test_distances(rng, dtype):
    a, b = (rng.standard_normal((4, 3, 5)).astype(dtype) for _ in range(2))
    a[0, 0] = 0  # a vector without length
    for p in (0.5, 1.0, 2.0, 3.0, float("inf")):
        agree(lambda lib, x, y: lib.nn.PairwiseDistance(p)(x, y), a, b)
        for dim in (0, 1, -1):
            agree(lambda lib, x: F(lib).normalize(x, p, dim), a)
    agree(lambda lib, x, y: lib.nn.PairwiseDistance(keepdim=True)(x, y), a, b[:1])
    for dim in (0, 1, -1):
        agree(lambda lib, x, y: lib.nn.CosineSimilarity(dim)(x, y), a, b)
        agree(lambda lib, x, y: F(lib).cosine_similarity(x, y, dim, eps=1.5), a, b)
    agree(lambda lib, x, y: F(lib).cosine_similarity(x, y, 2), a, b[:1, :1])
    agree(lambda lib, x, y: F(lib).cosine_similarity(x, y, 0), a[0, 1], b[0, 0])


@both_dtypes
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_nt_xent_is_the_formula_of_its_paper(rng, reduction, dtype):
    """PyTorch has no such function; the formula is written out with its operations."""

    def loss(library, z1, z2):
        if library is fastgrok:
            return nn.NTXentLoss(0.3, reduction)(z1, z2)
        z, N = torch.cat([z1, z2]), len(z1)
        losses = []
        for i in range(2 * N):
            similarities = torch.stack([torch.cosine_similarity(z[i], z[k], dim=0) / 0.3 for k in range(2 * N)])
            others = [k for k in range(2 * N) if k != i]
            losses.append(-torch.log(similarities[(i + N) % (2 * N)].exp() / similarities[others].exp().sum()))
        losses = torch.stack(losses)
        return losses if reduction == "none" else getattr(losses, reduction)()

    agree(loss, *(rng.standard_normal((5, 4)).astype(dtype) for _ in range(2)))


# -------------------------------------------------------------------------------------------------- text and errors

MODULES = {
    "LeakyReLU": lambda nn: nn.LeakyReLU(0.2, True),
    "ELU": lambda nn: nn.ELU(2.0),
    "GELU": lambda nn: nn.Sequential(nn.GELU(), nn.GELU("tanh")),
    "SiLU": lambda nn: nn.Sequential(nn.SiLU(), nn.SiLU(inplace=True)),
    "Softplus": lambda nn: nn.Softplus(2, 10),
    "Hardtanh": lambda nn: nn.Hardtanh(-2.0, 3.0, inplace=True),
    "ReLU6": lambda nn: nn.Sequential(nn.ReLU6(), nn.ReLU6(True)),
    "LogSigmoid": lambda nn: nn.LogSigmoid(),
    "Identity": lambda nn: nn.Identity(54, unused=True),
    "Flatten": lambda nn: nn.Flatten(2, -2),
    "Unflatten": lambda nn: nn.Unflatten(1, (2, -1)),
    "distances": lambda nn: nn.Sequential(nn.PairwiseDistance(3.0), nn.CosineSimilarity(2)),
    "losses": lambda nn: nn.ModuleList(
        [nn.L1Loss(), nn.SmoothL1Loss(), nn.HuberLoss(), nn.BCELoss(), nn.BCEWithLogitsLoss(), nn.KLDivLoss()]
    ),
    "more losses": lambda nn: nn.ModuleList(
        [nn.TripletMarginLoss(), nn.CosineEmbeddingLoss(), nn.HingeEmbeddingLoss(), nn.MarginRankingLoss()]
    ),
    "weights": lambda nn: nn.BCEWithLogitsLoss(
        *[nn.Linear(3, 3).bias.detach()], pos_weight=nn.Linear(3, 3).bias.detach()
    ),
}


@pytest.mark.parametrize("make", MODULES.values(), ids=MODULES)
def test_text_and_state(make):
    ours, theirs = make(nn), make(torch.nn)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())


def test_flatten_and_unflatten(rng):
    x = rng.standard_normal((2, 3, 4, 5))
    agree(lambda lib, x: lib.nn.Flatten()(x), x)
    agree(lambda lib, x: lib.nn.Flatten(2, -1)(x), x)
    agree(lambda lib, x: lib.nn.Unflatten(-2, (2, 2))(x), x)
    agree(lambda lib, x: lib.nn.Unflatten(3, [-1, 5])(lib.nn.Identity()(x)), x)


WRONG = {
    "gelu approximate": lambda t: t.nn.GELU("fast")(t.ones(2)),
    "gelu of integers": lambda t: F(t).gelu(t.tensor([1, 2])),
    "silu of integers": lambda t: F(t).silu(t.tensor([1, 2])),
    "hardtanh layer": lambda t: t.nn.Hardtanh(2.0, 1.0),
    "hardtanh": lambda t: F(t).hardtanh(t.ones(2), 2.0, 1.0),
    "unflatten type": lambda t: t.nn.Unflatten(1, 2),
    "unflatten element": lambda t: t.nn.Unflatten(1, (2, 2.0)),
    "unflatten sizes": lambda t: t.nn.Unflatten(1, (2, 3))(t.ones(2, 5)),
    "flatten": lambda t: t.nn.Flatten(3)(t.ones(2, 2)),
    "reduction": lambda t: F(t).l1_loss(t.ones(2), t.ones(2), reduction="batchmean"),
    "kl reduction": lambda t: F(t).kl_div(t.ones(2), t.ones(2), reduction="max"),
    "kl shapes": lambda t: F(t).kl_div(t.ones(2), t.ones(3), reduction="sum"),
    "beta": lambda t: F(t).smooth_l1_loss(t.ones(2), t.ones(2), beta=-1.0),
    "delta": lambda t: t.nn.HuberLoss(delta=0.0)(t.ones(2), t.ones(2)),
    "weights of mse": lambda t: F(t).mse_loss(t.ones(2), t.ones(2), weight=t.ones(1)),
    "bce range": lambda t: F(t).binary_cross_entropy(2 * t.ones(2), t.ones(2)),
    "bce shape": lambda t: F(t).binary_cross_entropy(t.ones(2), t.ones(3)),
    "bce dtype": lambda t: F(t).binary_cross_entropy(t.ones(2).double(), t.ones(2)),
    "bce weight": lambda t: F(t).binary_cross_entropy(t.ones(2), t.ones(2), weight=t.ones(3)),
    "bce logits shape": lambda t: t.nn.BCEWithLogitsLoss()(t.ones(2), t.ones(3)),
    "bce logits weight": lambda t: t.nn.BCEWithLogitsLoss(pos_weight=t.ones(3))(t.ones(2), t.ones(2)),
    "ignoring a class of probabilities": lambda t: F(t).cross_entropy(t.ones(2, 3), t.ones(2, 3), ignore_index=1),
    "ids for probabilities": lambda t: F(t).cross_entropy(t.ones(2, 3), t.ones(2, 3).long()),
    "probabilities for ids": lambda t: F(t).cross_entropy(t.ones(2, 3), t.ones(2)),
    "margin": lambda t: t.nn.TripletMarginLoss(margin=0.0),
    "margin of the function": lambda t: F(t).triplet_margin_loss(t.ones(2), t.ones(2), t.ones(2), margin=-1.0),
    "triplet shapes": lambda t: F(t).triplet_margin_loss(t.ones(2, 2), t.ones(2, 2), t.ones(2)),
    "cosine target": lambda t: t.nn.CosineEmbeddingLoss()(t.ones(2, 2), t.ones(2, 2), t.ones(2, 2)),
    "cosine inputs": lambda t: t.nn.CosineEmbeddingLoss()(t.ones(2), t.ones(2, 2), t.ones(2)),
    "ranking": lambda t: t.nn.MarginRankingLoss()(t.ones(2), t.ones(2, 2), t.ones(2)),
    "similarity shapes": lambda t: F(t).cosine_similarity(t.ones(2, 3), t.ones(2, 4)),
    "similarity dim": lambda t: F(t).cosine_similarity(t.ones(2), t.ones(2)),
    "normalize dim": lambda t: F(t).normalize(t.ones(2)),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_errors_are_instances_of_theirs(call):
    with pytest.raises(Exception) as theirs:
        call(torch)
    with pytest.raises(theirs.type):
        call(fastgrok)


def test_the_mean_of_a_divergence_warns():
    for library in (fastgrok, torch):
        with pytest.warns(UserWarning, match="batchmean"):
            F(library).kl_div(library.zeros(2, 2), library.ones(2, 2))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            F(library).kl_div(library.zeros(2, 2), library.ones(2, 2), reduction="batchmean")
