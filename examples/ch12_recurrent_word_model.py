"""Chapter 12: a recurrent network says which word comes next, in sentences of any length.

The state of the network is what it has read: state = state @ transition + the next word's vector. Before each word it
gives every word a probability. Perplexity tells among how many equally likely words it hesitates.

The text is task 1 of bAbI: 1,000 lines such as "mary moved to the bathroom.", cut at blanks. In the book's listing
each word's vector learns from another step's `hidden_delta`, and so do the transition and the start. With every delta
in its place a ten times larger alpha works, and a third of the steps gets below the book's last perplexity, 4.02.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok import nn, optim
from fastgrok.data import babi_qa1
from fastgrok.data.metrics import perplexity

D = 10


def gradients(sentence, words, transition, start, out):
    """Return the loss of a sentence (T,) of word numbers, and by hand the gradients of the four arrays."""
    states = [start]
    for word in sentence:
        states.append(states[-1] @ transition + words[word])
    states = np.array(states)
    scores = states[:-1] @ out  # before every word
    probabilities = np.exp(scores - scores.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    T = np.arange(len(sentence))
    loss = -np.log(probabilities[T, sentence]).sum()

    d_scores = probabilities.copy()
    d_scores[T, sentence] -= 1
    d_states = np.zeros_like(states)
    for t in reversed(T):  # a state matters for the word after it and, through the transition, for all later ones
        d_states[t] = out @ d_scores[t] + transition @ d_states[t + 1]
    d_words = np.zeros_like(words)
    np.add.at(d_words, sentence, d_states[1:])  # unlike `d_words[sentence] += ...`, it counts a repeated word twice
    return loss, (d_words, states[:-1].T @ d_states[1:], d_states[0], states[:-1].T @ d_scores)


class WordModel(nn.Module):
    """The same network on many sentences at a time; gradients are automatic."""

    def __init__(self, V):
        super().__init__()
        self.words = nn.Embedding(V, D)
        nn.init.uniform_(self.words.weight, -0.05, 0.05)
        self.transition = nn.Parameter(fastgrok.eye(D))
        self.start = nn.Parameter(fastgrok.zeros(D))
        self.out = nn.Linear(D, V, bias=False)

    def forward(self, ids):
        """Return the scores of every word (T, B, V) of ids (T, B), each from the words before it."""
        states = [self.start.expand(ids.shape[1], D)]
        for vectors in self.words(ids[:-1]):
            states.append(states[-1] @ self.transition + vectors)
        return self.out(fastgrok.stack(states))


def padded(sentences):
    """Return sentences side by side (T, B), and the same with -100, which does not count, where they have ended."""
    targets = np.full((max(map(len, sentences)), len(sentences)), -100)
    for column, sentence in enumerate(sentences):
        targets[: len(sentence), column] = sentence
    return fastgrok.from_numpy(np.maximum(targets, 0)), fastgrok.from_numpy(targets)


def main():
    """Train by hand, a sentence at a time, then with automatic gradients, a hundred at a time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10_000, help="sentences to learn from by hand")
    options = parser.parse_args()
    lines = [line.lower().split(" ")[1:] for line in babi_qa1(stand_in=True)[:1000]]
    words = sorted({word for line in lines for word in line})
    number = {word: i for i, word in enumerate(words)}
    sentences = [np.array([number[word] for word in line]) for line in lines]

    rng = np.random.default_rng(1)
    table, out = rng.uniform(-0.05, 0.05, (len(words), D)), rng.uniform(-0.05, 0.05, (D, len(words)))
    parameters = [table, np.eye(D), np.zeros(D), out]
    recent = []
    for step in range(options.steps + 1):
        sentence = sentences[step % len(sentences)]
        loss, deltas = gradients(sentence, *parameters)
        recent.append(loss / len(sentence))
        for parameter, delta in zip(parameters, deltas, strict=True):
            parameter -= 0.01 / len(sentence) * delta
        if step % 2000 == 0:
            print(f"by hand, step {step}: perplexity {perplexity(np.mean(recent[-1000:])):.2f}")

    fastgrok.manual_seed(1)
    model = WordModel(len(words))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for _ in range(30):
        order, losses = fastgrok.randperm(len(sentences)).tolist(), []
        for first in range(0, len(order), 100):
            ids, targets = padded([sentences[i] for i in order[first : first + 100]])
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(ids).flatten(0, 1), targets.flatten())
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    print(f"with fastgrok, 30 times through all: perplexity {perplexity(np.mean(losses)):.2f}")

    for text in ("mary moved to the", "where is"):
        ids = fastgrok.tensor([number[word] for word in text.split()] + [0]).unsqueeze(1)
        likely = model(ids)[-1, 0].softmax(-1).topk(6 if text.endswith("the") else 4)
        print(f"{text}:", ", ".join(sorted(repr(words[i]) for i in likely.indices.tolist())))


if __name__ == "__main__":
    main()
