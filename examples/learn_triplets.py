"""Self-supervised learning: triplets of an anchor, a positive and a negative, and which negative to take.

Learnt here: the loss wants the anchor nearer to the positive (another view of the same image) than to the negative (a
view of another image) by a margin: max(0, d(anchor, positive) - d(anchor, negative) + margin). Everything hangs on the
negative. One drawn at random is soon far enough away and teaches nothing more. The nearest of all is so hard that the
loss is smallest when all images fall on one point, where it is exactly the margin. In between lie the semi-hard ones:
the nearest of those that are farther away than the positive (FaceNet; Schroff, Kalenichenko and Philbin, 2015).
"""

import argparse

from pretext import Views, baselines, batches, draw_embeddings, encoder, probe, read

import fastgrok
from fastgrok import nn

BATCH, MARGIN = 128, 0.3
F = nn.functional


def negatives(kind: str, anchor: fastgrok.Tensor, positive: fastgrok.Tensor) -> fastgrok.Tensor:
    """Choose a negative for every anchor among the positives of the other anchors."""
    if kind == "random":
        return fastgrok.roll(positive, 1, 0)
    distance = (2 - 2 * anchor @ positive.T).detach()  # squared, of vectors of length 1
    allowed = fastgrok.eye(len(anchor)) == 0
    if kind == "semi-hard":
        allowed = allowed & (distance > distance[range(len(anchor)), range(len(anchor))][:, None])
    return positive[fastgrok.where(allowed, distance, 9.0).argmin(1)]


def learn(kind: str, images, epochs: int) -> tuple[nn.Module, float]:
    """Train an encoder; return it and the mean loss of the last epoch."""
    model, views = encoder(), Views()
    head = nn.Linear(64, 32)
    optimizer = fastgrok.optim.Adam([*model.parameters(), *head.parameters()], lr=2e-3)
    for epoch in range(epochs):
        losses = []
        for numbers in batches(len(images), BATCH, epoch):
            anchor, positive = (F.normalize(head(model(views(images[numbers])))) for _ in range(2))
            loss = F.triplet_margin_loss(anchor, positive, negatives(kind, anchor, positive), margin=MARGIN)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return model, sum(losses) / len(losses)


def main() -> None:
    """Compare kinds of negatives by what a linear layer reads off the features."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--plot", metavar="FILE", help="draw the test images before and after learning")
    options = parser.parse_args()

    # By hand: the positive is 0.6 away and the negative 1, which is more by 0.4; a margin of 0.5 wants 0.1 more.
    points = [fastgrok.tensor([[0.0, 0.0]]), fastgrok.tensor([[0.6, 0.0]]), fastgrok.tensor([[0.0, 1.0]])]
    print(f"one triplet: loss {F.triplet_margin_loss(*points, margin=0.5).item():.3f}, by hand {0.6 - 1 + 0.5:.3f}")

    data = read()
    models = {"before": encoder()}
    baselines(data)
    for kind in ("random", "hardest", "semi-hard"):
        model, loss = learn(kind, data.images, options.epochs)
        if loss > 0.95 * MARGIN:
            print(f"{kind} negatives: loss {loss:.2f}, the margin: all images fell on one point")
        else:
            models[f"{kind} negatives"] = model
            print(f"{kind} negatives: loss {loss:.3f}, digits read off: {probe(model, data):.0%}")
    if options.plot:
        draw_embeddings(models, data, options.plot)


if __name__ == "__main__":
    main()
