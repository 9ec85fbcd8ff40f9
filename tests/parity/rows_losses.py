"""Rows for activations, losses and distances: each as a function and as a layer."""

import hypothesis
from hypothesis import strategies as st

from parity.draw import FLOATS, arrays, dims, fitting, pick, rarely
from parity.framework import Array, Name
from parity.table import layers, rows

NN = "nn.functional."


def both(function, layer, strategy, only_function=None):
    """Rows for a function and a layer; the layer gets the settings when it is made."""
    if only_function is not None:
        settings = st.tuples(strategy, pick(**only_function)).map(lambda x: (x[0][0], {**x[0][1], **x[1]}))
        rows(NN + function, settings)
    else:
        rows(NN + function, strategy)
    layers(f"nn.{layer}", strategy.map(lambda drawn: ((), drawn[1], drawn[0], {}, {"dtype": first_dtype(drawn[0])})))


def first_dtype(inputs):
    """Return the dtype for the parameters and buffers of a layer: that of the first input if it is one of floats."""
    return inputs[0].dtype if inputs[0].dtype in FLOATS else "float32"


# ---------------------------------------------------------------------------------------------------- activations


@st.composite
def activation(draw, **options):
    """One tensor and options; in place only what is no leaf that requires a gradient."""
    settings = draw(pick(**options))
    dtypes = (*FLOATS, "float32", *(("int64",) if rarely(draw) else ()))
    return (draw(arrays(dtypes=dtypes, kinds=("normal", "wide", "ties"))),), settings


IN_PLACE = {"inplace": (True, False)}
both("relu", "ReLU", activation(**IN_PLACE))
both("relu6", "ReLU6", activation(**IN_PLACE))
both("silu", "SiLU", activation(**IN_PLACE))
both("mish", "Mish", activation(**IN_PLACE))
both("elu", "ELU", activation(alpha=(1.0, 0.3, 2.5), **IN_PLACE))
both("leaky_relu", "LeakyReLU", activation(negative_slope=(0.01, 0.3, 0.0), **IN_PLACE))
both("hardtanh", "Hardtanh", activation(min_val=(-1.0, -0.3, -2.5), max_val=(1.0, 0.2, 3.0), **IN_PLACE))
both("softplus", "Softplus", activation(beta=(1.0, 0.5, 3.0), threshold=(20.0, 1.0)))
both("gelu", "GELU", activation(approximate=("none", "tanh", "none", "tanh", "other")))
both("logsigmoid", "LogSigmoid", activation())
both("sigmoid", "Sigmoid", activation())
both("tanh", "Tanh", activation())


@st.composite
def gated(draw):
    """One tensor, mostly of an even size along a dimension, and that."""
    x = draw(arrays(dtypes=(*FLOATS, "float32", *(("int64",) if rarely(draw) else ())), low=1))
    dim = draw(dims(len(x.shape)))
    if -len(x.shape) <= dim < len(x.shape) and not rarely(draw):
        shape = list(x.shape)
        shape[dim] *= 2
        x = Array(tuple(shape), x.dtype, x.kind, x.seed, x.grad, x.layout)
    return (x,), {"dim": dim}


both("glu", "GLU", gated())


@st.composite
def sloped(draw, function=False):
    """One tensor, and a slope or one per channel."""
    dtype = draw(st.sampled_from(FLOATS))
    x = draw(arrays(dtypes=(dtype,), kinds=("normal", "ties")))
    count = x.shape[1] if len(x.shape) > 1 and x.shape[1] and draw(st.booleans()) else 1
    count += rarely(draw, 15)
    if function:
        return (x, draw(arrays((count,), (dtype,)))), {}
    return (count,), draw(pick(init=(0.25, 0.5))), (x,), {}, {"dtype": dtype}


rows(NN + "prelu", sloped(function=True))
layers("nn.PReLU", sloped())


@st.composite
def over_a_dimension(draw):
    """One tensor and a dimension of it."""
    x = draw(arrays(kinds=("normal", "wide", "special")))
    return (x,), {"dim": draw(dims(len(x.shape)) | st.none())}


