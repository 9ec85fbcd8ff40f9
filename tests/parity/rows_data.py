"""Rows for data sets, samplers and loaders. What is drawn by chance is compared sorted."""

from hypothesis import strategies as st

from parity.draw import ANY, arrays, choice, pick, rarely
from parity.table import rows

DATA = "utils.data."


def calls(*arguments, **keywords):
    """Strategies of arguments, and options."""
    return st.tuples(st.tuples(*map(choice, arguments)), pick(**keywords))


class Numbers:
    """A data set of numbers, of either library."""

    def __init__(self, size, offset=0):
        self.size, self.offset = size, offset

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        if not 0 <= index < self.size:
            raise IndexError(index)
        return self.offset + index


# ---------------------------------------------------------------------------------------------------- batches

number = st.integers(-5, 5) | st.sampled_from((0.5, 2.0)) | st.booleans()
kinds = (
    number,
    st.integers(0, 99).map(str),
    arrays((2,), ANY, grad=False),
    st.tuples(number, number),
    st.lists(number, min_size=2, max_size=2 + 1),
    st.fixed_dictionaries({"a": number, "b": arrays((2,), ("float32",), grad=False)}),
    st.just({1, 2}),
)
samples = st.one_of(*[st.lists(kind, min_size=1, max_size=4) for kind in kinds])
rows(DATA + "default_collate", calls(samples))
rows(DATA + "default_convert", calls(samples | arrays(grad=False).map(lambda x: [x.make(), {"a": x.make()}, "text"])))

# ---------------------------------------------------------------------------------------------------- data sets


def read(dataset, indices):
    """Return the length and some samples."""
    return len(dataset), [dataset[i] for i in indices]


indices = st.lists(st.integers(-2, 3), max_size=3)
same_length = st.integers(1, 4).flatmap(
    lambda n: st.lists(
        st.sampled_from(((n, 2), (n,), (n, 1), (n + 1,))).flatmap(lambda s: arrays(s, grad=False)), max_size=3
    )
)
rows(
    DATA + "TensorDataset",
    calls(same_length, indices),
    function=lambda t, x, i: read(t.utils.data.TensorDataset(*x), i),
)
rows(
    DATA + "Subset",
    calls(st.lists(st.integers(0, 4), max_size=4), indices),
    function=lambda t, chosen, i: read(t.utils.data.Subset(Numbers(5), chosen), i),
)
sizes = st.lists(st.integers(0, 3), max_size=3)
rows(
    DATA + "ConcatDataset",
    calls(sizes, indices),
    function=lambda t, n, i: read(t.utils.data.ConcatDataset([Numbers(k, 10 * k) for k in n]), i),
)
equal = st.sampled_from(([3], [3, 3], [2, 2, 2], [2, 3], []))
rows(
    DATA + "StackDataset",
    calls(equal, st.lists(st.integers(0, 1), max_size=2)),
    function=lambda t, n, i: read(t.utils.data.StackDataset(*[Numbers(k, k) for k in n]), i),
)


def own_datasets(library, first, second):
    """Use data sets that a user wrote, and their sums."""
    data = library.utils.data

    class Mapped(data.Dataset):
        def __len__(self):
            return first

        def __getitem__(self, index):
            return index * 2

    class Read(data.IterableDataset):
        def __iter__(self):
            return iter(range(second))

    joined, chained = Mapped() + Mapped(), Read() + Read()
    loaded = [list(data.DataLoader(dataset, batch_size=2)) for dataset in (joined, chained)]
    return (
        len(joined),
        list(chained),
        loaded,
        list(data.ChainDataset([Read(), Read()])),
        type(joined).__name__,
        type(chained).__name__,
    )


rows(f"{DATA}Dataset {DATA}IterableDataset {DATA}ChainDataset", calls((1, 2, 3), (0, 1, 4)), function=own_datasets)


def parts(library, size, lengths):
    """Split by chance: all is there once."""
    split = library.utils.data.random_split(Numbers(size), lengths)
    return [len(part) for part in split], sorted(i for part in split for i in part.indices)


