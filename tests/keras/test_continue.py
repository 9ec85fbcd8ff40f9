"""Training that goes on from a file, as if it had never been interrupted."""

import numpy as np
import pytest

from fastgrok.keras import callbacks, layers, models, optimizers

SHAPE = (7, 5)
OPTIMIZERS = {
    "sgd": lambda o: o.SGD(0.05),
    "momentum": lambda o: o.SGD(0.05, momentum=0.9),
    "adam": lambda o: o.Adam(0.01),
    "adamw": lambda o: o.AdamW(0.01),
    "rmsprop": lambda o: o.RMSprop(0.01),
    "centered rmsprop with momentum": lambda o: o.RMSprop(0.01, momentum=0.5, centered=True),
    "rmsprop with a large epsilon": lambda o: o.RMSprop(0.01, epsilon=0.01),
    "adagrad": lambda o: o.Adagrad(0.05, initial_accumulator_value=1e-3),
}
ENDINGS = ("model.keras", "model.safetensors")


def build(l):
    return [
        l.GRU(4, return_sequences=True),
        l.BatchNormalization(),
        l.LSTM(4),
        l.Dense(3, activation="softmax"),
    ]


@pytest.fixture
def data(rng):
    x = rng.standard_normal((48, *SHAPE)).astype(np.float32)
    x[:, :, 0] = 0  # some weights never get a gradient
    return x, np.eye(3, dtype=np.float32)[rng.integers(0, 3, 48)]


def model_with(optimizer):
    model = models.Sequential([layers.Input(SHAPE), *build(layers)])
    model.compile(optimizer, "categorical_crossentropy", metrics=["mae"])
    return model


def train(model, data, epochs=3):
    return np.array(model.fit(*data, epochs=epochs, batch_size=16, shuffle=False, verbose=0).history["loss"])


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_from_a_file(data, tmp_path, name, ending):
    if ending.endswith(".keras"):
        pytest.importorskip("h5py")
    model = model_with(OPTIMIZERS[name](optimizers))
    train(model, data)
    model.save(tmp_path / ending)
    through, loaded = train(model, data), models.load_model(tmp_path / ending)
    assert loaded.optimizer.iterations == 9
    # Keras' units round once where epsilon or the rate is in ours; all else is bit for bit the same.
    np.testing.assert_allclose(train(loaded, data), through, rtol=0, atol=1e-6 if "rmsprop" in name else 0)
    if name != "sgd":  # which keeps nothing
        fresh = models.load_model(tmp_path / ending, compile=False)
        fresh.compile(OPTIMIZERS[name](optimizers), "categorical_crossentropy")
        assert np.abs(train(fresh, data) - through).max() > 1e-3


@pytest.mark.keras
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_in_keras_and_back(data, tmp_path, name):
    keras = pytest.importorskip("keras")
    pytest.importorskip("h5py")
    theirs = keras.Sequential([keras.layers.Input(SHAPE), *build(keras.layers)])
    theirs.compile(OPTIMIZERS[name](keras.optimizers), "categorical_crossentropy", metrics=["mae"])
    ours = model_with(OPTIMIZERS[name](optimizers))
    ours.set_weights(theirs.get_weights())
    for model, file in ((theirs, "theirs.keras"), (ours, "ours.keras")):
        train(model, data)
        model.save(tmp_path / file)
    expected = train(theirs, data)
    np.testing.assert_allclose(train(models.load_model(tmp_path / "theirs.keras"), data), expected, atol=1e-5)
    np.testing.assert_allclose(train(keras.models.load_model(tmp_path / "ours.keras"), data), expected, atol=1e-5)


def test_frozen_layers_and_a_changed_rate_are_in_the_file(data, tmp_path):
    model = model_with("adam")
    model.layers[0].trainable = False
    frozen = model.layers[0].get_weights()
    train(model, data)
    assert all(np.array_equal(a, b) for a, b in zip(frozen, model.layers[0].get_weights(), strict=True))
    model.optimizer.learning_rate = 0.02
    model.save(tmp_path / "model.safetensors")
    loaded = models.load_model(tmp_path / "model.safetensors")
    assert float(loaded.optimizer.learning_rate) == 0.02
    assert not loaded.layers[0].trainable
    np.testing.assert_array_equal(train(loaded, data), train(model, data))


def test_a_checkpoint_of_the_callback_goes_on(data, tmp_path):
    model = model_with("rmsprop")
    path = tmp_path / "{epoch}.safetensors"
    options = {"batch_size": 16, "shuffle": False, "verbose": 0}
    through = model.fit(*data, epochs=4, callbacks=[callbacks.ModelCheckpoint(path)], **options).history["loss"]
    loaded = models.load_model(tmp_path / "2.safetensors")
    history = loaded.fit(*data, epochs=4, initial_epoch=2, **options)
    assert history.epoch == [2, 3]
    np.testing.assert_allclose(history.history["loss"], through[2:], rtol=0, atol=1e-6)


def test_the_state_of_other_weights_is_refused(data):
    model = model_with("adam")
    train(model, data, epochs=1)
    weights = model.trainable_weights
    variables = model.optimizer.file_variables(weights)
    with pytest.raises(ValueError, match="arrays of an optimizer where Adam has"):
        model.optimizer.load_file_variables(weights, variables[:-1])
    with pytest.raises(ValueError, match="or other shapes"):
        model.optimizer.load_file_variables(weights, variables[:2] + variables[:1:-1])
