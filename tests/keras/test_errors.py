"""Mistakes that beginners make, and what they are told."""

import numpy as np
import pytest

import fastgrok.keras
from fastgrok import optim
from fastgrok.keras import callbacks, initializers, layers, losses, metrics, models, optimizers, utils

X, CLASSES = np.zeros((20, 6), np.float32), np.arange(20) % 3
ONE_HOT = np.eye(3, dtype=np.float32)[CLASSES]


def model_for(loss, last="softmax", units=3, **options):
    model = models.Sequential([layers.Input((6,)), layers.Dense(units, activation=last)])
    model.compile("adam", loss, **options)
    return model


def fit(loss, y, x=X, **options):
    model_for(loss).fit(x, y, verbose=0, **options)


def fit_and_measure(names):
    model_for("categorical_crossentropy", metrics=names).fit(X, ONE_HOT, verbose=0)


MISTAKES = {
    "class numbers for one-hot": (
        lambda: fit("categorical_crossentropy", CLASSES),
        ValueError,
        r"targets have shape \(20,\), expected \(20, 3\).*utils.to_categorical\(y, 3\).*sparse_categorical",
    ),
    "one-hot for class numbers": (
        lambda: fit("sparse_categorical_crossentropy", ONE_HOT),
        ValueError,
        r"one-hot targets go with categorical_cross",
    ),
    "too many classes": (
        lambda: fit("sparse_categorical_crossentropy", CLASSES + 1),
        ValueError,
        r"class 3, but the model ends with 3 units",
    ),
    "targets beyond 0 and 1": (
        lambda: model_for("binary_crossentropy", "sigmoid", 1).fit(X, CLASSES),
        ValueError,
        r"from 0 to 2, expected 0 to 1",
    ),
    "another number of outputs": (
        lambda: fit("mse", ONE_HOT[:, :2]),
        ValueError,
        r"targets have shape \(20, 2\), but the model returns \(20, 3\)",
    ),
    "lengths": (
        lambda: fit("mse", ONE_HOT[:19]),
        ValueError,
        r"x has 20 samples .* and y has 19",
    ),
    "weights": (
        lambda: fit("mse", ONE_HOT, sample_weight=np.ones(3)),
        ValueError,
        r"x has 20 samples .* and sample_weight has 3",
    ),
    "validation": (
        lambda: fit("mse", ONE_HOT, validation_data=(X, ONE_HOT[:3])),
        ValueError,
        r"\(validation_data\): x has 20",
    ),
    "no validation data": (lambda: fit("mse", ONE_HOT, validation_data=3), ValueError, r"expected a tuple \(x, y\)"),
    "input shape": (
        lambda: fit("mse", ONE_HOT, np.zeros((20, 2, 3))),
        ValueError,
        r"shape \(20, 2, 3\), but .*reshape\(20, 6\)",
    ),
    "input size": (
        lambda: fit("mse", ONE_HOT, np.zeros((20, 5))),
        ValueError,
        r"x has shape \(20, 5\), but .* takes \(n, 6\)",
    ),
    "no targets": (lambda: model_for("mse").fit(X), ValueError, r"y is missing"),
    "no numbers": (lambda: fit("mse", ONE_HOT, [["a"] * 6] * 20), ValueError, r"expected an array of numbers"),
    "ragged": (lambda: fit("mse", ONE_HOT, [[1.0], [1.0, 2.0]]), ValueError, r"rows of different lengths"),
    "a generator": (lambda: fit("mse", ONE_HOT, iter([X])), NotImplementedError, r"generators and loaders"),
    "empty": (lambda: fit("mse", ONE_HOT[:0], X[:0]), ValueError, r"no samples"),
    "batch_size": (lambda: fit("mse", ONE_HOT, batch_size=0), ValueError, r"batch_size=0, expected a positive"),
    "epochs": (lambda: fit("mse", ONE_HOT, epochs=0), ValueError, r"epochs=0, expected a positive"),
    "split": (lambda: fit("mse", ONE_HOT, validation_split=1.5), ValueError, r"validation_split=1\.5"),
    "class_weight": (lambda: fit("mse", ONE_HOT, class_weight=[1]), ValueError, r"expected a dictionary"),
    "not compiled": (
        lambda: models.Sequential([layers.Dense(3)]).fit(X, ONE_HOT),
        RuntimeError,
        r"not compiled: call compile",
    ),
    "no loss": (lambda: model_for(None).fit(X, ONE_HOT), RuntimeError, r"compiled without a loss"),
    "unknown loss": (lambda: model_for("crossentropie"), ValueError, r"unknown loss 'crossentropie'"),
    "close loss": (
        lambda: model_for("categorical_crosentropy"),
        ValueError,
        r"did you mean 'categorical_crossentropy'",
    ),
    "unknown metric": (lambda: model_for("mse", metrics=["acuracy"]), ValueError, r"did you mean 'accuracy'"),
    "unknown optimizer": (lambda: optimizers.get("rmspropp"), ValueError, r"did you mean 'rmsprop'"),
    "an optimizer of fastgrok.optim": (
        lambda: optimizers.get(optim.SGD([fastgrok.zeros(1, requires_grad=True)])),
        TypeError,
        r"fastgrok.keras.optimizers",
    ),
    "lr": (lambda: optimizers.Adam(lr=0.1), TypeError, r"unknown argument 'lr': use learning_rate"),
    "negative rate": (lambda: optimizers.SGD(-1.0), ValueError, r"learning_rate=-1\.0, expected at least 0"),
    "two clips": (lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0), ValueError, r"one of the three"),
    "unknown activation": (lambda: layers.Dense(3, "rellu"), ValueError, r"did you mean 'relu'"),
    "unknown initialiser": (
        lambda: layers.Dense(3, kernel_initializer="glorot"),
        ValueError,
        r"unknown initializer 'glorot'",
    ),
    "units": (lambda: layers.Dense(0), ValueError, r"units=0, expected a positive whole number"),
    "unknown argument": (lambda: layers.Dense(3, unit=3), TypeError, r"Dense: unknown argument 'unit'"),
    "regularizer": (
        lambda: layers.Dense(3, kernel_regularizer="l2"),
        NotImplementedError,
        r"kernel_regularizer='l2' is not covered",
    ),
    "a class for a layer": (lambda: models.Sequential([layers.Flatten]), TypeError, r"with parentheses"),
    "two inputs": (
        lambda: models.Sequential([layers.Input((3,)), layers.Input((3,))]),
        ValueError,
        r"Input comes first, and once",
    ),
    "functional": (lambda: layers.Dense(3)(layers.Input((3,))), NotImplementedError, r"only Sequential models"),
    "the same name": (
        lambda: models.Sequential([layers.Dense(1, name="a"), layers.Dense(1, name="a")]),
        ValueError,
        r"named 'a'",
    ),
    "images without channels": (
        lambda: models.Sequential([layers.Input((28, 28)), layers.Conv2D(4, 3)]),
        ValueError,
        r"add the axis of channels",
    ),
    "images too small": (
        lambda: models.Sequential([layers.Input((2, 2, 1)), layers.Conv2D(4, 3)]),
        ValueError,
        r"smaller than one window",
    ),
    "sequences": (
        lambda: models.Sequential([layers.Input((5,)), layers.LSTM(4)]),
        ValueError,
        r"expected \(batch, time, features\)",
    ),
    "reshape": (
        lambda: models.Sequential([layers.Input((5,)), layers.Reshape((2, 3))]),
        ValueError,
        r"have 5 elements each",
    ),
    "ids": (lambda: layers.Embedding(4, 2)(np.array([[1, 4]])), IndexError, r"the id 4 is not in the table"),
    "gates": (
        lambda: layers.LSTM(4, recurrent_activation="hard_sigmoid"),
        NotImplementedError,
        r"expected 'sigmoid'",
    ),
    "masks": (lambda: layers.Embedding(4, 2, mask_zero=True), NotImplementedError, r"mask_zero=True is not covered"),
    "rate": (lambda: layers.Dropout(2), ValueError, r"rate=2, expected a probability"),
    "weights of another shape": (
        lambda: model_for("mse").set_weights([np.zeros((3, 6)), np.zeros(3)]),
        ValueError,
        r"expected \(6, 3\)",
    ),
    "too few weights": (
        lambda: model_for("mse").set_weights([np.zeros((6, 3))]),
        ValueError,
        r"1 arrays for .* which has 2 weights",
    ),
    "a metric that is not here": (
        lambda: model_for("mse", metrics=["f1_score"]),
        ValueError,
        r"'f1_score' is not covered: use Precision and Recall",
    ),
    "a loss that is not here": (lambda: model_for("crossentropy"), ValueError, r"use 'categorical_crossentropy'"),
    "an optimizer that is not here": (lambda: optimizers.get("Nadam"), ValueError, r"'Nadam' is not covered: use"),
    "one-hot for a sparse metric": (
        lambda: fit_and_measure(["sparse_categorical_accuracy"]),
        ValueError,
        r"expected class numbers of shape \(20,\); one-hot targets go with categorical_accuracy",
    ),
    "an area of what is no probability": (
        lambda: metrics.AUC()([0, 1], np.array([0.5, 2.0], np.float32)),
        ValueError,
        r"outputs are from 0\.5 to 2\.0, expected 0 to 1",
    ),
    "a negative epoch": (lambda: fit("mse", ONE_HOT, initial_epoch=-1), ValueError, r"initial_epoch=-1"),
    "an unknown layer in a file": (
        lambda: models.Sequential.from_config({"layers": [{"class_name": "Dens", "config": {}}]}),
        ValueError,
        r"unknown layer 'Dens': did you mean 'Dense'",
    ),
    "a foreign callback": (
        lambda: fit("mse", ONE_HOT, callbacks=[callbacks.EarlyStopping]),
        TypeError,
        r"write it with parentheses",
    ),
    "an ending": (lambda: model_for("mse").save("model.h6"), ValueError, r"ends with something else than .keras"),
    "no file": (lambda: models.load_model("no.keras"), FileNotFoundError, r"there is no file"),
    "to_categorical": (lambda: utils.to_categorical([0, 5], 3), ValueError, r"expected 0 to 2"),
    "seed": (lambda: utils.set_random_seed(-1), ValueError, r"seed=-1"),
    "mode": (lambda: callbacks.EarlyStopping("val_beauty"), ValueError, r"whether less or more"),
    "fan": (lambda: initializers.VarianceScaling(mode="in"), ValueError, r"mode='in', expected one of"),
    "reduction": (lambda: losses.MeanSquaredError(reduction="all"), ValueError, r"reduction='all'"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_in_words(name):
    act, kind, message = MISTAKES[name]
    with pytest.raises(kind, match=message):
        act()


def test_a_failed_set_weights_changes_nothing():
    model = model_for("mse")
    before = model.get_weights()
    with pytest.raises(ValueError, match="expected"):
        model.set_weights([np.ones((6, 3)), np.ones(4)])
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_missing_validation_is_a_warning():
    stop = callbacks.EarlyStopping()
    with pytest.warns(UserWarning, match="no 'val_loss' to look at.*validation_split"):
        model_for("mse").fit(X, ONE_HOT, verbose=0, callbacks=[stop])


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("Model", "only Sequential models are covered"),
        ("applications", "trained models are not offered"),
        ("layers.Lambda", "subclass of layers.Layer"),
        ("layers.MultiHeadAttention", "nn.MultiheadAttention"),
        ("regularizers", "weight_decay"),
        ("preprocessing.text", "NumPy"),
        ("metrics.F1Score", "Precision and Recall"),
        ("optimizers.schedules", "learning_rate"),
        ("losses.Dice", "one number per sample"),
        ("datasets.cifar10", "with NumPy"),
        ("utils.plot_model", "summary"),
        ("layers.Dens", "no attribute 'Dens'$"),
    ],
)
def test_what_is_not_covered_says_what_to_use(path, hint):
    owner = fastgrok.keras
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    with pytest.raises(AttributeError, match=hint):
        getattr(owner, name)
    if "no attribute" not in hint:
        with pytest.raises(ImportError, match=f"cannot import name {name!r} from .*{hint}"):
            exec(f"from {owner.__name__} import {name}", {})
    assert not hasattr(owner, name)
