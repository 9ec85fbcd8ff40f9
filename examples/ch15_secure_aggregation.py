"""Chapter 15: add up models without anybody seeing one, by masks that cancel.

Learnt here: every two people agree on a long random number; one adds it to what they send, the other subtracts it.
What a server receives from one person is noise, but in the sum all masks are gone. Weights are sent as whole numbers
modulo 2**64, in which sums are exact and a masked number is equally likely to be any.

The book asks for this (nobody should see a single model) and answers with encryption, which would take its cipher half
an hour for every model sent here; masks cost next to nothing.

What masks do not protect against is shown at the end: if one person does not send, the masks of the others remain, and
if all others tell the server their models, that of the last one is the difference. Besides, the average itself tells
what it has learnt (`ch15_weight_update_leaks.py`), and nobody notices who sends nonsense.
"""

import argparse
import copy
import hashlib
from itertools import combinations

import numpy as np
from federation import OWNERS, SpamFilter, evaluate, mailboxes, read, train

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
    owned = mailboxes(learnt)
    shared = SpamFilter()
    for turn in range(options.rounds):
        trained = {name: copy.deepcopy(shared) for name in owned}
        for name, model in trained.items():
            train(model, owned[name], turn)
        sent = {name: send(name, model, len(owned[name]), turn) for name, model in trained.items()}
        average = reveal(list(sent.values()), len(learnt))
        shared.load_state_dict({"weights.weight": fastgrok.from_numpy(average.astype(np.float32)[:, None])})
        accuracy, f1 = evaluate(shared, tested)
        print(f"round {turn + 1}: accuracy {accuracy:.3f}, F1 {f1:.3f}")

    weights = {name: model.weights.weight.detach().numpy().ravel() for name, model in trained.items()}
    bob, guess = weights["Bob"], sent["Bob"].view(np.int64) / (SCALE * len(owned["Bob"]))
    plain = sum(len(owned[name]) / len(learnt) * weights[name].astype(np.float64) for name in OWNERS)
    shown = np.flatnonzero(bob)[:4]
    print(f"\nsome of Bob's weights:          {bob[shown].round(3)}")
    print(f"what the server sees of them:   {guess[shown].round(0)}")
    print(f"correlation of what it sees with Bob's weights: {abs(np.corrcoef(guess, bob)[0, 1]):.2f}")
    print(f"the average differs from that of unmasked models by less than 1e-8: {np.abs(average - plain).max() < 1e-8}")

    without_sue = reveal([sent["Bob"], sent["Alice"]], len(owned["Bob"]) + len(owned["Alice"]))
    print(f"\nwithout Sue the masks remain: 'averages' would be {without_sue[shown].round(0)}")
    print("(remedy: everybody deposits shares of their seeds with the others; Bonawitz et al., 2017)")
    others = sum(len(owned[name]) * weights[name].astype(np.float64) for name in ("Alice", "Sue"))
    rest = (average * len(learnt) - others) / len(owned["Bob"])
    print(f"Alice and Sue tell the server their models: it has Bob's, {rest[shown].round(3)}")
    print("(remedy: many people, not all of whom side with the server; noise in every model)")


if __name__ == "__main__":
    main()
