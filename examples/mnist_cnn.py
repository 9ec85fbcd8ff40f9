"""Read digits with a convolutional network: `python examples/mnist_cnn.py --library fastgrok` (or torch).

Data: the 10,000 test digits of MNIST (LeCun, Cortes, Burges), `mnist_t10k/t10k-*-ubyte.gz` in the folder `--data`.
8,000 of them are trained on, and the other 2,000 are read at the end.
"""

import gzip

import numpy as np
from either import accuracy, arguments, read, set_weights, shuffled, train

TRAINED, BATCH = 8000, 64


def digits(options):
    """Return the images (N, 1, 28, 28), from 0 to 1, and the labels (N,)."""
    folder = options.data / "mnist_t10k"
    images, labels = (
        np.frombuffer(gzip.decompress(read(folder / f"t10k-{name}-ubyte.gz")), np.uint8, offset=offset)
        for name, offset in (("images-idx3", 16), ("labels-idx1", 8))
    )
    return (images.reshape(-1, 1, 28, 28) / 255).astype(np.float32), labels.astype(np.int64)


def network(nn, dropout):
    """Two convolutions, each halved in size by the larger of neighbours, and a linear layer."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(32 * 7 * 7, 10),
    )


def main():
    """Train, then read the digits that were kept back."""
    options = arguments(__doc__, epochs=4)
    library = options.package
    images, labels = digits(options)
    model = network(library.nn, options.dropout)
    set_weights(library, model, options.seed)

    def batch(rows):
        return library.from_numpy(images[rows]), library.from_numpy(labels[rows])

    def loss(model, batch):
        x, y = batch
        return library.nn.functional.cross_entropy(model(x), y)

    batches = (batch(rows) for rows in shuffled(TRAINED, BATCH, options.seed, options.epochs))
    train(options, model, batches, loss, lr=2e-3)
    accuracy(options, model, (batch(np.arange(k, k + 500)) for k in range(TRAINED, len(images), 500)))


if __name__ == "__main__":
    main()
