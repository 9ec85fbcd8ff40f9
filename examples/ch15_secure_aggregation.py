"""Chapter 15: add up models without anybody seeing one, by masks that cancel.

Learnt here: every two people agree on a long random number; one adds it to what they send, the other subtracts it.
What a server receives from one person is noise, but in the sum all masks are gone. Weights are sent as whole numbers
modulo 2**64, in which sums are exact and a masked number is equally likely to be any.

The book asks for this (nobody should see a single model) and answers with encryption, which would take its cipher half
an hour for every model sent here; masks cost next to nothing. But if one person does not send, all other masks remain.
"""

import argparse
import copy
import hashlib
from itertools import combinations

import numpy as np
from federation import OWNERS, SpamFilter, evaluate, read, train

import fastgrok

SCALE = 2**32  # weights are sent as whole numbers of 1 / 2**32


def mask(pair: tuple[str, str], turn: int, size: int) -> np.ndarray:
    """Draw the numbers that two people have in common in a round.

    The seed is a name here, so that every run prints the same. Real ones come from a key agreement (Diffie-Hellman)
    that the server can watch without learning the key.
    """
    seed = f"only {pair[0]} and {pair[1]} know this, round {turn}"
    return np.frombuffer(hashlib.shake_256(seed.encode()).digest(8 * size), "<u8")


def send(name: str, model: SpamFilter, count: int, turn: int) -> np.ndarray:
    """Return a person's weights times the number of their messages, masked."""
    weights = model.weights.weight.detach().numpy().ravel().astype(np.float64)
    sent = np.rint(count * weights * SCALE).astype(np.int64).view(np.uint64)
    for pair in combinations(OWNERS, 2):
        if name == pair[0]:
            sent = sent + mask(pair, turn, sent.size)  # wraps around at 2**64, as it should
        elif name == pair[1]:
            sent = sent - mask(pair, turn, sent.size)
    return sent


def reveal(sent: list[np.ndarray], total: int) -> np.ndarray:
    """Add up what was sent; what remains is the weighted average of the models."""
    return np.sum(sent, axis=0, dtype=np.uint64).view(np.int64) / (SCALE * total)


def main() -> None:
    """Train a federation whose server only ever sees sums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()

    learnt, tested = read()
    mailboxes = {name: learnt[part] for name, part in OWNERS.items()}
    shared = SpamFilter()
    for turn in range(options.rounds):
        trained = {name: copy.deepcopy(shared) for name in mailboxes}
        for name, model in trained.items():
            train(model, mailboxes[name], turn)
        sent = {name: send(name, model, len(mailboxes[name]), turn) for name, model in trained.items()}
        average = reveal(list(sent.values()), len(learnt))
        shared.load_state_dict({"weights.weight": fastgrok.from_numpy(average.astype(np.float32)[:, None])})
        accuracy, f1 = evaluate(shared, tested)
        print(f"round {turn + 1}: accuracy {accuracy:.3f}, F1 {f1:.3f}")

    bob = trained["Bob"].weights.weight.detach().numpy().ravel()
    guess = sent["Bob"].view(np.int64) / (SCALE * len(mailboxes["Bob"]))
    plain = sum(len(mailboxes[name]) / len(learnt) * model.weights.weight for name, model in trained.items())
    error = np.abs(average - plain.detach().numpy().ravel()).max()
    print(f"\nBob's first weights:            {bob[:4].round(3)}")
    print(f"what the server sees of them:   {guess[:4].round(0)}")
    print(f"correlation of what it sees with Bob's weights: {abs(np.corrcoef(guess, bob)[0, 1]):.2f}")
    print(f"the average differs from that of unmasked models by less than 1e-6: {error < 1e-6}")

    without_sue = reveal([sent["Bob"], sent["Alice"]], 2000)
    print(f"without Sue the masks remain: the first 'averages' would be {without_sue[:4].round(0)}")
    print("(remedy: everybody deposits shares of their seeds with the others; Bonawitz et al., 2017)")


if __name__ == "__main__":
    main()
