"""The changes that the table in the docstring of fastgrok.book asks for: the cell fails without, and runs with.

Chapters 3 to 6 print what stands in the book: `tests/examples` compares that, to 1e-12 (chapter 6, where NumPy's
products round: 1e-10), and chapter 14's vanishing gradients. Here is what it leaves out.
The early forms of Tensor in chapter 13 are in test_stages.py.
"""

import pytest
from book import usage
from book.test_usage import LSTM, RNN, perplexities, shakespeare

from fastgrok import book

PRIMER = """
import numpy as np

a, b, c, e = (np.zeros((1,4)), np.zeros((4,3)), np.zeros((2,4)), np.zeros((2,1)))
print(a.dot(b).shape, c.dot(b).shape, e.dot(np.zeros((1,3))).shape, np.zeros((5,4)).T.dot(np.zeros((5,6))).shape)
"""

SEVERAL_INPUTS = """
def w_sum(a,b):
    return sum(a[i] * b[i] for i in range(len(a)))

def ele_mul(number,vector):
    output = [0,0,0]
    assert(len(output) == len(vector))
    for i in range(len(vector)):
        output[i] = number * vector[i]
    return output

weights = [0.1, 0.2, -.1]
input, true, alpha = ([8.5,0.65,1.2], 1, 0.01)
pred = w_sum(input,weights)
delta = pred - true
# here
for i in range(len(weights)):
    weights[i] -= alpha * weight_deltas[i]

print("Weights:" + str(weights))
print("Weight Deltas:" + str(weight_deltas))
"""


def test_chapter_3_primer(capsys):
    names = usage.run(usage.names_of(book), PRIMER)
    assert capsys.readouterr().out == "(1, 3) (2, 3) (2, 3) (4, 6)\n"
    with pytest.raises(ValueError, match="could not be broadcast"):
        usage.run(names, "a * b")
    with pytest.raises(ValueError, match="not aligned"):
        usage.run(names, "np.zeros((5,4)).dot(np.zeros((5,6)))")


def test_chapter_5_weight_deltas(capsys):
    with pytest.raises(NameError, match="weight_deltas"):
        usage.run({}, SEVERAL_INPUTS)
    usage.run({}, SEVERAL_INPUTS.replace("# here", "weight_deltas = ele_mul(delta,input)"))
    assert capsys.readouterr().out == (
        "Weights:[0.1119, 0.20091, -0.09832]\n"
        "Weight Deltas:[-1.189999999999999, -0.09099999999999994, -0.16799999999999987]\n"
    )


def test_chapter_14_lstm_global_min_loss(monkeypatch, capsys):
    names = shakespeare(book, monkeypatch, 1, *(cell.replace("    global min_loss\n", "") for cell in LSTM))
    with pytest.raises(UnboundLocalError, match="min_loss"):
        usage.run(names, "train(1)")
    usage.run(names, LSTM[-1], "train(1)")
    assert len(perplexities(capsys.readouterr().out)) == 1


def test_chapter_14_rnn_generate_sample_first(monkeypatch, capsys):
    model, batches, sample, train = RNN
    names = shakespeare(book, monkeypatch, 1, model, batches, train)
    with pytest.raises(NameError, match="generate_sample"):
        usage.run(names, "train(1)")
    usage.run(names, sample, "train(1)")
    assert len(perplexities(capsys.readouterr().out)) == 1


def test_chapter_15_bs(capsys):
    words = ["free", "hello", "<unk>"]
    names = usage.names_of(book, vocab=words, w2i={word: i for i, word in enumerate(words)})
    train = usage.SPAM_TRAIN.replace("loss.data[0] / batch_size", "loss.data[0] / bs")
    usage.run(names, train, usage.SPAM_MODEL)
    learn = "train(model, [[0],[1]], [[1],[0]], batch_size=2, iterations=1)"
    with pytest.raises(NameError, match="bs"):
        usage.run(names, learn)
    usage.run(names, usage.SPAM_MODEL, "bs = 500", learn)
    # Two mails of which nothing is known, each wrong by a half, divided by 500.
    assert capsys.readouterr().out.split("Loss:")[-1].strip() == "0.001"
