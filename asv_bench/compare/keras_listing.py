"""Time the opening listing of Chollet's book with `fastgrok.keras` and with Keras 3 on its PyTorch backend.

    python asv_bench/compare/keras_listing.py [--epochs 1] [--rounds 3] [--updates 469] [--threads 1]

Both train `Dense(512, relu)`, `Dense(10, softmax)` from the same weights on the same 60,000 images in batches of 128
with rmsprop. The images are the 10,000 of MNIST's test file, tiled, from FASTGROK_DATA_DIR; random ones without it.
Rounds alternate between the two. The least time of each counts, and the median of the rounds' own ratios: process
time with one thread, else wall-clock time. A short first round of each, which compiles, is not timed.
"""

import argparse
import os
import statistics
import sys
import time

os.environ["KERAS_BACKEND"] = "torch"


def images(count):
    """Return `count` images (N, 784) float32 and one-hot labels (N, 10)."""
    import numpy as np

    from fastgrok.data.images import mnist
    from fastgrok.keras.utils import to_categorical

    try:
        x, y = mnist(train=False)
    except OSError:
        rng = np.random.default_rng(0)
        x, y = rng.integers(0, 256, (10_000, 28, 28)), rng.integers(0, 10, 10_000)
    copies = -(-count // len(x))
    x = np.tile(x.reshape(-1, 784).astype("float32") / 255, (copies, 1))[:count]
    return x, to_categorical(np.tile(y, copies)[:count]).astype("float32")


def listing(models, layers):
    """Return the model of the listing, compiled."""
    network = models.Sequential()
    network.add(layers.Input((784,)))
    network.add(layers.Dense(512, activation="relu"))
    network.add(layers.Dense(10, activation="softmax"))
    network.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    return network


def main():
    """Time both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=1, help="per round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=469, help="per epoch")
    parser.add_argument("--threads", type=int, default=1, help="of each; beyond 1, wall-clock time is what counts")
    options = parser.parse_args()

    import torch

    torch.set_num_threads(options.threads)
    import keras

    import fastgrok
    from fastgrok.keras import layers, models

    fastgrok.set_num_threads(options.threads)
    x, y = images(min(60_000, options.updates * 128))
    print(
        f"keras {keras.__version__} on torch {torch.__version__}; {len(x):,} images, {options.threads} thread(s) each",
        flush=True,
    )
    clock = time.process_time if options.threads == 1 else time.perf_counter
    networks = {"fastgrok": listing(models, layers), "keras": listing(keras.models, keras.layers)}
    networks["fastgrok"].set_weights(networks["keras"].get_weights())
    best, losses, ratios = {}, {}, []
    for k in range(options.rounds + 1):
        taken = {}
        for name, network in networks.items():
            began = clock()
            part = slice(None) if k else slice(0, 128 * 10)
            history = network.fit(x[part], y[part], epochs=options.epochs, batch_size=128, verbose=0, shuffle=False)
            taken[name] = seconds = (clock() - began) / options.epochs
            losses[name] = history.history["loss"][-1]
            if k:
                best[name] = min(seconds, best.get(name, seconds))
                print(f"  round {k}: {name:8} {seconds:7.3f} s an epoch, loss {losses[name]:.6f}", flush=True)
        if k:
            ratios.append(taken["keras"] / taken["fastgrok"])
    ratio = best["keras"] / best["fastgrok"]
    print(f"fastgrok {best['fastgrok']:.2f} s, keras {best['keras']:.2f} s an epoch: {ratio:.2f} times as fast")
    print(f"median of the rounds' own ratios: {statistics.median(ratios):.2f}")
    difference = abs(losses["fastgrok"] - losses["keras"])
    if difference > 1e-4:
        sys.exit(f"the losses differ by {difference:g}")


if __name__ == "__main__":
    main()
