"""The main job: training steps of a character language model, sampling from it, and the memory it takes."""

import functools

import numpy as np

SIZES = {  # batch, time steps, embedding, hidden units, layers
    "B32-T16-H512": (32, 16, 512, 512, 1),
    "B32-T64-H512": (32, 64, 64, 512, 1),
    "B32-T64-H128-L2": (32, 64, 64, 128, 2),
}
VOCABULARY = 65


@functools.cache
def _training_step(size):
    """Return a function that does one step: forward, backward, update, hidden state carried over."""
    import fastgrok
    import fastgrok.nn.functional as F
    from fastgrok import nn, optim

    B, T, E, H, L = SIZES[size]
    fastgrok.manual_seed(0)
    embedding, lstm, out = nn.Embedding(VOCABULARY, E), nn.LSTM(E, H, L), nn.Linear(H, VOCABULARY)
    adam = optim.Adam([*embedding.parameters(), *lstm.parameters(), *out.parameters()], lr=1e-3)
    ids = fastgrok.from_numpy(np.random.default_rng(0).integers(0, VOCABULARY, (T + 1, B)))
    state = None

    def step():
        nonlocal state
        h, (h_n, c_n) = lstm(embedding(ids[:-1]), state)
        state = h_n.detach(), c_n.detach()
        loss = F.cross_entropy(out(h).reshape(T * B, VOCABULARY), ids[1:].reshape(T * B))
        adam.zero_grad()
        loss.backward()
        adam.step()
        return loss.item()

    step()  # compiles
    return step


class TrainingStep:
    """One step of the language model."""

    params = list(SIZES)
    param_names = ("size",)
    version = "1"
    rounds = 1
    number = 1
    repeat = (5, 50, 5.0)
    warmup_time = 0.5
    timeout = 300

    def setup(self, size):
        """Build and compile."""
        self.step = _training_step(size)

    def time_step(self, size):
        """Forward, backward, update."""
        self.step()


class Memory:
    """Peak of the resident memory of a process that trains for a few steps."""

    version = "1"
    timeout = 300

    def peakmem_training(self):
        """Python, NumPy, Numba, kernels and model together."""
        step = _training_step("B32-T16-H512")
        for _ in range(5):
            step()


class Sampling:
    """Drawing characters one by one."""

    params = [128, 512]
    param_names = ("hidden",)
    version = "1"
    rounds = 1
    number = 1
    repeat = (3, 20, 5.0)
    warmup_time = 0
    timeout = 300

    def setup(self, hidden):
        """Build the model and compile."""
        self.model = _sampled_model(hidden)

    def time_thousand_characters(self, hidden):
        """Draw 1000 characters at temperature 0.8."""
        import fastgrok

        fastgrok.generate(*self.model, start=[0], length=1000, temperature=0.8, seed=0)


@functools.cache
def _sampled_model(hidden):
    import fastgrok
    from fastgrok import nn

    fastgrok.manual_seed(0)
    model = nn.Embedding(VOCABULARY, 64), nn.LSTM(64, hidden), nn.Linear(hidden, VOCABULARY)
    fastgrok.generate(*model, start=[0], length=1, seed=0)  # compiles
    return model
