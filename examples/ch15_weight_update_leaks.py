"""Chapter 15: what the weights that Bob sends back tell about his messages.

Learnt here: weights are not anonymous. A word's weight moves only if the word stands in a message, and it moves up if
the message was marked as spam, so whoever receives the update of one message can read the words and the mark off it.
Averaging hides who said something, not what was said. What hides single updates from the server: masks that cancel
(`ch15_secure_aggregation.py`) and encryption (`ch15_homomorphic_encryption.py`).

The book prints which weights changed after training with one message; it also works with several, as shown here.
"""

import argparse
import copy

import numpy as np
from federation import RATE, Messages, SpamFilter, mailboxes, read, row, train, words


def changed_rows(before: SpamFilter, after: SpamFilter) -> np.ndarray:
    """Return the difference of every row's weight: all that the receiver needs."""
    return (after.weights.weight - before.weights.weight).detach().numpy()[:, 0]


def main() -> None:
    """Train on one message, then on a mailbox, and read the updates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--message", default="my computer password is pizza")
    parser.add_argument("--spam", action="store_true", help="mark the message as spam")
    options = parser.parse_args()

    learnt, _ = read()
    shared = SpamFilter()
    train(shared, mailboxes(learnt)["Sue"], seed=0)
    # What the server has in place of a dictionary: words that messages are made of.
    dictionary = sorted({word for text in learnt.texts for word in words(text)} | {"password", "pizza"})

    # Bob learns from one message. The model he sends back looks harmless: 16,384 numbers.
    private = Messages([options.message], np.array([int(options.spam)]))
    bobs = copy.deepcopy(shared)
    train(bobs, private, seed=0)

    # The server compares it with the model it sent, and looks up which words could have moved the rows that moved.
    moved = changed_rows(shared, bobs)
    print(f"{np.count_nonzero(moved)} of {len(moved)} weights moved; the server concludes:")
    for number in np.flatnonzero(moved):
        print(f"  row {number:5d} {moved[number]:+.3f}: {' or '.join(w for w in dictionary if row(w) == number)}")
    print(f"marked as {'spam' if moved.sum() > 0 else 'harmless'}")

    # By hand: the loss is -log(sigmoid(score)) or -log(1 - sigmoid(score)), where the score is the sum of the weights.
    # So every word of the message has the same gradient, sigmoid(score) - target, and every other word has none.
    rows = private.rows[0]
    score = shared.weights.weight.detach().numpy()[rows, 0].sum()
    step = RATE * (options.spam - 1 / (1 + np.exp(-score)))
    print(f"by hand: {step:+.3f} for each of the {len(rows)} words")

    # A whole mailbox at once hides the order and the number of messages, but hardly a word.
    for count in (10, 100, 1000):
        mailbox = learnt[:count]
        bobs = copy.deepcopy(shared)
        train(bobs, mailbox, seed=0)
        moved = changed_rows(shared, bobs)
        used = {word for text in mailbox.texts for word in words(text)}
        betrayed = [word for word in used if moved[row(word)] != 0]
        suspected = sum(1 for word in dictionary if moved[row(word)] != 0)
        print(f"{count} messages: {len(betrayed)} of their {len(used)} words are among {suspected} suspected ones")


if __name__ == "__main__":
    main()