DTYPE = {"dtype": (Name("float64"), Name("float32"), None)}
both("softmax", "Softmax", over_a_dimension(), DTYPE)
both("log_softmax", "LogSoftmax", over_a_dimension(), DTYPE)

# Both ends of the probability are not random, nor is a layer that is not in training.
certain = activation(p=(0.0, 1.0, 1.5, -0.1)).map(lambda x: (x[0], {"p": 0.0, **x[1]}))
rows(NN + "dropout", certain | activation(p=(0.5, 0.1)).map(lambda x: (x[0], {"training": False, **x[1]})))
layers(
    "nn.Dropout",
    certain.map(lambda x: ((), x[1], x[0], {}, {}))
    | activation(p=(0.5, 0.1)).map(lambda x: ((), x[1], x[0], {}, {"training": False})),
)

# ---------------------------------------------------------------------------------------------------- losses

reductions = st.sampled_from(("none", "mean", "sum") * 4 + ("other",))
REDUCED = {"reduction": reductions}


@st.composite
def pairs(
    draw, kinds=("normal",), target=("normal",), target_grad=None, weights=(), broadcast=False, mixed=True, **options
):
    """Inputs and targets of one shape and dtype, rarely of others, factors for the elements, and options."""
    x = draw(arrays(kinds=kinds))
    # Where PyTorch warns of shapes that differ and broadcasts, it is an error here.
    shape = x.shape
    if broadcast:
        shape = draw(fitting(shape)) if rarely(draw, 8) else shape
    elif shape and shape[-1] != 1 and rarely(draw, 8):
        shape = (*shape[:-1], shape[-1] + 7)
    dtypes = (x.dtype,) * 12 + FLOATS * mixed
    y = draw(arrays(shape, dtypes, target, grad=target_grad))
    settings = draw(pick(**{**REDUCED, **options}))
    for name in weights:
        if draw(st.booleans()):
            settings[name] = draw(arrays(draw(fitting(x.shape)), (x.dtype,), ("positive",), grad=False))
    return (x, y), settings


both("mse_loss", "MSELoss", pairs())
both("l1_loss", "L1Loss", pairs())
both("smooth_l1_loss", "SmoothL1Loss", pairs(beta=(1.0, 0.3, 0.0, 2, -1.0)))
both("huber_loss", "HuberLoss", pairs(delta=(1.0, 0.3, 2, -1.0), mixed=False))
both("binary_cross_entropy", "BCELoss", pairs(("probability",), ("probability",), weights=("weight",)))
both(
    "binary_cross_entropy_with_logits",
    "BCEWithLogitsLoss",
    pairs(("normal", "wide"), ("probability",), weights=("weight", "pos_weight"), mixed=False),
)
both(
    "kl_div",
    "KLDivLoss",
    pairs(
        ("normal",),
        ("probability",),
        broadcast=True,
        log_target=(True, False),
        reduction=st.sampled_from(("none", "mean", "sum", "batchmean") * 3 + ("other",)),
    ),
)
both(
    "hinge_embedding_loss",
    "HingeEmbeddingLoss",
    pairs(("normal", "positive"), ("sign",), False, broadcast=True, margin=(1.0, 0.2, -1)),
)


@st.composite
def rankings(draw):
    """Two vectors of scores and which should be larger."""
    shape = (draw(st.integers(0, 5)),)
    dtype = draw(st.sampled_from(FLOATS))
    inputs = [draw(arrays(shape, (dtype,))) for _ in range(2)]
    last = draw(arrays(draw(fitting(shape)) if rarely(draw) else shape, (dtype,), ("sign",), grad=False))
    return (*inputs, last), draw(pick(**REDUCED, margin=(0.0, 0.5, -1)))


both("margin_ranking_loss", "MarginRankingLoss", rankings())


@st.composite
def vectors(draw, count, target=False):
    """Several batches of vectors (N, D), or vectors (D,)."""
    N, D = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    shape = (D,) if draw(st.integers(0, 4)) == 0 else (N, D)
    dtype = draw(st.sampled_from(FLOATS))
    inputs = [draw(arrays(draw(fitting(shape)) if rarely(draw, 20) else shape, (dtype,))) for _ in range(count)]
    if target:
        shape = (*shape[:-1], 2) if rarely(draw, 15) else shape[:-1]
        inputs.append(draw(arrays(shape, (dtype, "int64"), ("sign",), grad=False)))
    return tuple(inputs)


