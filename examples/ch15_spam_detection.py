"""Chapter 15: tell spam from other messages, with all messages in one place.

Learnt here: a message is the sum of its words (an embedding of width one), and training moves the weight of a word up
when it stands in spam and down when it does not. The other examples of this chapter train the same filter without
collecting the messages.

The book's `train` takes a `batch_size` but uses a variable `bs` that a cell further up has left behind; here the batch
size is what the caller says.
"""

import argparse
from collections import Counter

from federation import BATCH, SpamFilter, evaluate, read, row, train, words


def main() -> None:
    """Train, test, and look at the weights of words."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch-size", type=int, default=BATCH)
    options = parser.parse_args()

    learnt, tested = read()
    print(
        f"{len(learnt)} messages to learn from, {len(tested)} to test with; {tested.spam.mean():.1%} of these are spam"
    )

    model = SpamFilter()
    for epoch in range(options.epochs):
        loss = train(model, learnt, epoch, options.batch_size)
        accuracy, f1 = evaluate(model, tested)
        print(f"epoch {epoch + 1}: loss {loss:.3f}, accuracy {accuracy:.3f}, F1 {f1:.3f}")

    message = "Congratulations, you have won a prize: call 09061701461 now"
    weights = model.weights.weight.detach().numpy()[:, 0]
    print(f"\n{message!r}")
    for word in words(message):
        print(f"{word:>16} {weights[row(word)]:+.1f}")
    common = [
        word for word, count in Counter(w for text in learnt.texts for w in set(words(text))).items() if count > 50
    ]
    ranked = sorted(common, key=lambda word: weights[row(word)])
    print(f"of {len(common)} common words, these speak most for spam: {', '.join(ranked[:-6:-1])}")
    print(f"and these most against it: {', '.join(ranked[:5])}")


if __name__ == "__main__":
    main()
