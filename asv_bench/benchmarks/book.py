"""The book's framework: a batch of its LSTM and of its RNN, chapter 14, and one of its spam filter, chapter 15."""

import functools

import numpy as np

CELLS = {"LSTMCell": (16, 25), "RNNCell": (32, 16)}  # batch, time steps; 512 units
VOCABULARY, UNITS = 62, 512


@functools.cache
def _language_model(cell):
    """Return a function that trains on one window, as the book's loops do."""
    from fastgrok import book

    B, T = CELLS[cell]
    embed, model = book.Embedding(VOCABULARY, UNITS), getattr(book, cell)(UNITS, UNITS, VOCABULARY)
    criterion = book.CrossEntropyLoss()
    optim = book.SGD(model.get_parameters() + embed.get_parameters(), alpha=0.001)
    ids = np.random.default_rng(0).integers(0, VOCABULARY, (T + 1, B))

    def step():
        hidden, total = model.init_hidden(B), None
        for t in range(T):
            output, hidden = model.forward(embed.forward(book.Tensor(ids[t])), hidden)
            loss = criterion.forward(output, book.Tensor(ids[t + 1]))
            total = loss if total is None else loss + total
        total.backward()
        optim.step()

    step()  # compiles
    return step


class LanguageModel:
    """One window of chapter 14."""

    params = list(CELLS)
    param_names = ("cell",)
    version = "1"
    timeout = 300

    def setup(self, cell):
        """Build and compile."""
        self.step = _language_model(cell)

    def time_step(self, cell):
        """Forward, backward, update."""
        self.step()


class Spam:
    """500 mails of 500 words of chapter 15."""

    version = "1"

    def setup(self):
        """Build and compile."""
        from fastgrok import book

        draw = np.random.default_rng(0)
        self.words = book.Tensor(draw.integers(0, 50_000, (500, 500)))
        self.target = book.Tensor(draw.integers(0, 2, (500, 1)), autograd=True)
        self.model, self.criterion = book.Embedding(50_000, 1), book.MSELoss()
        self.optim = book.SGD(self.model.get_parameters(), alpha=0.001)
        self.time_step()

    def time_step(self):
        """Forward, backward, update."""
        self.criterion.forward(self.model.forward(self.words).sum(1).sigmoid(), self.target).backward()
        self.optim.step()
