"""Chapter 15: average models that the server cannot read, because it adds them up encrypted.

Learnt here: with some ciphers one can add what is encrypted without decrypting it. Bob, Alice and Sue share a secret
key; the server gets the public one, adds up encrypted weights, and hands the encrypted sum back.

The book decrypts Sue's model instead of the sum of the three, divides it by three, and so the server's work is for
nothing (and Sue's weights are seen); here only the sum is ever decrypted. Its keys of 128 bits a laptop can break.

CKKS (`pip install 'fastgrok[encryption]'`) encrypts 4,096 numbers at once, rounded to about seven digits. `--paillier`
shows the book's cipher, exact and one number at a time, for the weights of a few words (`pip install phe`, GPL).
"""

import argparse
import copy
import sys

import numpy as np
from federation import OWNERS, SpamFilter, evaluate, read, row, train

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


def main() -> None:
    """Train a federation whose server only ever sees ciphertexts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--paillier", action="store_true", help="show the book's cipher (needs phe)")
    options = parser.parse_args()
    try:
        import tenseal
    except ImportError:
        print("skipped: this example needs TenSEAL, pip install 'fastgrok[encryption]'", file=sys.stderr)
        return

    sizes = [60, 40, 60]  # bits of the primes that the ciphertexts are calculated with
    key = tenseal.context(tenseal.SCHEME_TYPE.CKKS, poly_modulus_degree=2 * SLOTS, coeff_mod_bit_sizes=sizes)
    key.global_scale = 2**40
    public = tenseal.context_from(key.serialize(save_secret_key=False))

    learnt, tested = read()
    mailboxes = {name: learnt[part] for name, part in OWNERS.items()}
    shared = SpamFilter()
    for turn in range(options.rounds):
        trained, sent = {}, []
        for name, mailbox in mailboxes.items():
            trained[name] = copy.deepcopy(shared)
            train(trained[name], mailbox, turn)
            sent.append(encrypt(key, weights_of(trained[name]) * len(mailbox) / len(learnt)))
        average = decrypt(key, add(public, sent))  # the sum, never a single model
        shared.load_state_dict({"weights.weight": fastgrok.from_numpy(average.astype(np.float32)[:, None])})
        accuracy, f1 = evaluate(shared, tested)
        print(f"round {turn + 1}: accuracy {accuracy:.3f}, F1 {f1:.3f}")

    plain = sum(weights_of(model) * len(mailboxes[name]) / len(learnt) for name, model in trained.items())
    print(f"the average differs from that of readable models by less than 1e-5: {np.abs(average - plain).max() < 1e-5}")
    megabytes = sum(map(len, sent[0])) / 1e6
    print(f"a model of {4 * average.size / 1e6:.3f} MB takes about {megabytes:.1f} MB encrypted")
    try:
        decrypt(public, sent[0])
    except ValueError as error:
        print(f"the server tries to read Bob's model: {error}")
    if options.paillier:
        paillier(trained, len(mailboxes))


def paillier(trained: dict[str, SpamFilter], people: int) -> None:
    """Add numbers as the book does: 3 + 5, then the weights of a few words."""
    try:
        import phe
    except ImportError:
        sys.exit("--paillier needs phe: pip install phe")
    public, private = phe.generate_paillier_keypair(n_length=2048)
    print(f"\n3 + 5, added encrypted: {private.decrypt(public.encrypt(3) + public.encrypt(5))}")
    for word in ("free", "call", "you"):
        numbers = [public.encrypt(float(weights_of(model)[row(word)])) for model in trained.values()]
        print(f"{word:>6}: average weight {private.decrypt(sum(numbers[1:], numbers[0])) / people:+.3f}")


if __name__ == "__main__":
    main()
