"""One process of a distributed training, through the library and Keras; run by test_distribution.py.

    python distributed_training.py FOLDER {tables|files} [here | COORDINATOR PROCESSES INDEX [die]]

Writes the weights to FOLDER/<index, here or alone>.npz, the writer the model to FOLDER/model.keras.
"""

import os
import sys
from contextlib import nullcontext
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from keras import layers, ops

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.training.backend.distribution import Distribution, Team, joined
from kerascnn.training.backend.sharding import Joined, alone, divided

IMAGES, BATCH, EPOCHS = 75, 16, 2  # the last batch of 11 does not divide by two


class Table(layers.Layer):
    def __init__(self, images):
        super().__init__(trainable=False)
        self.images = ops.convert_to_tensor(images)

    def call(self, numbers):
        return divided(ops.cast(ops.take(self.images, numbers, axis=0), "float32"))


class Batches(keras.utils.PyDataset):
    def __init__(self, order, inputs, labels):
        super().__init__()
        self.order, self.inputs, self.labels = order, inputs, labels

    def __len__(self):
        return -(-len(self.order) // BATCH)

    def __getitem__(self, index):
        numbers = self.order[index * BATCH : (index + 1) * BATCH]
        return self.inputs(numbers), self.labels[numbers]


def network():
    return keras.Sequential(
        [
            layers.Input((12, 12, 1)),
            layers.Rescaling(1 / 64),
            layers.Conv2D(4, 3, use_bias=False),  # Adam would make a step of the rounding of its gradient, 0
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3),
        ]
    )


def train(team: Team, kind: str, *, die: bool) -> keras.Model:
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (IMAGES, 12, 12, 1)).astype(np.uint8)
    labels = draw.integers(0, 3, IMAGES).astype(np.int32)
    keras.utils.set_random_seed(1)
    model = network()
    numbers = keras.Input((), dtype="int32", name="numbers")
    if kind == "tables":
        fed = keras.Model(numbers, model(Table(images)(numbers)))

        def inputs(rows):
            return rows
    else:
        pictures = keras.Input((12, 12, 1), dtype="uint8", name="pictures")
        fed = keras.Model([numbers, pictures], model(ops.cast(Joined()(pictures, numbers), "float32")))

        def inputs(rows):
            return rows, team.part(images[rows])

    fed.compile(
        keras.optimizers.Adam(0.003),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=4,
    )
    for epoch in range(EPOCHS):
        if die and epoch:
            os._exit(7)
        order = np.random.default_rng(epoch).permutation(IMAGES).astype(np.int32)
        trained = fed.fit(Batches(order, inputs, labels), shuffle=False, verbose=0).history
        checked = fed.evaluate(Batches(order, inputs, labels), verbose=0, return_dict=True)
        figures = *trained["loss"], *trained["accuracy"], checked["loss"], checked["accuracy"]
        sys.stdout.write(" ".join(f"{figure:.4f}" for figure in figures) + "\n")
    return model


def lost(message: str) -> None:
    sys.stderr.write(f"Error: {message}\n")
    os._exit(1)


def main(folder: str, kind: str, *place: str) -> None:
    asked = Distribution.of() if place == ("here",) else None
    if len(place) > 1:
        asked = Distribution.of(coordinator=place[0], processes=place[1], process_index=place[2])
    with joined(asked, lost=lost) if asked else nullcontext(Team()) as team:
        team.check_same("settings", kind)
        drawn = np.array([1.5, -0.0, np.nan], np.float32), np.array([2**32 - 1], np.uint32)
        for sent, own in zip(team.from_writer([a * (1 - team.index) for a in drawn]), drawn, strict=True):
            assert sent.tobytes() == own.tobytes()
        model = train(team, kind, die="die" in place)
        name = {0: "alone", 1: "here"}.get(len(place), str(team.index))
        np.savez(Path(folder) / f"{name}.npz", *model.get_weights())
        if team.is_writer:
            with alone():
                model.save(Path(folder) / "model.keras")
                probabilities = keras.models.load_model(Path(folder) / "model.keras").predict(
                    np.zeros((5, 12, 12, 1), np.uint8), verbose=0
                )
            assert probabilities.shape == (5, 3)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KerasCnnError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(error.exit_code)
