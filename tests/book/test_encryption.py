"""Chapter 15, homomorphic encryption: skipped where phe is not installed."""

import re

import numpy as np
import pytest
from book import usage
from book.test_usage import spam_and_ham

from fastgrok import book

pytest.importorskip("phe")

ADDITION = """
import phe

public_key, private_key = phe.generate_paillier_keypair(n_length=1024)
x = public_key.encrypt(5)
y = public_key.encrypt(3)
z = x + y
z_ = private_key.decrypt(z)
print("The Answer: " + str(z_))
"""

ENCRYPTED_MODELS = """
model = Embedding(vocab_size=len(vocab), dim=1)
model.weight.data *= 0

public_key, private_key = phe.generate_paillier_keypair(n_length=128)

def train_and_encrypt(model, input, target, pubkey):
    new_model = train(copy.deepcopy(model), input, target, iterations=1)
    encrypted_weights = list()
    for val in new_model.weight.data[:,0]:
        encrypted_weights.append(public_key.encrypt(val))
    return np.array(encrypted_weights).reshape(new_model.weight.data.shape)
"""

# `SUM` is the model that is decrypted.
SECURE_AGGREGATION = """
for i in range(rounds):
    bob_encrypted_model = train_and_encrypt(copy.deepcopy(model), bob[0], bob[1], public_key)
    alice_encrypted_model = train_and_encrypt(copy.deepcopy(model), alice[0], alice[1], public_key)
    sue_encrypted_model = train_and_encrypt(copy.deepcopy(model), sue[0], sue[1], public_key)

    aggregated_model = bob_encrypted_model + alice_encrypted_model + sue_encrypted_model

    raw_values = list()
    for val in SUM.flatten():
        raw_values.append(private_key.decrypt(val))
    model.weight.data = np.array(raw_values).reshape(model.weight.data.shape)/3
    print("% Correct on Test Set: " + str(test(model, test_data, test_target)*100))
"""

OWNERS = """
bob = (train_data[0:1000], train_target[0:1000])
alice = (train_data[1000:2000], train_target[1000:2000])
sue = (train_data[2000:], train_target[2000:])
"""


def test_numbers_are_added_encrypted(capsys):
    usage.run(usage.names_of(book), ADDITION)
    assert capsys.readouterr().out == "The Answer: 8\n"


@pytest.mark.parametrize("decrypted", ["aggregated_model", "sue_encrypted_model"])
def test_secure_aggregation(decrypted, capsys):
    """With the sum: what averaging in the clear finds. As printed, with Sue's model: a third of hers."""
    found = spam_and_ham()
    # Few words, since encrypting one number takes 0.1 ms, and decrypting it as well.
    counts: dict = {}
    for word in [word for kind in ("spam", "ham") for message in found[kind] for word in message]:
        counts[word] = counts.get(word, 0) + 1
    for kind in ("spam", "ham"):
        found[kind] = [{word for word in message if counts[word] >= 8} for message in found[kind]]
    names = usage.run(usage.names_of(book, rounds=1, **found), usage.SPAM_DATA, usage.SPAM_TRAIN, OWNERS)
    usage.run(names, "import phe", ENCRYPTED_MODELS, SECURE_AGGREGATION.replace("SUM", decrypted))
    correct = [float(x) for x in re.findall(r"Test Set: ([\d.]+)", capsys.readouterr().out)]

    usage.run(names, "start = Embedding(vocab_size=len(vocab), dim=1); start.weight.data *= 0")
    owners = ("bob", "alice", "sue") if decrypted == "aggregated_model" else ("sue",)
    clear = sum(
        usage.run(names, f"learnt = train(copy.deepcopy(start), *{owner}, iterations=1)")["learnt"].weight.data
        for owner in owners
    )
    clear[names["w2i"]["<unk>"]] = 0  # test() does that
    np.testing.assert_allclose(names["model"].weight.data, clear / 3, rtol=1e-12, atol=1e-15)
    assert len(correct) == 1 and correct[0] > 75
