"""Layers, losses, optimizers, training and files beside Keras 3 on its PyTorch backend."""

import inspect

import numpy as np
import pytest

from fastgrok.keras import initializers, layers, losses, models, optimizers, utils

pytestmark = pytest.mark.keras

IMAGES, SEQUENCES, ROWS, IDS = (11, 9, 2), (7, 5), (12,), (30,)


@pytest.fixture(scope="module")
def keras():
    """Return Keras, with one thread as everywhere here."""
    import keras
    import torch

    torch.set_num_threads(1)
    return keras


def inputs_of(shape, rng, count=3):
    if shape == IDS:
        return rng.integers(0, 20, (count, *shape))
    return rng.standard_normal((count, *shape)).astype(np.float32)


def both(keras, shape, build, rng=None):
    """Return the model of `build(layers)` in Keras and here, with the same weights: Keras' own, or drawn ones."""
    theirs = keras.Sequential([keras.layers.Input(shape), *build(keras.layers)])
    ours = models.Sequential([layers.Input(shape), *build(layers)])
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    if rng is not None:  # positive for the sake of variances
        theirs.set_weights(
            [
                np.abs(rng.standard_normal(w.shape)) * 0.3 + 0.1
                if "variance" in w.name
                else rng.standard_normal(w.shape) * 0.3
                for w in theirs.weights
            ]
        )
    ours.set_weights(theirs.get_weights())
    return theirs, ours


