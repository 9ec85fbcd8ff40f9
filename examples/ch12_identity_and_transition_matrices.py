"""Chapter 12: a matrix between words lets their order count; at first it is the identity, and it learns.

A sum of word vectors does not know which word came first. Multiplied by a matrix after every word, the sum does, and
backpropagation says how to change the matrix. With the identity matrix it is the plain sum: a harmless beginning.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok import nn, optim

WORDS = ("yankees", "bears", "braves", "red", "socks", "lose", "defeat", "beat", "tie")


def order_counts():
    """Show that the identity changes nothing, and that another matrix makes the order of words count."""
    this, movie, rocks = np.array([2, 4, 6]), np.array([10, 10, 10]), np.array([1, 1, 1])
    identity = np.eye(3)
    print("identity:", (this @ identity + movie) @ identity + rocks, "is the sum", this + movie + rocks)
    turn = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])  # moves every number one place to the right
    print("this movie rocks:", (this @ turn + movie) @ turn + rocks)
    print("rocks movie this:", (rocks @ turn + movie) @ turn + this)


def by_hand(table, transition, out):
    """Do one step by hand: "red socks defeat", and then the word must be "yankees"; return the loss and gradients."""
    red, socks, defeat = (table[WORDS.index(word)] for word in ("red", "socks", "defeat"))
    layer_0 = red
    layer_1 = layer_0 @ transition + socks
    layer_2 = layer_1 @ transition + defeat
    scores = layer_2 @ out
    prediction = np.exp(scores) / np.exp(scores).sum()

    d_scores = prediction - np.eye(len(WORDS))[WORDS.index("yankees")]
    d_layer_2 = d_scores @ out.T  # also the gradient of the word "defeat"
    d_layer_1 = d_layer_2 @ transition.T  # also that of "socks"
    d_transition = np.outer(layer_0, d_layer_1) + np.outer(layer_1, d_layer_2)  # it was used twice: both uses add up
    return -np.log(prediction[WORDS.index("yankees")]), d_transition, np.outer(layer_2, d_scores)


class Sentence(nn.Module):
    """The same network for sentences of any length; its gradients are automatic."""

    def __init__(self, table, transition, out):
        super().__init__()
        self.table, self.transition, self.out = (nn.Parameter(fastgrok.tensor(x)) for x in (table, transition, out))

    def forward(self, sentence):
        """Return the scores of all words (1, V) to come after a sentence."""
        first, *others = (self.table[WORDS.index(word)] for word in sentence.split())
        state = first
        for word in others:
            state = state @ self.transition + word
        return (state @ self.out).unsqueeze(0)


def main():
    """Compare the step by hand with automatic gradients, then learn the sentence and its reverse."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    order_counts()

    rng = np.random.default_rng(0)
    arrays = rng.normal(size=(9, 3)), rng.normal(size=(3, 3)), rng.normal(size=(3, 9))
    loss, d_transition, d_out = by_hand(*arrays)
    model = Sentence(*arrays)
    automatic = nn.functional.cross_entropy(model("red socks defeat"), fastgrok.tensor([WORDS.index("yankees")]))
    automatic.backward()
    print(f"\nloss by hand {loss:.4f}, with fastgrok {automatic.item():.4f}; the gradients are the same:", end=" ")
    print(np.allclose(d_transition, model.transition.grad.numpy()), np.allclose(d_out, model.out.grad.numpy()))

    scores = Sentence(arrays[0], np.eye(3), np.zeros((3, 9)))
    lessons = {"red socks defeat": "yankees", "defeat socks red": "bears"}  # the same words in another order
    first = scores("red socks defeat").softmax(-1)[0]
    print(f"before: all {len(WORDS)} words are equally likely, {first.min().item():.4f} to {first.max().item():.4f}")
    optimizer = optim.SGD(scores.parameters(), lr=0.1)
    for step in range(options.steps + 1):
        optimizer.zero_grad()
        losses = [
            nn.functional.cross_entropy(scores(sentence), fastgrok.tensor([WORDS.index(last)]))
            for sentence, last in lessons.items()
        ]
        total = losses[0] + losses[1]
        total.backward()
        if step % 50 == 0:
            print(f"step {step}: loss {total.item():.4f}")
        optimizer.step()
    for sentence, last in lessons.items():
        probability = scores(sentence).softmax(-1)[0, WORDS.index(last)].item()
        print(f"{sentence} {last}: {probability:.2f}")


if __name__ == "__main__":
    main()
