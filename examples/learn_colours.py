"""Self-supervised learning: give grey images their colours back.

Learnt here: a colour image contains an exercise and its solution. Take the colours away and let a network restore them:
to do so, it must find out what is in the image. The features it finds serve other purposes too.

MNIST is grey, so every digit is tinted first: each of the ten has a tint of its own, with some variation, as bananas
have. The tint nearly tells the digit then, which is why this task teaches more about digits than colours of photos do.
"""

import argparse
import colorsys

import numpy as np
from pretext import SIDE, WIDTH, baselines, batches, draw_grid, encoder, features, probe, read

import fastgrok
from fastgrok import nn

BATCH = 128


def tint(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return a colour (N, 3) for every digit: red, green and blue from 0 to 1."""
    typical = np.array([colorsys.hsv_to_rgb(digit / 10, 0.8, 1.0) for digit in range(10)])
    return (typical[labels] + generator.normal(0, 0.08, (len(labels), 3))).clip(0, 1).astype(np.float32)


def paint(colours: fastgrok.Tensor, images: fastgrok.Tensor) -> fastgrok.Tensor:
    """Return images (N, 3, 784) in these colours; black stays black."""
    return colours[:, :, None] * images[:, None, :]


def main() -> None:
    """Learn to colour, look at the errors, and see what else the features are good for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--plot", metavar="FILE", help="draw grey, coloured and true images")
    options = parser.parse_args()

    data = read()
    generator = np.random.default_rng(0)
    colours, test_colours = tint(data.labels, generator), tint(data.test_labels, generator)

    model = encoder()
    guess = nn.Sequential(nn.Linear(WIDTH, 3), nn.Sigmoid())
    baselines(data)
    optimizer = fastgrok.optim.Adam([*model.parameters(), *guess.parameters()], lr=2e-3)
    for epoch in range(options.epochs):
        for numbers in batches(len(data.images), BATCH, epoch):
            grey, true = fastgrok.from_numpy(data.images[numbers]), fastgrok.from_numpy(colours[numbers])
            loss = nn.functional.mse_loss(paint(guess(model(grey)), grey), paint(true, grey))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        guessed = features(nn.Sequential(model, guess), data.test_images)
        print(f"epoch {epoch + 1}: colours are wrong by {np.abs(guessed - test_colours).mean():.3f} on average")
    print(f"always the mean colour would be wrong by {np.abs(colours.mean(axis=0) - test_colours).mean():.3f}")
    print(f"off the features now: {probe(model, data):.0%}")

    if options.plot:
        grey, guessed, true = (fastgrok.from_numpy(part[:16]) for part in (data.test_images, guessed, test_colours))
        rows = {"grey": paint(fastgrok.ones(16, 3), grey), "coloured": paint(guessed, grey), "true": paint(true, grey)}
        pictures = {name: row.numpy().reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1) for name, row in rows.items()}
        draw_grid(pictures, options.plot)


if __name__ == "__main__":
    main()
