"""Chapter 15: average models that the server cannot read, because it adds them up encrypted.

Learnt here: with some ciphers one can add what is encrypted without decrypting it. Bob, Alice and Sue share a secret
key; the server gets the public one, adds up encrypted weights, and hands the encrypted sum back.

The book decrypts Sue's model instead of the sum of the three, divides it by three, and so the server's work is for
nothing (and Sue's weights are seen); here only the sum is ever decrypted. Its `train_and_encrypt` ignores the key that
it is given, and keys of 128 bits, as it uses for models, a laptop can break.

CKKS (`pip install 'fastgrok[encryption]'`) encrypts 4,096 numbers at once; every number comes back with an error of
about 1e-8, whatever its size. `--paillier` shows the book's cipher instead, exact and one number at a time, for a few
words (`pip install phe`, GPL).

What this does not protect against: the three have one secret key, so whoever of them gets at what another one sends can
read it. And the last digits of what CKKS decrypts tell about the key: round before you publish (Li, Micciancio 2021).
"""

import argparse
import copy
import sys

import numpy as np
from federation import SpamFilter, evaluate, mailboxes, read, row, train

import fastgrok

SLOTS = 4096  # numbers in one ciphertext


def encrypt(key, weights: np.ndarray) -> list[bytes]:
    """Encrypt weights, 4,096 at a time, as they travel over the network."""
    import tenseal

    return [tenseal.ckks_vector(key, part).serialize() for part in weights.reshape(-1, SLOTS)]


def add(public, models: list[list[bytes]]) -> list[bytes]:
    """Add up encrypted models: the server, who has the public key only."""
    import tenseal

    sums = []
    for parts in zip(*models, strict=True):
        first, *others = (tenseal.ckks_vector_from(public, part) for part in parts)
        sums.append(sum(others, first).serialize())
    return sums


def decrypt(key, parts: list[bytes]) -> np.ndarray:
    """Decrypt weights: for the owners of the key."""
    import tenseal

    return np.concatenate([tenseal.ckks_vector_from(key, part).decrypt() for part in parts])


def weights_of(model: SpamFilter) -> np.ndarray:
    """Return a model's weights as an array of float64."""
    return model.weights.weight.detach().numpy().ravel().astype(np.float64)


def train_each(shared: SpamFilter, owned: dict, turn: int) -> dict[str, np.ndarray]:
    """Let everyone train a copy of the shared model; return their weights, times their part of all messages."""
    total = sum(map(len, owned.values()))
    parts = {}
    for name, mailbox in owned.items():
        model = copy.deepcopy(shared)
        train(model, mailbox, turn)
        parts[name] = weights_of(model) * (len(mailbox) / total)
    return parts


def with_ckks(rounds: int) -> None:
    """Train a federation whose server only ever sees ciphertexts."""
    try:
        import tenseal
    except ImportError:
        print("skipped: this example needs TenSEAL, pip install 'fastgrok[encryption]'", file=sys.stderr)
        return

    sizes = [60, 40, 60]  # bits of the primes that it calculates with: 160 in all; up to 218 are as safe as AES-128
    key = tenseal.context(tenseal.SCHEME_TYPE.CKKS, poly_modulus_degree=2 * SLOTS, coeff_mod_bit_sizes=sizes)
    key.global_scale = 2**40  # the finest difference between two numbers is 2**-40, before noise is added
    public = tenseal.context_from(key.serialize(save_secret_key=False))

    learnt, tested = read()
    owned, shared = mailboxes(learnt), SpamFilter()
    for turn in range(rounds):
        parts = train_each(shared, owned, turn)
        sent = [encrypt(public, part) for part in parts.values()]  # the public key suffices
        average = decrypt(key, add(public, sent))  # the sum, never a single model
        shared.load_state_dict({"weights.weight": fastgrok.from_numpy(average.astype(np.float32)[:, None])})
        accuracy, f1 = evaluate(shared, tested)
        print(f"round {turn + 1}: accuracy {accuracy:.3f}, F1 {f1:.3f}")

    error = np.abs(average - sum(parts.values())).max()
    print(f"the average differs from that of readable models by less than 1e-6: {error < 1e-6}")
    megabytes = sum(map(len, sent[0])) / 1e6
    print(f"a model of {4 * average.size / 1e6:.3f} MB takes about {megabytes:.1f} MB encrypted")
    try:
        decrypt(public, sent[0])
    except ValueError as problem:
        print(f"the server tries to read Bob's model: {problem}")


def with_paillier() -> None:
    """Add numbers as the book does: 3 + 5, then the weights of a few words."""
    try:
        import phe
    except ImportError:
        sys.exit("--paillier needs phe: pip install phe")
    public, private = phe.generate_paillier_keypair(n_length=2048)
    print(f"3 + 5, added encrypted: {private.decrypt(public.encrypt(3) + public.encrypt(5))}")
    parts = train_each(SpamFilter(), mailboxes(read()[0]), 0)
    for word in ("free", "call", "you"):
        first, *others = (public.encrypt(float(part[row(word)])) for part in parts.values())
        print(f"{word:>6}: average weight {private.decrypt(sum(others, first)):+.3f}")


def main() -> None:
    """Encrypt with CKKS, or with the book's cipher."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--paillier", action="store_true", help="show the book's cipher instead (needs phe)")
    options = parser.parse_args()
    if options.paillier:
        with_paillier()
    else:
        with_ckks(options.rounds)


if __name__ == "__main__":
    main()
