"""`fastgrok.keras` by itself: models, training, callbacks, files."""

import csv
import math

import numpy as np
import pytest

from fastgrok import keras, nn
from fastgrok.keras import backend as K
from fastgrok.keras import callbacks, layers, models, optimizers, utils
from fastgrok.keras.datasets.imdb import select


@pytest.fixture
def data(rng):
    x = rng.standard_normal((120, 6)).astype(np.float32)
    return x, (x[:, 0] + x[:, 1] > 0).astype(np.int64)


def small(loss="sparse_categorical_crossentropy", optimizer="adam", seed=0):
    utils.set_random_seed(seed)
    model = models.Sequential([layers.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(2, "softmax")])
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


def test_the_listing_runs_and_learns(rng):
    network = models.Sequential()
    network.add(layers.Dense(64, activation="relu", input_shape=(28 * 28,)))
    network.add(layers.Dense(10, activation="softmax"))
    network.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    labels = rng.integers(0, 10, 640)
    images = rng.random((640, 784)).astype("float32") * 0.2
    images[np.arange(640), labels * 70] = 1
    history = network.fit(images, utils.to_categorical(labels), epochs=20, batch_size=64, verbose=0)
    assert history.epoch == list(range(20))
    loss, accuracy = network.evaluate(images, utils.to_categorical(labels), verbose=0)
    assert accuracy > 0.9 > loss


def test_layers_may_wait_for_the_first_call(data):
    model = models.Sequential([layers.Dense(3, activation=K.tanh), layers.Dense(2)])
    assert not model.built
    with pytest.raises(ValueError, match="has no weights yet"):
        model.count_params()
    assert model(data[0]).shape == (120, 2)
    assert model.count_params() == 6 * 3 + 3 + 3 * 2 + 2
    assert [w.path.split("/")[1] for w in model.weights] == ["kernel", "bias"] * 2
    model.pop()
    assert model.output_shape == (None, 3)
    assert len(model.get_weights()) == 2


def test_summary_lists_layers_shapes_and_numbers():
    model = models.Sequential(
        [layers.Input((6,)), layers.Dense(8, name="first"), layers.BatchNormalization(name="norm")]
    )
    lines = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "first (Dense)" in text
    assert "(None, 8)" in text
    assert "Total params: 88" in text
    assert "Non-trainable params: 16" in text


def test_calling_means_inference_unless_told():
    model = models.Sequential([layers.Input((50,)), layers.Dropout(0.5)])
    x = np.ones((2, 50), np.float32)
    np.testing.assert_array_equal(model(x).numpy(), x)
    assert (model(x, training=True).numpy() != x).all()
    np.testing.assert_array_equal(model(x).numpy(), x)


