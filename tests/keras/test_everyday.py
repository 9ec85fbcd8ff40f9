"""What scripts for Keras do every day, beyond the plain listing."""

import json

import numpy as np
import pytest

from fastgrok import keras
from fastgrok.keras import backend as K
from fastgrok.keras import callbacks, layers, losses, metrics, models, optimizers


@pytest.fixture
def data(rng):
    x = rng.standard_normal((60, 6)).astype(np.float32)
    return x, np.eye(3, dtype=np.float32)[rng.integers(0, 3, 60)]


def small(units=3, last="softmax", loss="categorical_crossentropy", **options):
    model = models.Sequential([layers.Input((6,)), layers.Dense(8, "relu"), layers.Dense(units, last)])
    model.compile("sgd", loss, **options)
    return model


# ---------------------------------------------------------------------------------------------------- data


def test_an_axis_of_size_one_comes_and_goes(rng):
    line = models.Sequential([layers.Input((1,)), layers.Dense(1)])
    line.compile(optimizers.SGD(0.1), "mse")
    x = np.linspace(-1, 1, 20)
    line.fit(x, 2 * x + 1, epochs=60, verbose=0, validation_data=(x, 2 * x + 1))
    assert line.evaluate(x, 2 * x + 1, verbose=0) < 1e-2
    assert line.predict(x).shape == (20, 1)
    images = models.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Flatten()])
    pixels = rng.integers(0, 255, (4, 8, 8)).astype(np.uint8)
    np.testing.assert_array_equal(images.predict(pixels), images.predict(pixels[..., None]))
    flat = models.Sequential([layers.Input((6,)), layers.Dense(2)])
    assert flat.predict(np.zeros((5, 6, 1))).shape == (5, 2)


def test_lists_bytes_and_truth_values(rng):
    x = rng.integers(0, 255, (20, 4, 3)).astype(np.uint8)
    model = models.Sequential([layers.Flatten(input_shape=(4, 3)), layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["acc"])
    y = x[:, 0, 0] > 100
    assert sorted(model.fit(x.tolist(), y.tolist(), verbose=0, validation_split=0.2).history) == [
        "acc", "loss", "val_acc", "val_loss",
    ]  # fmt: skip
    assert model.evaluate(x, y[:, None].astype(np.uint8), verbose=0)[0] > 0
    np.testing.assert_array_equal(model.predict(x.tolist()), model.predict(x))


@pytest.mark.parametrize("size", [1, 7, 60, 1000, None])
def test_predict_in_batches_of_any_size(data, size):
    model = small()
    np.testing.assert_allclose(
        model.predict(data[0], batch_size=size), model(data[0]).detach().numpy(), rtol=0, atol=1e-6
    )


def test_evaluate_returns_what_it_is_asked_for(data):
    model = small(metrics=["acc", "mae"])
    values = model.evaluate(*data, verbose=0)
    assert model.evaluate(*data, verbose=0, return_dict=True) == dict(zip(model.metrics_names, values, strict=True))
    assert model.metrics_names == [metric.name for metric in model.metrics] == ["loss", "acc", "mae"]
    assert isinstance(small().evaluate(*data, verbose=0), float)
    model.reset_metrics()


# ---------------------------------------------------------------------------------------------------- fit


def test_epochs_are_numbered_on(data):
    model, seen = small(), []
    listen = callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch))
    model.fit(*data, epochs=2, verbose=0, callbacks=[listen])
    history = model.fit(*data, initial_epoch=2, epochs=4, verbose=0, callbacks=[listen])
    assert history.epoch == [2, 3]
    assert len(history.history["loss"]) == 2
    assert seen == [0, 1, 2, 3]
    before = model.get_weights()
    with pytest.warns(UserWarning, match="the number of the last epoch and not how many more"):
        history = model.fit(*data, initial_epoch=4, epochs=4, verbose=0)
    assert (history.epoch, history.history) == ([], {})
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_validation_in_some_epochs(data):
    history = small().fit(*data, epochs=6, verbose=0, validation_data=data, validation_freq=[1, 5])
    assert len(history.history["val_loss"]) == 2
    assert len(history.history["loss"]) == 6


