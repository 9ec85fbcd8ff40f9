"""Chapter 14: a recurrent network learns to write like Shakespeare, one character after the other.

It reads windows of 32 characters, side by side from 32 places of the text, and says after each which comes next. The
state goes on from window to window, but gradients stop where a window begins (truncated backpropagation).

Of the 16 losses of a window, the book's loop keeps the last alone (`for loss in losses: ""`), so that its network
learns from one character in 16; here all of them count. Its sampling takes the first character of the vocabulary
whenever no probability exceeds the random number; here a character is drawn by its probability. And two of its cells
come too late: `class Tanh(Layer)` stands before `Layer`, and `generate_sample` after the loop that calls it.
"""

import argparse

import fastgrok
from fastgrok import nn, optim
from fastgrok.data import CharacterVocabulary, ContiguousBatches, book_shakespeare, split
from fastgrok.data.metrics import perplexity

HIDDEN = 128


class Writer(nn.Module):
    """From characters (T, B) and a state to scores of the next characters (T, B, V) and the new state."""

    def __init__(self, V, recurrent):
        super().__init__()
        self.embedding = nn.Embedding(V, 32)
        self.recurrent = recurrent(32, HIDDEN)
        self.out = nn.Linear(HIDDEN, V)

    def forward(self, ids, state=None):
        """Return the scores and the state after the last character."""
        output, state = self.recurrent(self.embedding(ids), state)
        return self.out(output), state


def detached(state):
    """Return the state without its history, so that gradients go no further back."""
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


def mean_loss(model, ids):
    """Return the mean loss on a text that is not trained on."""
    losses, state = [], None
    with fastgrok.no_grad():
        for x, y in ContiguousBatches(ids, batch_size=4, window=32):
            scores, state = model(x, state)
            losses.append(nn.functional.cross_entropy(scores.flatten(0, 1), y.flatten()).item())
    return sum(losses) / len(losses)


def train(model, training, validation, epochs, lr):
    """Read the text so many times; print the perplexity of the part that was kept back."""
    optimizer = optim.Adam(model.parameters(), lr=lr)
    print(f"before: perplexity {perplexity(mean_loss(model, validation)):.1f}")
    for epoch in range(1, epochs + 1):
        state = None
        for x, y in ContiguousBatches(training, batch_size=32, window=32):
            optimizer.zero_grad()
            scores, state = model(x, state)
            nn.functional.cross_entropy(scores.flatten(0, 1), y.flatten()).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            state = detached(state)
        if epoch % 2 == 0:
            print(f"after reading it {epoch} times: perplexity {perplexity(mean_loss(model, validation)):.1f}")


def sample(model, vocabulary, start, length, temperature):
    """Let the model write: draw a character, show it to the model, and so on.

    Scores are divided by the temperature first: near 0 the likeliest character is certain, above 1 all get likelier.
    """
    ids, state, text = fastgrok.from_numpy(vocabulary.encode(start)).unsqueeze(1), None, start
    with fastgrok.no_grad():
        for _ in range(length):
            scores, state = model(ids, state)
            ids = fastgrok.multinomial((scores[-1, 0] / temperature).softmax(-1), 1).unsqueeze(1)
            text += vocabulary.decode(ids.numpy())
    return text


def learn_and_write(description, layer, lr, writer):
    """Train on the book's text, then write at three temperatures: what the RNN and the LSTM have in common."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="write so many characters")
    parser.add_argument("--temperature", type=float, default=0.7, help="of this sample; above 0")
    options = parser.parse_args()
    fastgrok.manual_seed(1)
    text = book_shakespeare(stand_in=True)
    vocabulary = CharacterVocabulary.from_text(text)
    training, validation = split(vocabulary.encode(text))
    model = Writer(len(vocabulary), layer)
    train(model, training, validation, options.epochs, lr)
    words = set(text.split())
    for temperature in (0.3, 0.7, 1.5):
        written = writer(model, vocabulary, "\n", 10_000, temperature).split()
        known = sum(word in words for word in written) / len(written)
        print(f"temperature {temperature}: {known:.0%} of what it writes are words of the text")
    if options.sample:
        print(writer(model, vocabulary, "\n", options.sample, options.temperature))


def main():
    """Do it with an RNN."""
    learn_and_write(__doc__, nn.RNN, 3e-3, sample)


if __name__ == "__main__":
    main()
