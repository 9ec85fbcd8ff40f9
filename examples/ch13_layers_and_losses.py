"""Chapter 13: a framework is layers, losses and optimizers; put together, they make networks in a few lines.

Every network here learns the same little table, and the last one answers questions of bAbI: of the first hundred lines,
which word comes last? The book's recurrent cell gets 37 of them right. No more than so many can be known, because the
same words go on in different ways; a network that has learnt all there is gets those.

Four things that the book's framework does differently: neither its cross-entropy nor its squared error is divided by
the number of samples (here `reduction="mean"` is the default), its softmax overflows where a score is above 709, its
`RNNCell(activation="tanh")` fails because it compares a name with a layer, and `Sequential()` without a list shares its
layers with every other one.
"""

import argparse
from collections import Counter

import numpy as np

import fastgrok
from fastgrok import nn, optim
from fastgrok.data import babi_qa1


def train(name, model, inputs, targets, loss_of, optimizer, steps):
    """Make steps of the optimizer on all samples at once; print the first and the last loss."""
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(model(inputs), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"{name}: loss {losses[0]:.4f} -> {losses[-1]:.4f}")


class LastWord(nn.Module):
    """From the words so far (T, B) to the scores of the next (B, V)."""

    def __init__(self, V, width=16):
        super().__init__()
        self.words = nn.Embedding(V, width)
        self.rnn = nn.RNN(width, width)
        self.out = nn.Linear(width, V)

    def forward(self, ids):
        """Read all words, and judge by the last state."""
        _, state = self.rnn(self.words(ids))
        return self.out(state[0])


def questions():
    """Return the words, and the first hundred lines of bAbI as word numbers (T, B), with "-" before short ones."""
    lines = [line.lower().split(" ")[1:] for line in babi_qa1(stand_in=True)[:100]]
    longest = max(map(len, lines))
    lines = [["-"] * (longest - len(line)) + line for line in lines]
    words = sorted({word for line in lines for word in line})
    return words, np.array([[words.index(word) for word in line] for line in lines]).T


def main():
    """Train the networks one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300, help="steps of the recurrent network")
    options = parser.parse_args()
    fastgrok.manual_seed(1)
    x = fastgrok.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = fastgrok.tensor([[0.0], [1.0], [0.0], [1.0]])

    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    train("linear layers", model, x, y, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), 100)

    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1), nn.Sigmoid())
    train("with tanh and sigmoid", model, x, y, nn.MSELoss(), optim.SGD(model.parameters(), lr=1.0), 200)

    ids, labels = fastgrok.tensor([1, 2, 1, 2]), fastgrok.tensor([0, 1, 0, 1])
    model = nn.Sequential(nn.Embedding(3, 3), nn.Tanh(), nn.Linear(3, 4))
    optimizer = optim.SGD(model.parameters(), lr=1)
    train("embedding and cross-entropy", model, ids, labels, nn.CrossEntropyLoss(), optimizer, 50)

    words, lines = questions()
    before, last = fastgrok.from_numpy(lines[:-1].copy()), fastgrok.from_numpy(lines[-1].copy())
    model = LastWord(len(words))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    train("recurrent, bAbI", model, before, last, nn.CrossEntropyLoss(), optimizer, options.steps)
    right = (model(before).argmax(-1) == last).sum().item()
    counts = {}
    for *context, answer in lines.T.tolist():
        counts.setdefault(tuple(context), Counter())[answer] += 1
    known = sum(max(answers.values()) for answers in counts.values())
    print(f"right: {right} of {lines.shape[1]}; nobody who knows these words alone can get more than {known}")


if __name__ == "__main__":
    main()
