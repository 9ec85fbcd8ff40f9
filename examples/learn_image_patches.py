"""Self-supervised learning: fill in the missing patches of an image.

Learnt here: cut an image into 16 patches, hide 6 of them, and let a network say what was there. The image itself is the
solution, so that no one has to label anything, and to continue strokes one must know what digits look like. Knowing
which digit it is helps little, though: off these features it is read no better than off the pixels, whereas tasks that
are about the whole image (`learn_colours.py`, `learn_triplets.py`, `ch16_contrastive_learning.py`) make better ones.
"""

import argparse

import numpy as np
from pretext import SIDE, WIDTH, baselines, batches, draw_grid, encoder, features, probe, read

import fastgrok
from fastgrok import nn

BATCH, EDGE, HIDDEN = 128, 7, 6  # patches of 7 x 7 pixels
# Which pixels belong to which patch: (16, 49).
PATCHES = np.arange(SIDE * SIDE).reshape(4, EDGE, 4, EDGE).transpose(0, 2, 1, 3).reshape(16, EDGE * EDGE)


def hide(count: int, generator: np.random.Generator) -> np.ndarray:
    """Return for each of so many images which pixels are hidden: 1 in hidden patches, 0 elsewhere."""
    drawn = generator.random((count, len(PATCHES))).argsort(axis=1)[:, :HIDDEN]
    hidden = np.zeros((count, SIDE * SIDE), np.float32)
    np.put_along_axis(hidden, PATCHES[drawn].reshape(count, -1), 1, axis=1)
    return hidden


def main() -> None:
    """Learn to fill in, and see what else the features are good for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--plot", metavar="FILE", help="draw images with holes, filled in, and whole")
    options = parser.parse_args()

    data = read()
    generator = np.random.default_rng(0)
    holes = hide(len(data.test_images), generator)

    model = encoder()
    fill = nn.Sequential(nn.Linear(WIDTH, 256), nn.ReLU(), nn.Linear(256, SIDE * SIDE), nn.Sigmoid())
    whole = nn.Sequential(model, fill)
    baselines(data)
    optimizer = fastgrok.optim.Adam(whole.parameters(), lr=2e-3)
    for epoch in range(options.epochs):
        for numbers in batches(len(data.images), BATCH, epoch):
            hidden = hide(BATCH, generator)
            images = data.images[numbers]
            error = whole(fastgrok.from_numpy(images * (1 - hidden))) - fastgrok.from_numpy(images)
            loss = (error**2 * fastgrok.from_numpy(hidden)).sum() / hidden.sum()  # only what it could not see counts
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        filled = features(whole, data.test_images * (1 - holes))
        wrong = ((filled - data.test_images) ** 2 * holes).sum() / holes.sum()
        print(f"epoch {epoch + 1}: squared error of hidden pixels {wrong:.4f}")
    mean = ((data.images.mean(axis=0) - data.test_images) ** 2 * holes).sum() / holes.sum()
    print(f"always the mean of all images: {mean:.4f}")
    print(f"off the features now: {probe(model, data):.0%}")

    if options.plot:
        shown, hole = data.test_images[:16], holes[:16]
        rows = {"seen": np.where(hole, 0.35, shown), "filled in": np.where(hole, filled[:16], shown), "true": shown}
        draw_grid({name: row.reshape(-1, SIDE, SIDE) for name, row in rows.items()}, options.plot)


if __name__ == "__main__":
    main()
