"""Chapter 16: learn what matters about an image from pairs, without a single label.

Learnt here: two views of one digit (turned, moved, slanted) should lie close together, and views of different digits
apart. Pulling and pushing these pairs makes features that a linear layer can read the digit off, from 100 labels.

Two losses for pairs. With a margin (Hadsell, Chopra and LeCun, 2006), by hand: distance**2 for a pair that belongs
together, max(0, margin - distance)**2 for one that does not. NT-Xent (SimCLR, 2020): pick the other view of an image
among all images of the batch, as a classification by similarity. `learn_triplets.py` shows the third.

The book's own chapter 16 tells where to read on; this is one of the things that await there.
"""

import argparse

from pretext import Views, baselines, batches, draw_embeddings, encoder, probe, read

import fastgrok
from fastgrok import nn

BATCH = 128
F = nn.functional


def pairs(one: fastgrok.Tensor, other: fastgrok.Tensor, margin: float = 1.0) -> fastgrok.Tensor:
    """Compare every view with every other view of the batch: the diagonal belongs together, the rest does not."""
    one, other = F.normalize(one), F.normalize(other)  # to length 1: then distance**2 = 2 - 2 * cosine
    squared = (2 - 2 * one @ other.T).clamp(min=1e-6)
    together = fastgrok.eye(len(one))
    apart = (margin - squared.sqrt()).clamp(min=0) ** 2
    return (together * squared + (1 - together) * apart).sum() / len(one)


def nt_xent(one: fastgrok.Tensor, other: fastgrok.Tensor) -> fastgrok.Tensor:
    """Tell which of the batch is the other view."""
    return F.nt_xent(one, other, temperature=0.2)


def learn(loss_of_views, images, epochs: int) -> nn.Module:
    """Train an encoder; the pairs are compared behind one more layer, which is thrown away afterwards."""
    model, views = encoder(), Views()
    head = nn.Linear(64, 32)
    optimizer = fastgrok.optim.Adam([*model.parameters(), *head.parameters()], lr=2e-3)
    for epoch in range(epochs):
        losses = []
        for numbers in batches(len(images), BATCH, epoch):
            loss = loss_of_views(head(model(views(images[numbers]))), head(model(views(images[numbers]))))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"  epoch {epoch + 1}: loss {sum(losses) / len(losses):.2f}")
    return model


def main() -> None:
    """Compare encoders by what a linear layer reads off them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--plot", metavar="FILE", help="draw the test images before and after learning")
    options = parser.parse_args()

    data = read()
    before = encoder()
    print("pairs with a margin")
    margin = learn(pairs, data.images, options.epochs)
    print("NT-Xent")
    after = learn(nt_xent, data.images, options.epochs)

    print()
    baselines(data)
    for name, model in {"pairs with a margin": margin, "NT-Xent": after}.items():
        print(f"off features learnt with {name}: {probe(model, data):.0%}")
    if options.plot:
        models = {"before": before, "pairs with a margin": margin, "NT-Xent": after}
        draw_embeddings(models, data, options.plot)


if __name__ == "__main__":
    main()