def test_a_frozen_model_is_measured(data):
    model = models.Sequential([layers.Input((6,)), layers.Dense(3), layers.BatchNormalization()])
    model.trainable = False
    model.compile("adam", "mse")
    before = model.get_weights()
    history = model.fit(*data, epochs=2, verbose=0)
    assert history.history["loss"][0] == pytest.approx(history.history["loss"][1])
    assert model.train_on_batch(*data) == pytest.approx(history.history["loss"][0], rel=1e-5)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_callbacks_know_how_they_are_called(data):
    heard = []

    class Listener(callbacks.Callback):
        def on_train_begin(self, logs=None):
            heard.append(self.params)

        def on_predict_batch_end(self, batch, logs=None):
            heard.append((batch, logs["outputs"].shape))

        def on_epoch_end(self, epoch, logs=None):
            self.model.predict(data[0], verbose=0)
            logs["mine"] = self.model.evaluate(*data, verbose=0)

    model = small()
    history = model.fit(*data, epochs=2, verbose=0, callbacks=[Listener()])
    assert heard == [{"epochs": 2, "steps": 2, "verbose": 0}]
    assert len(history.history["mine"]) == 2
    assert model.evaluate(*data, verbose=0) == pytest.approx(history.history["mine"][-1])
    model.predict(data[0], batch_size=40, callbacks=[Listener()])
    assert heard[1:] == [(0, (40, 3)), (1, (20, 3))]


def test_functions_of_your_own(data):
    def distance(y_true, y_pred):
        return K.mean(K.abs(y_pred - K.constant(y_true)), axis=-1)

    def loss(y_true, y_pred):
        return K.mean(K.square(y_pred - K.constant(y_true)))  # one number for all

    model = models.Sequential([layers.Input((6,)), layers.Dense(8, lambda x: x * K.sigmoid(x)), layers.Dense(3)])
    model.compile("adam", loss, metrics=[distance, "mae"])
    history = model.fit(*data, epochs=3, verbose=0).history
    np.testing.assert_allclose(history["distance"], history["mae"], rtol=1e-5)
    assert history["loss"][-1] < history["loss"][0]


# ---------------------------------------------------------------------------------------------------- metrics


@pytest.mark.keras
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("AUC", {}), ("AUC", {"curve": "PR"}), ("AUC", {"num_thresholds": 7}),
        ("AUC", {"num_thresholds": 2, "curve": "PR"}),
        ("Precision", {}), ("Recall", {"thresholds": 0.3}), ("TruePositives", {}), ("FalsePositives", {}),
        ("TrueNegatives", {}), ("FalseNegatives", {"thresholds": 0.7}), ("MeanSquaredError", {}),
        ("MeanAbsoluteError", {}),
        ("MeanSquaredLogarithmicError", {}), ("RootMeanSquaredError", {}), ("LogCoshError", {}), ("Hinge", {}),
        ("SquaredHinge", {}), ("CategoricalHinge", {}), ("KLDivergence", {}), ("Poisson", {}), ("CosineSimilarity", {}),
        ("BinaryCrossentropy", {"label_smoothing": 0.1}), ("CategoricalCrossentropy", {}), ("BinaryAccuracy", {}),
        ("CategoricalAccuracy", {}), ("TopKCategoricalAccuracy", {"k": 2}),
    ],
)  # fmt: skip
def test_metrics_are_those_of_keras(rng, name, settings, weights):
    library = pytest.importorskip("keras").metrics
    theirs, ours = getattr(library, name)(**settings), getattr(metrics, name)(**settings)
    for count in (30, 7, 1):
        y = np.eye(4, dtype=np.float32)[rng.integers(0, 4, count)]
        outputs = rng.random((count, 4)).astype(np.float32)
        outputs = np.round(outputs, 2) if count == 7 else outputs  # on thresholds, too
        given = rng.random(count).astype(np.float32) if weights else None
        theirs.update_state(y, outputs, sample_weight=given)
        ours.update_state(y, outputs, given)
        assert float(ours.result()) == pytest.approx(float(theirs.result()), rel=1e-4, abs=1e-6)
    assert ours.name.rstrip("_0123456789") == theirs.name.rstrip("_0123456789")
    assert metrics.get(metrics.serialize(ours)).get_config() == ours.get_config()


@pytest.mark.keras
def test_metrics_have_the_names_of_keras(data):
    theirs = pytest.importorskip("keras")
    names = ["acc", "MAE", "Precision", "AUC", "mean_squared_error", "CategoricalCrossentropy", "cosine_similarity"]
    found = []
    for library in (theirs, keras):
        model = library.Sequential([library.layers.Input((6,)), library.layers.Dense(3, activation="softmax")])
        model.set_weights([np.linspace(-1, 1, 18).reshape(6, 3), np.zeros(3)])
        model.compile("sgd", "categorical_crossentropy", metrics=names, weighted_metrics=["acc", "mse"])
        weights = np.linspace(0, 1, 60)
        found.append(model.fit(*data, sample_weight=weights, shuffle=False, verbose=0, validation_data=data).history)
    assert set(found[0]) == set(found[1])
    for name, values in found[0].items():
        assert found[1][name] == pytest.approx(values, rel=1e-4, abs=1e-5), name


