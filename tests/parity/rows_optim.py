"""Rows for optimizers, learning-rate schedules and averages of weights."""

import copy

import numpy as np
from hypothesis import strategies as st

from parity.draw import arrays, choice, pick, rarely
from parity.framework import fill
from parity.table import rows

# ---------------------------------------------------------------------------------------------------- optimizers


def trajectory(library, params, name, options, steps, seed):
    """Take steps with drawn gradients, then steps with a new optimizer that continues from the state of the first."""

    def take(optimizer, first, last):
        for step in range(first, last):
            rng = np.random.default_rng([seed, step])
            for i, p in enumerate(params):
                gradient = np.asarray(rng.standard_normal(tuple(p.shape)))
                p.grad = None if i == step else library.tensor(gradient, dtype=p.dtype)
            optimizer.step()

    def make():
        groups = [{"params": params[:1], "lr": 0.05}, {"params": params[1:]}] if len(params) > 1 else params
        return getattr(library.optim, name)(groups, **options)

    optimizer = make()
    take(optimizer, 0, steps)
    state = copy.deepcopy(optimizer.state_dict())
    resumed = make()
    resumed.load_state_dict(copy.deepcopy(state))  # PyTorch would share what is loaded
    # The product of PyTorch's NAdam is a float32, until it is loaded beside a float64.
    if name != "NAdam" or all(p.dtype == library.float32 for p in params):
        take(resumed, steps, steps + 2)
    optimizer.zero_grad()
    return [p.detach() for p in params], state_of(state), settings_of(state), settings_of(resumed.state_dict())


def state_of(state):
    """Return what an optimizer remembers of each parameter, in a fixed order; single numbers as floats."""
    return {
        i: {key: float(kept[key]) if key in ("step", "mu_product") else kept[key] for key in sorted(kept)}
        for i, kept in sorted(state["state"].items())
    }


INTERNAL = {"foreach", "fused", "capturable", "differentiable", "decoupled_weight_decay"}


def settings_of(state):
    """Return the settings of the groups of parameters, but for those that say how PyTorch calculates."""
    return [{key: group[key] for key in sorted(group) if key not in INTERNAL} for group in state["param_groups"]]


@st.composite
def training(draw, name, **options):
    """Parameters, options, and how many steps."""
    params = [draw(arrays(low=0, high=2, grad=True)) for _ in range(draw(st.integers(1, 3)))]
    settings = draw(pick(lr=(0.1, 0.003, 0.0, -1.0) if rarely(draw, 4) else (0.1, 0.003), **options))
    return (params, name, settings, draw(st.integers(1, 4)), draw(st.integers(0, 99))), {}


def optimizer(name, **options):
    """Add the row of an optimizer."""
    rows(f"optim.{name}", training(name, maximize=(True, False), **options), function=trajectory)


DECAY = {"weight_decay": (0, 0.1, 0.1, -1.0)}
BETAS = {"betas": ((0.9, 0.999), (0.5, 0.8), (0.9, 0.999), (0.5, 0.8), (1.0, 0.9), (0.9, -0.1))}
EPS = {"eps": (1e-8, 1e-3, 1e-3, -1.0)}
MOMENTUM = {"momentum": (0, 0.9, 0.5, -1.0)}
optimizer("SGD", **DECAY, **MOMENTUM, dampening=(0, 0.3), nesterov=(True, False, False))
optimizer("Adam", **DECAY, **BETAS, **EPS)
optimizer("AdamW", **DECAY, **BETAS, **EPS)
optimizer("Adamax", **DECAY, **BETAS, **EPS)
optimizer("NAdam", **DECAY, **BETAS, **EPS, momentum_decay=(4e-3, 0.1, -1.0), decoupled_weight_decay=(True, False))
optimizer("RMSprop", **DECAY, **MOMENTUM, **EPS, alpha=(0.99, 0.5, -1.0), centered=(True, False))
optimizer("Adagrad", **DECAY, lr_decay=(0, 0.1, -1.0), eps=(1e-10, 1e-3), initial_accumulator_value=(0, 0.5, -1.0))
optimizer("Adadelta", **DECAY, rho=(0.9, 0.3, 2.0), eps=(1e-6, 1e-2, -1.0))


def rows_only(library, table, batches, options):
    """Train a table of an embedding, of which each step changes the rows that it used."""
    optimizer = library.optim.SparseAdam([table], **options)
    sparse = {"sparse": True} if library.__name__ == "torch" else {}  # in fastgrok gradients of rows are always such
    for batch in batches:
        optimizer.zero_grad()
        (library.nn.functional.embedding(library.tensor(batch), table, **sparse) ** 2).sum().backward()
        optimizer.step()
    table.grad = None
    return table.detach()