@st.composite
def of_vectors(draw, count, target=False, **options):
    """As `vectors`, with options."""
    return draw(vectors(count, target)), draw(pick(**options))


both("cosine_embedding_loss", "CosineEmbeddingLoss", of_vectors(2, True, margin=(0.0, 0.5, -0.5), **REDUCED))
both(
    "triplet_margin_loss",
    "TripletMarginLoss",
    of_vectors(3, margin=(1.0, 0.1, 5, -1), p=(2.0, 1, 3), eps=(1e-6, 0.01), swap=(True, False), **REDUCED),
)
both(
    "pairwise_distance",
    "PairwiseDistance",
    of_vectors(2, p=(2.0, 1.0, 3.0, 1.5, float("inf")), eps=(1e-6, 0.1), keepdim=(True, False)),
)


@st.composite
def cosines(draw):
    """Two tensors that broadcast, and a dimension."""
    x = draw(arrays(low=1))
    dim, shape = draw(dims(len(x.shape))), draw(fitting(x.shape))
    if -len(x.shape) <= dim < len(x.shape):  # of vectors that lie along one line the gradients are nothing but noise
        hypothesis.assume(x.shape[dim] != 1)
        shape = (*x.shape[: len(x.shape) - len(shape)], *shape)
        if len(shape) == len(x.shape):
            shape = tuple(
                n if axis == dim % len(shape) else m for axis, (n, m) in enumerate(zip(x.shape, shape, strict=True))
            )
    return (x, draw(arrays(shape, (x.dtype,)))), {"dim": dim, **draw(pick(eps=(1e-8, 0.5)))}


both("cosine_similarity", "CosineSimilarity", cosines())


@st.composite
def normalized(draw):
    """A tensor, a dimension and an order."""
    x = draw(arrays(low=1))
    return (x,), draw(pick(p=(2.0, 1.0, 3.0, float("inf")), dim=dims(len(x.shape)), eps=(1e-12, 2.0)))


rows(NN + "normalize", normalized())


@st.composite
def classes(draw, name):
    """Scores (V,), (N, V) or (N, V, ...) and classes, or probabilities of classes."""
    rest = draw(st.sampled_from(((), (), (2,), (2, 3), (0,))))
    N, V = draw(st.integers(0 if rarely(draw) else 1, 4)), draw(st.integers(1, 5))
    shape = (V,) if draw(st.integers(0, 5)) == 0 else (N, V, *rest)
    x = draw(arrays(shape, kinds=("normal", "wide")))
    settings = draw(pick(**REDUCED))
    smoothing = name == "cross_entropy"
    spread = smoothing and draw(st.integers(0, 3)) == 0
    if smoothing and draw(st.booleans()):
        settings["label_smoothing"] = draw(st.sampled_from((0.0, 0.1, 0.5, 1.0, 1.5)))
    if spread:
        y = draw(arrays(shape[:-1] if rarely(draw, 15) else shape, (x.dtype,), ("probability",)))
    else:
        wanted = (*shape[:1], *shape[2:]) if len(shape) > 1 else ()
        if rarely(draw, 15):
            wanted = (*wanted, 2)
        top = V + 2 if rarely(draw, 12) else V
        y = Array(wanted, draw(st.sampled_from(("int64",) * 9 + ("int32",))), (0, top), draw(st.integers(0, 99)))
        if draw(st.booleans()):
            settings["ignore_index"] = draw(st.sampled_from((0, 1, -100, 7)))
    if draw(st.booleans()):
        size = V + 1 if rarely(draw, 12) else V
        settings["weight"] = draw(arrays((size,), (x.dtype,), ("positive",), grad=False))
    return (x, y), settings


both("cross_entropy", "CrossEntropyLoss", classes("cross_entropy"))
both("nll_loss", "NLLLoss", classes("nll_loss"))