# ---------------------------------------------------------------------------------------------------- layers, files


class Scale(layers.Layer):
    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")
        self.count = self.add_weight(shape=(), trainable=False, name="count")

    def call(self, inputs):
        return inputs * self.factor


def test_weights_of_your_own_layers(data, tmp_path):
    model = models.Sequential([layers.Input((6,)), Scale(name="scale"), layers.Dense(3)])
    model.compile("adam", "mse")
    assert [(w.path, w.shape, w.trainable) for w in model.weights[:2]] == [
        ("scale/factor", (6,), True),
        ("scale/count", (), False),
    ]
    model.fit(*data, epochs=2, verbose=0)
    factor, count = model.layers[0].get_weights()
    assert (factor != 1).all()
    assert count == 0
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="unknown layer 'Scale'"):
        models.load_model(tmp_path / "model.safetensors")
    loaded = models.load_model(tmp_path / "model.safetensors", custom_objects={"Scale": Scale})
    np.testing.assert_array_equal(loaded.predict(data[0]), model.predict(data[0]))
    loaded.weights[0].assign_add(np.ones(6))
    loaded.weights[0].assign_sub(np.full(6, 0.5))
    np.testing.assert_allclose(loaded.get_weights()[0], factor + 0.5, rtol=1e-6)


@pytest.mark.parametrize("options", [{"regularizer": "l2"}, {"dtype": "int32"}])
def test_options_of_weights_that_are_not_covered(options):
    with pytest.raises(NotImplementedError, match="is not covered"):
        layers.Layer().add_weight(shape=(3,), **options)


def test_layers_without_weights_as_json():
    model = small()
    same = models.model_from_json(model.to_json())
    assert same.get_config() == model.get_config() == models.clone_model(model).get_config()
    assert same.count_params() == model.count_params()
    assert not np.array_equal(same.get_weights()[0], model.get_weights()[0])
    nested = models.Sequential([layers.Input((6,)), models.Sequential([layers.Dense(2)]), layers.Dense(1)])
    assert models.clone_model(nested).output_shape == (None, 1)
    with pytest.raises(ValueError, match="only Sequential models are covered"):
        models.model_from_json(json.dumps({"class_name": "Functional"}))
    assert layers.InputLayer(input_shape=(3,)).batch_shape == (None, 3)


@pytest.mark.parametrize("ending", ["model.keras", "model.safetensors"])
def test_losses_and_metrics_come_back_from_files(data, tmp_path, ending):
    if ending.endswith(".keras"):
        pytest.importorskip("h5py")
    loss = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    measured = [metrics.AUC(name="area", curve="PR", num_thresholds=9), "acc", metrics.categorical_accuracy]
    model = small(loss=loss, metrics=measured[1:], weighted_metrics=[metrics.Precision(0.4)])
    model.fit(*data, verbose=0)
    model.save(tmp_path / ending)
    loaded = models.load_model(tmp_path / ending)
    assert loaded.evaluate(*data, verbose=0, return_dict=True) == model.evaluate(*data, verbose=0, return_dict=True)
    assert loaded.loss.get_config() == loss.get_config()


@pytest.mark.keras
def test_keras_reads_losses_and_metrics(data, tmp_path):
    theirs = pytest.importorskip("keras")
    pytest.importorskip("h5py")
    model = small(
        last=None, loss=losses.CategoricalCrossentropy(from_logits=True), metrics=["acc", metrics.MeanSquaredError()]
    )
    model.save(tmp_path / "model.keras")
    loaded = theirs.models.load_model(tmp_path / "model.keras")
    expected = loaded.evaluate(*data, verbose=0, return_dict=True)
    assert model.evaluate(*data, verbose=0, return_dict=True) == pytest.approx(expected, rel=1e-5)
    loaded.save(tmp_path / "theirs.keras")
    back = models.load_model(tmp_path / "theirs.keras")
    assert back.evaluate(*data, verbose=0, return_dict=True) == pytest.approx(expected, rel=1e-5)


def test_a_loss_of_your_own_is_not_in_the_file(data, tmp_path):
    model = small(loss=lambda y_true, y_pred: K.mean(K.square(y_pred - K.constant(y_true))))
    with pytest.warns(UserWarning, match="after load_model, call compile"):
        model.save(tmp_path / "model.safetensors")
    loaded = models.load_model(tmp_path / "model.safetensors")
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded.predict(data[0]), model.predict(data[0]))


def test_sequences_are_padded_where_keras_has_it_too():
    from fastgrok.keras.preprocessing import sequence
    from fastgrok.keras.preprocessing.sequence import pad_sequences

    assert pad_sequences is sequence.pad_sequences is keras.utils.pad_sequences