def test_layers_of_your_own_are_trained(data):
    class Gate(layers.Layer):
        def build(self, input_shape):
            self.inner = nn.Linear(input_shape[-1], input_shape[-1])

        def call(self, inputs):
            return inputs * K.sigmoid(self.inner(inputs))

    model = models.Sequential([layers.Input((6,)), Gate(), layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    assert [weight.path for weight in model.weights[:2]] == ["gate/inner.weight", "gate/inner.bias"]
    model.fit(*data, epochs=2, verbose=0)
    assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_model_may_be_a_layer(data):
    inner = models.Sequential([layers.Dense(5, activation="relu"), layers.BatchNormalization()])
    model = models.Sequential([layers.Input((6,)), inner, layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    first = model.fit(*data, epochs=5, verbose=0).history["loss"]
    assert first[-1] < first[0]
    assert len(model.weights) == 8
    assert not inner.training


def test_frozen_layers_stay_as_they_are(data):
    model = small()
    model.layers[0].trainable = False
    before = model.get_weights()
    model.fit(*data, epochs=2, verbose=0)
    after = model.get_weights()
    for k, same in enumerate((True, True, False, False)):
        assert np.array_equal(before[k], after[k]) is same
    assert len(model.trainable_weights) == 2


def test_the_same_seed_trains_alike(data):
    runs = [small(seed=3).fit(*data, epochs=3, verbose=0).history["loss"] for _ in range(2)]
    assert runs[0] == runs[1]


def test_validation_split_takes_the_end_before_shuffling(data):
    x, y = data
    seen = []

    class Spy(layers.Layer):
        def call(self, inputs):
            seen.append((self.training, inputs.numpy()[:, 0]))
            return inputs

    model = models.Sequential([layers.Input((6,)), Spy(), layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, y, validation_split=0.25, epochs=1, verbose=0, batch_size=30)
    trained = np.concatenate([values for training, values in seen if training])
    held_out = np.concatenate([values for training, values in seen if not training])
    np.testing.assert_array_equal(held_out, x[90:, 0])
    np.testing.assert_array_equal(np.sort(trained), np.sort(x[:90, 0]))
    assert not np.array_equal(trained, x[:90, 0])


def test_fit_shows_a_line_per_epoch(data, capsys):
    small().fit(*data, epochs=2, verbose=2, validation_split=0.5)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("Epoch 1/2: 2/2 - ")
    assert "val_accuracy: " in lines[1]
    small().evaluate(*data)
    assert capsys.readouterr().out.startswith("4/4 - ")
    small().fit(*data, epochs=2, verbose=0)
    assert capsys.readouterr().out == ""


def test_history_plots(data, tmp_path):
    pytest.importorskip("matplotlib")
    history = small().fit(*data, epochs=3, verbose=0, validation_split=0.2)
    history.plot(tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 1000


def test_an_epoch_that_ends_early_is_still_in_the_history(data):
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    heard = []
    listen = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: heard.append((epoch, sorted(logs))))
    history = small().fit(*data, epochs=5, verbose=0, callbacks=[Stop(), listen])
    assert history.epoch == [0]
    assert heard == [(0, ["accuracy", "loss"])]


def test_hooks_come_in_keras_order(data):
    heard = []

    class Listener(callbacks.Callback):
        pass

    for name in [name for name in vars(callbacks.Callback) if name.startswith("on_") and "batch_b" not in name]:
        if not name.startswith("on_batch"):
            setattr(Listener, name, lambda self, *args, name=name: heard.append(name))
    small().fit(*data, epochs=1, batch_size=60, verbose=0, validation_data=data, callbacks=[Listener()])
    assert heard == [
        "on_train_begin",
        "on_epoch_begin",
        "on_train_batch_end",
        "on_train_batch_end",
        "on_test_begin",
        "on_test_batch_end",
        "on_test_batch_end",
        "on_test_end",
        "on_epoch_end",
        "on_train_end",
    ]


def test_early_stopping_gives_the_best_weights_back(data):
    x, y = data
    stop = callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True)
    model = small(optimizer=optimizers.SGD(20.0))
    history = model.fit(x, y, epochs=50, verbose=0, validation_split=0.3, callbacks=[stop])
    assert len(history.epoch) < 50
    values = history.history["val_loss"]
    assert stop.best == min(values)
    assert model.evaluate(x[84:], y[84:], verbose=0)[0] == pytest.approx(min(values), rel=1e-5)


def test_checkpoints_and_logs_are_written(data, tmp_path):
    model = small()
    logger = callbacks.CSVLogger(tmp_path / "log.csv")
    best = callbacks.ModelCheckpoint(tmp_path / "best.safetensors", monitor="loss", save_best_only=True)
    each = callbacks.ModelCheckpoint(tmp_path / "{epoch:02d}.safetensors", save_weights_only=True)
    rate = callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 / (epoch + 1))
    history = model.fit(*data, epochs=3, verbose=0, callbacks=[rate, logger, best, each])
    assert {path.name for path in tmp_path.iterdir()} == {
        "log.csv",
        "best.safetensors",
        "01.safetensors",
        "02.safetensors",
        "03.safetensors",
    }
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == history.history["loss"]
    assert history.history["learning_rate"] == pytest.approx([0.1, 0.05, 0.1 / 3])
    loaded = models.load_model(tmp_path / "best.safetensors")
    np.testing.assert_array_equal(loaded.predict(data[0]), model.predict(data[0]))
    assert loaded.evaluate(*data, verbose=0) == model.evaluate(*data, verbose=0)


def test_tensorboard_gets_every_epoch(data, tmp_path):
    pytest.importorskip("tensorboardX")
    small().fit(*data, epochs=2, verbose=0, validation_split=0.2, callbacks=[callbacks.TensorBoard(tmp_path)])
    for folder in ("train", "validation"):
        (file,) = (tmp_path / folder).iterdir()
        content = file.read_bytes()
        assert b"epoch_loss" in content
        assert b"epoch_accuracy" in content


def test_a_loss_that_is_no_number_ends_the_training_if_asked(data, capsys):
    x, y = data
    x = x.copy()
    x[50] = np.nan
    history = small().fit(x, y, epochs=3, verbose=0, shuffle=False)
    assert len(history.epoch) == 3
    history = small().fit(x, y, epochs=3, verbose=0, shuffle=False, callbacks=[callbacks.TerminateOnNaN()])
    assert history.epoch == [0]
    assert math.isnan(history.history["loss"][0])
    assert "Invalid loss" in capsys.readouterr().err


def test_reduce_on_plateau_sets_the_rate_of_the_updates(data):
    reduce = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=100.0)
    model = small(optimizer=optimizers.SGD(0.4))
    history = model.fit(*data, epochs=4, verbose=0, callbacks=[reduce])
    assert history.history["learning_rate"] == pytest.approx([0.4, 0.4, 0.2, 0.1])
    assert model.optimizer.inner.param_groups[0]["lr"] == pytest.approx(0.05)
    K.set_value(model.optimizer.learning_rate, 0.25)
    assert model.optimizer.inner.param_groups[0]["lr"] == model.optimizer.learning_rate.numpy() == 0.25


@pytest.mark.parametrize("ending", ["model.keras", "model.safetensors"])
def test_saved_models_come_back(rng, tmp_path, ending):
    if ending.endswith(".keras"):
        pytest.importorskip("h5py")
    x = rng.standard_normal((3, 9, 9, 1)).astype(np.float32)
    model = models.Sequential(
        [
            layers.Conv2D(
                4, 3, activation="relu", padding="same", kernel_initializer="he_normal", input_shape=(9, 9, 1)
            ),
            layers.MaxPooling2D(),
            layers.BatchNormalization(),
            layers.Reshape((16, 4)),
            layers.Bidirectional(layers.GRU(5)),
            layers.Dense(2, activation=K.tanh),
        ]
    )
    model.compile(optimizers.RMSprop(0.5), "mse", metrics=["mae"])
    model.save(tmp_path / ending)
    loaded = models.load_model(tmp_path / ending)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    assert loaded.get_config() == model.get_config()
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    with pytest.raises(FileExistsError):
        model.save(tmp_path / ending, overwrite=False)


def test_to_categorical_and_split_dataset(rng):
    np.testing.assert_array_equal(utils.to_categorical([[1], [0]], 3), [[0, 1, 0], [1, 0, 0]])
    x, y = rng.standard_normal((20, 3)), np.arange(20)
    left, right = utils.split_dataset((x, y), left_size=0.7, shuffle=True, seed=1)
    assert (len(left), len(right)) == (14, 6)
    together = np.concatenate([left.tensors[1].numpy(), right.tensors[1].numpy()])
    np.testing.assert_array_equal(np.sort(together), y)
    model = models.Sequential([layers.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(left, validation_data=(right.tensors[0], right.tensors[1]), verbose=0)


def test_words_of_reviews_are_selected_as_asked():
    parts = [([[1, 2, 50], [7]], np.array([0, 1])), ([[60, 3]], np.array([1]))]
    (x, y), (x_test, _) = select(parts, 20, 0, None, 1, 2, 3)
    assert [list(review) for review in x] == [[1, 4, 5, 2], [1, 10]]
    assert list(x_test[0]) == [1, 2, 6]
    (x, y), _ = select(parts, 20, 0, 4, None, None, 0)
    assert [list(review) for review in x] == [[1, 2], [7]]
    assert list(y) == [0, 1]


def test_data_sets_that_are_not_here_say_what_to_do(tmp_path, monkeypatch):
    from fastgrok.data import datasets as fetching
    from fastgrok.data.datasets import DatasetError

    monkeypatch.setattr(fetching, "cache_directory", lambda: tmp_path / "cache")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody answers there
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("FASTGROK_DATA_DIR", str(tmp_path))
    for name in ("mnist", "fashion_mnist", "imdb"):
        with pytest.raises(DatasetError, match=r"cannot be downloaded .*; get http.* FASTGROK_DATA_DIR"):
            getattr(keras.datasets, name).load_data()


def test_backend_functions():
    x = K.constant([[-1.0, 2.0]])
    assert K.get_value(K.relu(x)).tolist() == [[0.0, 2.0]]
    assert K.mean(x, axis=-1, keepdims=True).shape == (1, 1)
    assert K.int_shape(K.expand_dims(x)) == (1, 2, 1)
    assert K.epsilon() == 1e-7