lengths = st.sampled_from(([3, 2], [5], [0.5, 0.5], [0.25, 0.25, 0.5], [4, 4], [0.5, 0.1], [0.9, 0.9], []))
rows(DATA + "random_split", calls((5, 8), lengths), function=parts)

# ---------------------------------------------------------------------------------------------------- samplers


def drawn(library, name, arguments, options):
    """Return which indices a sampler draws, sorted, and how many."""
    sampler = getattr(library.utils.data, name)(*arguments, **options)
    return sorted(sampler), len(sampler)


def sampler(name, *arguments, function=drawn, **options):
    """Add the row of a sampler."""
    rows(
        DATA + name,
        st.tuples(st.just(name), st.tuples(*map(choice, arguments)), pick(**options)).map(lambda a: (a, {})),
        function=function,
    )


numbers = st.integers(0, 5).map(Numbers)
sampler("SequentialSampler", numbers)
sampler("SubsetRandomSampler", st.lists(st.integers(0, 9), max_size=4))


def some_of(library, name, arguments, options):
    """Return how many indices a sampler draws, and which; where chance decides, only whether they are indices."""
    sampler = getattr(library.utils.data, name)(*arguments, **options)
    found = list(sampler)
    all_of_them = name == "RandomSampler" and not options.get("replacement") and options.get("num_samples") is None
    return len(sampler), len(found), sorted(found) if all_of_them else [0 <= i < 6 for i in found]


sampler("RandomSampler", numbers, function=some_of, replacement=(True, False, "no"), num_samples=(None, 3, 0, -1))
weights = st.sampled_from(([1.0, 0.0, 2.0], [0.5], [[1.0]]))
sampler("WeightedRandomSampler", weights, (1, 0, -1, 1.5), function=some_of, replacement=(True, False, "no"))
exact = st.integers(0, 7).map(range)
rows(
    DATA + "BatchSampler",
    calls(exact, (1, 2, 3, 0, 1.5), (True, False, "no")),
    function=lambda t, *a: (lambda s: (list(s), len(s)))(t.utils.data.BatchSampler(*a)),
)


def own_sampler(library, order):
    """Use a sampler that a user wrote."""

    class Own(library.utils.data.Sampler):
        def __iter__(self):
            return iter(order)

        def __len__(self):
            return len(order)

    return list(library.utils.data.DataLoader(Numbers(5), sampler=Own(), batch_size=2))


rows(DATA + "Sampler", calls(st.permutations(range(5))), function=own_sampler)

# ---------------------------------------------------------------------------------------------------- loaders


def loaded(library, tensors, options, chance):
    """Return all batches; in a random order, all samples sorted."""
    data = library.utils.data
    loader = data.DataLoader(data.TensorDataset(*tensors), **options)
    batches = list(loader)
    if chance:
        return len(loader), sorted(float(x) for batch in batches for x in batch[0].reshape(-1))
    return len(loader), batches, loader.batch_size, loader.drop_last


@st.composite
def loading(draw):
    """Tensors and options of a loader; options that contradict each other are drawn rarely."""
    n = draw(st.integers(1, 6))
    tensors = [draw(arrays((n, 2), ("float32",), grad=False)), draw(arrays((n,), ("int64",)))]
    options = draw(pick(batch_size=(1, 2, 4, None) if rarely(draw, 4) else (1, 2, 4)))
    chance = draw(st.booleans())
    if chance:
        options["shuffle"] = True
    if options.get("batch_size", 1) and (not chance or rarely(draw)):
        options["drop_last"] = draw(st.booleans())
    if rarely(draw):
        options |= draw(
            st.sampled_from(
                (
                    {"batch_size": 0},
                    {"num_workers": -1},
                    {"timeout": -1},
                    {"sampler": range(n)},
                    {"batch_sampler": [[0]]},
                )
            )
        )
    return (tensors, options, chance and not options.get("drop_last")), {}


rows(DATA + "DataLoader", loading(), function=loaded)
rows(DATA + "get_worker_info", st.just(((), {})))
