import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from kcompat import config, layers, models
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.training.sources import source

X, Y = np.arange(10.0)[:, None], np.arange(10.0)[:, None] * 2
CPU = torch.device("cpu")
LOSS = 57.0 / 2  # mean of x^2 for weights of 1


def fitted(*data, **arguments):
    model = models.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(1,))])
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 0.0
    return model.fit(*data, verbose=0, **arguments).history["loss"]


class Samples(Dataset):
    def __len__(self):
        return 10

    def __getitem__(self, i):
        return torch.tensor([float(i)]), torch.tensor([2.0 * i])


class Stream(IterableDataset):
    def __iter__(self):
        return ((torch.tensor([float(i)]), torch.tensor([2.0 * i])) for i in range(10))


class Batches:
    ended = 0

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return X[i * 3 : i * 3 + 3], Y[i * 3 : i * 3 + 3]

    def on_epoch_end(self):
        self.ended += 1


TENSORS = TensorDataset(torch.tensor(X).float(), torch.tensor(Y).float())


@pytest.mark.parametrize(
    "data",
    [
        lambda: (X, Y),
        lambda: (X[:, 0].tolist(), Y[:, 0].tolist()),
        lambda: (torch.tensor(X), torch.tensor(Y)),
        lambda: (TENSORS,),
        lambda: (Samples(),),
        lambda: (Stream(),),
        lambda: (DataLoader(TENSORS, batch_size=3),),
        lambda: (Batches(),),
        lambda: ((batch for batch in [(X[:3], Y[:3]), (X[3:], Y[3:])]),),
        lambda: ([(torch.tensor(X).float(), Y)].__iter__(),),
    ],
)
def test_every_kind_of_data_gives_the_same_loss(data):
    given = data()
    if isinstance(given[0], list):
        given = ([[v] for v in given[0]], [[v] for v in given[1]])
    assert fitted(*given) == pytest.approx([LOSS])


def test_sequence_is_told_of_its_epochs():
    batches = Batches()
    fitted(batches, epochs=3)
    assert batches.ended == 3


def test_a_generator_goes_on_over_epochs_and_may_run_dry():
    made = []

    def endless():
        while True:
            made.append(1)
            yield X, Y

    assert fitted(endless(), steps_per_epoch=2, epochs=3) == pytest.approx([LOSS] * 3)
    assert len(made) == 6
    with pytest.warns(UserWarning, match="ran out after 1 of 2 steps"):
        assert len(fitted(iter([(X, Y)]), steps_per_epoch=2, epochs=3)) == 1


def test_steps_per_epoch_of_arrays():
    assert fitted(X, Y, steps_per_epoch=1, batch_size=2, shuffle=False, epochs=2) == pytest.approx([0.5, 0.5])


def test_shuffling_mixes_but_keeps_pairs_together():
    data = source(X, Y, batch_size=3, shuffle=True, device=CPU)
    first = torch.cat([torch.cat([x, y], 1) for x, y, _ in data.epoch(None)])
    second = torch.cat([torch.cat([x, y], 1) for x, y, _ in data.epoch(None)])
    assert torch.equal(first[:, 1], first[:, 0] * 2)
    assert sorted(first[:, 0].tolist()) == X[:, 0].tolist()
    assert not torch.equal(first, second)


def test_shuffling_batches_keeps_neighbours():
    data = source(X, batch_size=3, shuffle="batch", device=CPU)
    starts = [x[0].item() for x, _, _ in data.epoch(None)]
    assert sorted(starts[:3]) == [0.0, 3.0, 6.0]
    assert starts[3] == 9.0


def test_order_under_numpy_seed_in_old_generations():
    config.set_keras_version("2.2.4")
    np.random.seed(3)
    order = np.arange(10)
    np.random.shuffle(order)
    np.random.seed(3)
    data = source(X, batch_size=10, shuffle=True, device=CPU)
    (got,) = (x for x, _, _ in data.epoch(None))
    assert got[:, 0].tolist() == order.astype(float).tolist()


def test_structures_keep_their_form():
    data = source({"b": X, "a": [X, X[:, 0]]}, (Y, Y), batch_size=4, device=CPU)
    x, y, w = next(iter(data.epoch(None)))
    assert set(x) == {"a", "b"}
    assert x["a"][1].shape == (4,)
    assert len(y) == 2
    assert w is None


def test_dtypes():
    data = source([X, np.arange(10), np.arange(10, dtype="uint16"), np.array(list("abcdefghij"))], batch_size=4, device=CPU)
    (a, b, c, d), _, _ = next(iter(data.epoch(None)))
    assert (a.dtype, b.dtype, c.dtype) == (torch.float32, torch.int64, torch.int32)
    assert d.tolist() == list("abcd")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": None}, ArgumentError, "`x` is None"),
        ({"x": 5}, ArgumentTypeError, "`x` must be arrays"),
        ({"x": DataLoader(TENSORS), "y": Y}, ArgumentError, "`y` cannot be given"),
        ({"x": DataLoader(TENSORS), "batch_size": 2}, ArgumentError, "`batch_size` cannot be given"),
        ({"x": X, "class_weight": {0: 1.0}}, ArgumentError, "needs targets"),
        ({"x": X, "y": [Y, Y], "class_weight": {0: 1.0}}, ArgumentError, "one output"),
    ],
)
def test_bad_data(arguments, error, message):
    with pytest.raises(error, match=message):
        source(**arguments, device=CPU)


def test_predict_and_evaluate_take_them_too():
    model = models.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(1,))])
    model.compile("sgd", "mse")
    assert model.predict(DataLoader(TENSORS, batch_size=3), verbose=0).tolist() == X.tolist()
    assert model.evaluate(Batches(), verbose=0) == pytest.approx(LOSS)
