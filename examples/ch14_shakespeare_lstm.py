"""Chapter 14: the same with an LSTM, which keeps more of what it has read in a cell that gradients pass unharmed.

Everything but the layer is that of `ch14_shakespeare_rnn.py`. The layer runs a whole window as one operation, and
`fastgrok.generate` draws characters in one compiled loop.

The book's framework loses most of the LSTM's gradients: of those that reach a state on several paths, the late ones are
dropped, and nothing flows back through the cell. Its loop works only because of that: with all gradients its step size
of 0.05 diverges. Here they are complete, and Adam with clipped gradients copes with them: perplexity falls below 6 on
text that was kept back, where the book's best is 9.9 on text that it learns from. (To remember its best, the book's
`train` assigns to `min_loss` without calling it global, and stops with an error after the first batch.)
"""

from ch14_shakespeare_rnn import learn_and_write

import fastgrok
from fastgrok import nn


def write(model, vocabulary, start, length, temperature):
    """Let the model write, as `sample` does for the RNN, but all in compiled code."""
    layers = model.embedding, model.recurrent, model.out
    return start + vocabulary.decode(fastgrok.generate(*layers, vocabulary.encode(start), length, temperature, seed=1))


def main():
    """Do it with an LSTM."""
    learn_and_write(__doc__, nn.LSTM, 8e-3, write)


if __name__ == "__main__":
    main()