def apart(a, b):
    """Return the largest difference, relative to the largest magnitude."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert a.shape == b.shape
    return np.abs(a - b).max() / max(np.abs(a).max(), 1e-30)


WINDOWS = [
    (size, strides, padding) for size in (2, 3, (4, 3)) for strides in (1, 2, (2, 3)) for padding in ("valid", "same")
]
RECURRENT = ("SimpleRNN", "LSTM", "GRU")
PREDICTIONS = {
    "dense": (ROWS, lambda l: [l.Dense(7, "relu"), l.Dropout(0.3), l.Dense(4, activation="softmax")]),
    "dense on sequences": (SEQUENCES, lambda l: [l.Dense(7, use_bias=False), l.Flatten(), l.Dense(2)]),
    "flatten images": (IMAGES, lambda l: [l.Flatten(), l.Dense(3)]),
    "reshape": (ROWS, lambda l: [l.Reshape((3, -1)), l.Dense(2)]),
    "global pooling": (IMAGES, lambda l: [l.GlobalAveragePooling2D(), l.Dense(2)]),
    "dilated": (IMAGES, lambda l: [l.Conv2D(4, 3, dilation_rate=2, padding="same", activation="tanh")]),
    "groups": (IMAGES, lambda l: [l.Conv2D(4, 3, groups=2, use_bias=False)]),
    "batch norm of images": (IMAGES, lambda l: [l.Conv2D(4, 3), l.BatchNormalization(), l.Activation("relu")]),
    "batch norm of sequences": (SEQUENCES, lambda l: [l.BatchNormalization(epsilon=0.1, scale=False)]),
    "layer norm": (SEQUENCES, lambda l: [l.LayerNormalization(), l.LayerNormalization(epsilon=0.1, center=False)]),
    "relu rnn": (SEQUENCES, lambda l: [l.SimpleRNN(6, activation="relu")]),
    "embedding": (IDS, lambda l: [l.Embedding(20, 6), l.Flatten(), l.Dense(2)]),
}
for _kind in ("Conv2D", "MaxPooling2D", "AveragePooling2D"):
    for _size, _strides, _padding in WINDOWS:
        _first = (4,) if _kind == "Conv2D" else ()
        PREDICTIONS[f"{_kind} {_size} {_strides} {_padding}"] = (
            IMAGES,
            lambda l, kind=_kind, first=_first, size=_size, strides=_strides, padding=_padding: [
                getattr(l, kind)(*first, size, strides=strides, padding=padding)
            ],
        )
for _kind in RECURRENT:
    for _all in (False, True):
        PREDICTIONS[f"{_kind} {_all}"] = (
            SEQUENCES,
            lambda l, kind=_kind, all=_all: [getattr(l, kind)(6, return_sequences=all)],
        )
        PREDICTIONS[f"{_kind} {_all} backwards"] = (
            SEQUENCES,
            lambda l, kind=_kind, all=_all: [
                getattr(l, kind)(6, return_sequences=all, use_bias=False, go_backwards=True)
            ],
        )
        for _mode in ("concat", "sum", "mul", "ave"):
            PREDICTIONS[f"Bidirectional {_kind} {_all} {_mode}"] = (
                SEQUENCES,
                lambda l, kind=_kind, all=_all, mode=_mode: [
                    l.Bidirectional(getattr(l, kind)(6, return_sequences=all), merge_mode=mode)
                ],
            )
    PREDICTIONS[f"Embedding {_kind}"] = (
        IDS,
        lambda l, kind=_kind: [l.Embedding(20, 6), getattr(l, kind)(5, return_sequences=True), getattr(l, kind)(3)],
    )
for _name in (
    "relu relu6 leaky_relu elu selu gelu silu swish mish softplus softsign tanh sigmoid hard_sigmoid exponential "
    "softmax log_softmax linear"
).split():
    PREDICTIONS[f"activation {_name}"] = (SEQUENCES, lambda l, name=_name: [l.Activation(name)])


@pytest.mark.parametrize("name", PREDICTIONS)
def test_the_same_weights_predict_the_same(keras, rng, name):
    shape, build = PREDICTIONS[name]
    theirs, ours = both(keras, shape, build, rng)
    x = inputs_of(shape, rng)
    assert apart(theirs.predict(x, verbose=0), ours.predict(x, verbose=0)) < 1e-5
    assert ours.output_shape == theirs.output_shape
    assert ours.count_params() == theirs.count_params()


# ---------------------------------------------------------------------------------------------------- training


def dense(l):
    return [l.Dense(16, activation="relu"), l.Dense(4, activation="softmax")]


OPTIMIZERS = {
    **{name: lambda o, name=name: name for name in ("rmsprop", "sgd", "adam", "adamw", "adagrad")},
    "momentum": lambda o: o.SGD(0.05, momentum=0.9),
    "nesterov": lambda o: o.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop with momentum": lambda o: o.RMSprop(momentum=0.9),
    "centered rmsprop": lambda o: o.RMSprop(0.01, momentum=0.5, centered=True),
    "large epsilon in rmsprop": lambda o: o.RMSprop(0.01, rho=0.5, epsilon=1e-2),
    "large epsilon in adam": lambda o: o.Adam(0.01, epsilon=1e-2),
    "large epsilon in adagrad": lambda o: o.Adagrad(0.05, initial_accumulator_value=0.01, epsilon=0.1),
    "adamw with decay": lambda o: o.AdamW(0.01, weight_decay=0.1),
    "decay in rmsprop": lambda o: o.RMSprop(weight_decay=0.1),
    "clipnorm": lambda o: o.SGD(0.1, clipnorm=0.1),
    "clipvalue": lambda o: o.SGD(0.1, clipvalue=0.01),
    "global_clipnorm": lambda o: o.Adam(0.01, global_clipnorm=0.1),
}
TRAINED = {  # inputs, layers, optimizer, loss
    **{name: (ROWS, dense, make, "categorical_crossentropy") for name, make in OPTIMIZERS.items()},
    "sparse": (ROWS, dense, OPTIMIZERS["adam"], "sparse_categorical_crossentropy"),
    "binary": (
        ROWS,
        lambda l: [l.Dense(9, "tanh"), l.Dense(1, activation="sigmoid")],
        OPTIMIZERS["rmsprop"],
        "binary_crossentropy",
    ),
    "convolutional": (
        IMAGES,
        lambda l: [
            l.Conv2D(4, 3, activation="relu", padding="same"),
            l.MaxPooling2D(),
            l.Conv2D(5, 3, strides=2, padding="same"),
            l.AveragePooling2D(2, padding="same"),
            l.Flatten(),
            l.Dense(4, activation="softmax"),
        ],
        OPTIMIZERS["adam"],
        "categorical_crossentropy",
    ),
    "normalised": (
        IMAGES,
        lambda l: [
            l.Conv2D(4, 3, use_bias=False),
            l.BatchNormalization(),
            l.Activation("relu"),
            l.GlobalAveragePooling2D(),
            l.Dense(8, use_bias=False),
            l.BatchNormalization(momentum=0.9),
            l.LayerNormalization(),
            l.Dense(4, activation="softmax"),
        ],
        OPTIMIZERS["rmsprop"],
        "categorical_crossentropy",
    ),
    **{
        kind: (
            SEQUENCES,
            lambda l, kind=kind: [
                getattr(l, kind)(8, return_sequences=True),
                getattr(l, kind)(6),
                l.Dense(4, activation="softmax"),
            ],
            OPTIMIZERS["adam"],
            "categorical_crossentropy",
        )
        for kind in RECURRENT
    },
    **{
        f"Embedding and bidirectional {kind}": (
            IDS,
            lambda l, kind=kind: [
                l.Embedding(20, 8),
                l.Bidirectional(getattr(l, kind)(6)),
                l.Dense(4, activation="softmax"),
            ],
            OPTIMIZERS["rmsprop"],
            "sparse_categorical_crossentropy",
        )
        for kind in RECURRENT
    },
    **{
        loss: (
            ROWS,
            lambda l: [l.Dense(16, activation="tanh"), l.Dense(4, activation="softplus")],
            OPTIMIZERS["sgd"],
            loss,
        )
        for loss in (
            "mse mae hinge squared_hinge categorical_hinge huber log_cosh mape msle poisson kl_divergence "
            "cosine_similarity categorical_crossentropy"
        ).split()
    },
}


@pytest.mark.parametrize("name", TRAINED)
def test_fifty_updates_have_the_same_losses(keras, rng, name):
    shape, build, optimizer, loss = TRAINED[name]
    theirs, ours = both(keras, shape, build)
    x, classes = inputs_of(shape, rng, 80), rng.integers(0, 4, 80)
    y = np.eye(4, dtype=np.float32)[classes]
    y = classes if loss.startswith("sparse") else (classes > 1).astype(np.float32) if loss.startswith("binary") else y
    theirs.compile(optimizer(keras.optimizers), loss, metrics=["accuracy"])
    ours.compile(optimizer(optimizers), loss, metrics=["accuracy"])
    for k in range(50):
        part = slice(16 * (k % 5), 16 * (k % 5) + 16)
        expected, got = theirs.train_on_batch(x[part], y[part]), ours.train_on_batch(x[part], y[part])
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4, err_msg=f"update {k}")
    for theirs_after, ours_after in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        assert apart(theirs_after, ours_after) < 1e-3


@pytest.mark.parametrize("name", ["validation_split", "weights", "classes"])
def test_fit_measures_the_same(keras, rng, name):
    theirs, ours = both(keras, ROWS, dense)
    x, classes = inputs_of(ROWS, rng, 100), rng.integers(0, 4, 100)
    y, weights = np.eye(4, dtype=np.float32)[classes], rng.random(100).astype(np.float32)
    options = {
        "validation_split": {"validation_split": 0.25},
        "weights": {"sample_weight": weights, "validation_data": (x[:30], y[:30], weights[:30])},
        "classes": {"class_weight": {0: 1.0, 1: 3.0}, "validation_data": (x[:30], y[:30]), "initial_epoch": 1},
    }[name]
    measured = []
    for model, library in ((theirs, keras.optimizers), (ours, optimizers)):
        model.compile(
            library.Adam(0.01), "categorical_crossentropy", metrics=["accuracy", "mae"], weighted_metrics=["mse"]
        )
        history = model.fit(x, y, batch_size=24, epochs=4, shuffle=False, verbose=0, **options)
        measured.append((history.history, history.epoch, model.evaluate(x, y, verbose=0, return_dict=True)))
    (expected, epochs, end), (got, our_epochs, our_end) = measured
    assert set(got) == set(expected)
    assert our_epochs == epochs
    for column, values in expected.items():
        np.testing.assert_allclose(got[column], values, rtol=1e-4, atol=1e-5, err_msg=column)
    assert our_end == pytest.approx(end, rel=1e-4)


# ---------------------------------------------------------------------------------------------------- losses, defaults


@pytest.mark.parametrize("where", ["pre", "post"])
@pytest.mark.parametrize("maxlen", [None, 1, 2, 6])
def test_sequences_are_padded_alike(keras, where, maxlen):
    sequences = [[1, 2, 3], [], [4], [5, 6, 7, 8]]
    for cut in ("pre", "post"):
        settings = {"maxlen": maxlen, "padding": where, "truncating": cut, "value": 9}
        expected = keras.utils.pad_sequences(sequences, **settings)
        np.testing.assert_array_equal(utils.pad_sequences(sequences, **settings), expected)


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("name", ["BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"])
def test_cross_entropies_of_extreme_outputs(keras, rng, name, logits):
    y_pred = rng.random((6, 4)).astype(np.float32) * (20 if logits else 1)
    if not logits:
        y_pred[:2] = [[1, 0, 0, 0], [0, 0.5, 0, 0.5]]  # clipped
    y = rng.integers(0, 4, 6) if name.startswith("Sparse") else np.eye(4, dtype=np.float32)[[1, 0, 3, 2, 1, 0]]
    settings = {"from_logits": logits} | ({} if name.startswith("Sparse") else {"label_smoothing": 0.1})
    weights = rng.random(6).astype(np.float32)
    theirs, ours = getattr(keras.losses, name)(**settings), getattr(losses, name)(**settings)
    for given in (None, weights):
        expected = float(theirs(y, y_pred, sample_weight=given))
        assert ours(y, y_pred, sample_weight=given).item() == pytest.approx(expected, rel=1e-5)


def test_defaults_are_those_of_keras(keras):
    """Every argument that both have in common has one default; initialisers are compared by what they are."""
    compared, different = 0, []
    kinds = [(getattr(keras.layers, name), kind) for name, kind in layers.LAYERS.items()]
    kinds += [
        (getattr(keras.optimizers, name), getattr(optimizers, name)) for name in ("SGD", "RMSprop", "Adam", "AdamW")
    ]
    kinds += [(keras.optimizers.Adagrad, optimizers.Adagrad)]
    kinds += [
        (getattr(keras.initializers, n), getattr(initializers, n)) for n in initializers.__all__ if n[0].isupper()
    ]
    for theirs, ours in kinds:
        expected, got = inspect.signature(theirs).parameters, inspect.signature(ours).parameters
        for name in set(expected) & set(got) - {"name", "kwargs", "self"}:
            a, b = expected[name].default, got[name].default
            compared += 1
            if a != b:
                different.append((theirs.__name__, name, a, b))
    assert different == []
    assert compared > 120


def test_first_weights_follow_the_same_rules(keras):
    """Bias of the forget gates 1, kernels within the same bounds, recurrent kernels orthogonal."""
    theirs, ours = both(keras, SEQUENCES, lambda l: [l.LSTM(32, return_sequences=True), l.GRU(16), l.Dense(300)])
    fresh = models.Sequential([layers.Input(SEQUENCES), layers.LSTM(32, return_sequences=True), layers.GRU(16)])
    fresh.add(layers.Dense(300))
    for weight, expected, got in zip(theirs.weights, theirs.get_weights(), fresh.get_weights(), strict=True):
        if weight.name == "bias":
            np.testing.assert_array_equal(got, expected)
        elif weight.name == "recurrent_kernel":
            np.testing.assert_allclose(got @ got.T, np.eye(len(got)), atol=1e-5)
        else:
            bound = np.sqrt(6 / sum(got.shape))
            assert 0.8 * bound < np.abs(got).max() <= bound
            assert 0.8 * bound < np.abs(expected).max() <= bound


# ---------------------------------------------------------------------------------------------------- files, callbacks


def type_of(library):
    """Return the `Sequential` that goes with a module of layers."""
    import keras

    return models.Sequential if library is layers else keras.Sequential


FILES = {
    "images": (
        IMAGES,
        lambda l: [
            l.Conv2D(4, 3, activation="relu"),
            l.BatchNormalization(),
            l.MaxPooling2D(),
            l.Flatten(),
            l.Dense(3),
            l.Dense(4),
        ],
    ),
    "sequences": (
        SEQUENCES,
        lambda l: [
            l.Bidirectional(l.GRU(3, return_sequences=True)),
            l.LSTM(4, return_sequences=True),
            l.SimpleRNN(3),
            l.LayerNormalization(),
            l.Dense(3, activation="softmax"),
        ],
    ),
    "nested": (ROWS, lambda l: [type_of(l)([l.Dense(5, activation="relu"), l.BatchNormalization()]), l.Dense(2)]),
    "ids": (IDS, lambda l: [l.Embedding(20, 4), l.Dropout(0.5), l.LSTM(4), l.Dense(1, activation="sigmoid")]),
}


@pytest.mark.parametrize("name", FILES)
def test_files_travel_to_keras_and_back(keras, rng, tmp_path, name):
    shape, build = FILES[name]
    x = inputs_of(shape, rng)
    theirs, ours = both(keras, shape, build, rng)
    ours.compile("adam", "mse", metrics=["mae"])
    expected = theirs.predict(x, verbose=0)

    ours.save_weights(tmp_path / "ours.weights.h5")
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    other_theirs, other_ours = both(keras, shape, build)
    other_theirs.load_weights(tmp_path / "ours.weights.h5")
    other_ours.load_weights(tmp_path / "theirs.weights.h5")
    assert apart(expected, other_theirs.predict(x, verbose=0)) < 1e-5
    assert apart(expected, other_ours.predict(x)) < 1e-5

    if name == "nested":  # whole models are written layer by layer
        return
    ours.save(tmp_path / "ours.keras")
    loaded = keras.models.load_model(tmp_path / "ours.keras")
    assert apart(expected, loaded.predict(x, verbose=0)) < 1e-5
    assert loaded.optimizer.name == "adam"
    theirs.compile(keras.optimizers.RMSprop(0.5), "mse", metrics=["mae"])
    theirs.save(tmp_path / "theirs.keras")
    back = models.load_model(tmp_path / "theirs.keras")
    assert apart(expected, back.predict(x)) < 1e-5
    assert float(back.optimizer.learning_rate) == 0.5

    ours.save_weights(tmp_path / "ours.safetensors")
    from safetensors.numpy import load_file

    arrays = load_file(tmp_path / "ours.safetensors")
    assert sorted(a.shape for a in arrays.values()) == sorted(w.shape for w in ours.get_weights())


@pytest.mark.parametrize("seed", range(6))
def test_callbacks_act_in_the_same_epochs(keras, seed):
    """Early stopping and reduction of the rate, driven with the same losses."""
    from fastgrok.keras import callbacks

    rng = np.random.default_rng(seed)
    values = np.abs(rng.standard_normal(40)).round(1) + np.linspace(1, 0, 40)
    settings = {"patience": int(rng.integers(0, 4)), "min_delta": float(rng.choice([0.0, 0.05]))}
    stopping = {"baseline": None if seed % 2 else 1.2, **settings}
    reducing = {"factor": 0.5, "cooldown": int(rng.integers(0, 4)), "min_lr": 0.01, **settings}
    traces = []
    for library, model, kind in (
        (keras.callbacks, keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)]), keras.optimizers.SGD),
        (callbacks, models.Sequential([layers.Input((1,)), layers.Dense(1)]), optimizers.SGD),
    ):
        model.compile(kind(1.0), "mse")
        model.fit(np.zeros((1, 1)), np.zeros((1, 1)), verbose=0)
        stop, reduce = library.EarlyStopping("loss", **stopping), library.ReduceLROnPlateau("loss", **reducing)
        rates, stopped = [], None
        for callback in (stop, reduce):
            callback.set_model(model)
            callback.on_train_begin()
        model.stop_training = False
        for epoch, value in enumerate(values):
            reduce.on_epoch_end(epoch, {"loss": value})
            rates.append(float(model.optimizer.learning_rate))
            if stopped is None:
                stop.on_epoch_end(epoch, {"loss": value})
                stopped = epoch if model.stop_training else None
        traces.append((rates, stopped))
    np.testing.assert_allclose(traces[0][0], traces[1][0], rtol=1e-6)
    assert traces[0][1] == traces[1][1]