batches = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4), min_size=1, max_size=4)
table = st.tuples(st.just(5), st.integers(1, 3)).flatmap(lambda shape: arrays(shape, grad=True))
settings = pick(lr=(0.1, 0.01, -1.0), **BETAS, **EPS, maximize=(True, False))
rows("optim.SparseAdam", st.tuples(table, batches, settings).map(lambda a: (a, {})), function=rows_only)


def own_optimizer(library, params, options, steps):
    """Use an optimizer that a user wrote."""

    class Own(library.optim.Optimizer):
        def __init__(self, params, lr=0.1):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            with library.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        if p.grad is not None:
                            p -= group["lr"] * p.grad

    optimizer = Own(params, **options)
    for _ in range(steps):
        optimizer.zero_grad()
        sum((p * p).sum() for p in params).backward()
        optimizer.step()
    optimizer.add_param_group({"params": [library.ones(2, requires_grad=True)], "lr": 3})
    return [p.detach() for p in params], settings_of(optimizer.state_dict())


own = st.tuples(
    st.lists(arrays(high=2, dtypes=("float64",), grad=True), max_size=2), pick(lr=(0.1, 0.5)), st.integers(0, 3)
)
rows("optim.Optimizer", own.map(lambda a: (a, {})), function=own_optimizer)

# ---------------------------------------------------------------------------------------------------- schedules


def rates(library, name, options, steps, momentum, metrics):
    """Return the rates of two groups of parameters over some steps, and after the state went to a new schedule."""
    schedulers = library.optim.lr_scheduler

    def make():
        weights = [library.zeros(1, requires_grad=True) for _ in range(2)]
        groups = [{"params": weights[:1], "lr": 0.4}, {"params": weights[1:]}]
        optimizer = library.optim.SGD(groups, lr=0.1, momentum=momentum)
        return optimizer, build(schedulers, name, optimizer, options)

    def take(optimizer, scheduler, first, last):
        seen = []
        for step in range(first, last):
            optimizer.step()
            scheduler.step(*([metrics[step % len(metrics)]] if name == "ReduceLROnPlateau" else []))
            seen.append([float(group["lr"]) for group in optimizer.param_groups])
            seen.append([float(group["momentum"]) for group in optimizer.param_groups])
            seen.append([float(lr) for lr in scheduler.get_last_lr()])
        return seen

    optimizer, scheduler = make()
    start = [float(group["lr"]) for group in optimizer.param_groups]
    seen = take(optimizer, scheduler, 0, steps)
    other, resumed = make()
    other.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    return start, seen, take(other, resumed, steps, steps + 4)


def build(schedulers, name, optimizer, options):
    """Make a schedule; parts of one are described by pairs (name, options)."""
    options = dict(options)
    parts = [build(schedulers, *part[:1], optimizer, part[1]) for part in options.pop("schedulers", ())]
    if name == "SWALR":
        from importlib import import_module

        schedulers = import_module(schedulers.__name__.replace("lr_scheduler", "swa_utils"))
    if parts and name == "ChainedScheduler":
        return schedulers.ChainedScheduler(parts, optimizer=optimizer)
    return getattr(schedulers, name)(optimizer, *([parts] if parts else []), **options)


def lowered(step):
    """Return a factor that depends on the step."""
    return 1 / (1 + step)


WARM = {
    "ConstantLR": {"factor": (0.5, 0.25, 1.5), "total_iters": (3, 5)},
    "LinearLR": {"start_factor": (0.5, 0.1, 0.0), "end_factor": (1.0, 0.7, 2.0), "total_iters": (3, 6)},
}
SCHEDULES = {
    "StepLR": ({"step_size": (1, 2, 3)}, {"gamma": (0.1, 0.5)}),
    "MultiStepLR": ({"milestones": ([1, 3], [2], [])}, {"gamma": (0.1, 0.5)}),
    "ExponentialLR": ({"gamma": (0.9, 0.5)}, {}),
    "LambdaLR": ({"lr_lambda": (lowered, [lowered, lowered], [lowered])}, {}),
    "MultiplicativeLR": ({"lr_lambda": (lowered, [lowered, lowered], [lowered])}, {}),
    "ConstantLR": ({}, WARM["ConstantLR"]),
    "LinearLR": ({}, WARM["LinearLR"]),
    "PolynomialLR": ({}, {"total_iters": (3, 7), "power": (1.0, 2.0, 0.5)}),
    "CosineAnnealingLR": ({"T_max": (4, 10)}, {"eta_min": (0.0, 0.01)}),
    "CosineAnnealingWarmRestarts": ({"T_0": (1, 2, 3, 0)}, {"T_mult": (1, 2, 0), "eta_min": (0.0, 0.01)}),
    "CyclicLR": (
        {"base_lr": (0.01, [0.01, 0.02]), "max_lr": (0.5, [0.3, 0.4], [0.3])},
        {
            "step_size_up": (2, 3),
            "step_size_down": (None, 1),
            "mode": ("triangular", "triangular2", "exp_range", "other"),
            "gamma": (0.9, 1.0),
            "cycle_momentum": (True, False),
            "base_momentum": (0.8, 0.5),
        },
    ),
    "OneCycleLR": (
        {"max_lr": (0.5, [0.3, 0.4], [0.3])},
        {
            "total_steps": (12, 0),
            "epochs": (3,),
            "steps_per_epoch": (5,),
            "pct_start": (0.3, 0.5, 1.5),
            "anneal_strategy": ("cos", "linear", "other"),
            "div_factor": (25.0, 4.0),
            "three_phase": (True, False),
        },
    ),
    "ReduceLROnPlateau": (
        {},
        {
            "mode": ("min", "max", "other"),
            "factor": (0.1, 0.5, 1.5),
            "patience": (0, 1, 2),
            "threshold": (1e-4, 0.5),
            "threshold_mode": ("rel", "abs", "other"),
            "cooldown": (0, 1),
            "min_lr": (0, 0.05, [0.05, 0.2], [0.1]),
        },
    ),
    "SWALR": (
        {"swa_lr": (0.05, [0.05, 0.02])},
        {"anneal_epochs": (2, 4, 0), "anneal_strategy": ("cos", "linear", "other")},
    ),
}
part = st.one_of(*[st.tuples(st.just(name), pick(**options)) for name, options in WARM.items()])
parts = st.lists(part, min_size=1, max_size=3)
rest = (
    st.integers(0, 7),
    st.sampled_from((0.9, 0.9, 0.0)),
    st.lists(st.sampled_from((1.0, 0.5, 0.9, 2.0, float("nan"))), min_size=1, max_size=5),
)
for name, (needed, optional) in SCHEDULES.items():
    options = st.fixed_dictionaries(
        {key: choice(values) for key, values in needed.items()},
        optional={key: choice(values) for key, values in optional.items()},
    )
    home = "optim.swa_utils.SWALR" if name == "SWALR" else f"optim.lr_scheduler.{name}"
    rows(home, st.tuples(st.just(name), options, *rest).map(lambda a: (a, {})), function=rates)
chained = st.tuples(st.just("ChainedScheduler"), st.fixed_dictionaries({"schedulers": parts}), *rest)
rows("optim.lr_scheduler.ChainedScheduler", chained.map(lambda a: (a, {})), function=rates)
milestones = st.lists(st.integers(1, 6), min_size=0, max_size=3).map(sorted)
sequential = st.tuples(
    st.just("SequentialLR"), st.fixed_dictionaries({"schedulers": parts, "milestones": milestones}), *rest
)
rows("optim.lr_scheduler.SequentialLR", sequential.map(lambda a: (a, {})), function=rates)

# ---------------------------------------------------------------------------------------------------- averages


def averaged(library, x, average, decay, updates, buffers):
    """Return the average of weights that change, as a model and as its state."""
    nn, utils = library.nn, library.optim.swa_utils
    model = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    fill(library, model, 0)
    functions = {
        "swa": {},
        "swa-one": {"avg_fn": utils.get_swa_avg_fn()},
        "swa-many": {"multi_avg_fn": utils.get_swa_multi_avg_fn()},
        "ema": {"avg_fn": utils.get_ema_avg_fn(decay)},
        "ema-many": {"multi_avg_fn": utils.get_ema_multi_avg_fn(decay)},
        "own": {"avg_fn": lambda mean, value, count: mean + (value - mean) / (count + 2)},
        "both": {"avg_fn": utils.get_ema_avg_fn(decay), "multi_avg_fn": utils.get_ema_multi_avg_fn(decay)},
    }
    average = utils.AveragedModel(model, **functions[average], use_buffers=buffers)
    for update in range(updates):
        fill(library, model, update + 1)
        average.update_parameters(model)
    utils.update_bn([x, x], average)
    return average(x), dict(average.state_dict()), average.training


kinds = st.sampled_from(("swa", "swa-one", "swa-many", "ema", "ema-many", "own", "both"))
some = st.tuples(
    arrays((4, 3), ("float32",)), kinds, st.sampled_from((0.9, 0.5, 1.5)), st.integers(0, 3), st.booleans()
)
averages = [f"optim.swa_utils.get_{name}_fn" for name in ("ema_avg", "ema_multi_avg", "swa_avg", "swa_multi_avg")]
rows(
    " ".join(["optim.swa_utils.AveragedModel", "optim.swa_utils.update_bn", *averages]),
    some.map(lambda a: (a, {})),
    function=averaged,
)
