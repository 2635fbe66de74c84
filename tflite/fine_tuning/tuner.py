"""The server of a fine-tuning in the separate process: one network, its stages and steps."""

import numpy as np
import tf_keras
from numpy.typing import NDArray

from kerascnn.tflite.fine_tuning.keras2_twin import int8_file, start_ranges, take_raw_pixels, to_logits, twin
from kerascnn.tflite.fine_tuning.plain_network import PlainNetwork
from kerascnn.tflite.fine_tuning.plan import AWARE, FineTuningPlan, Stage
from kerascnn.tflite.fine_tuning.tfmot_wrappers import callbacks, stripped, wrapped

Weights = dict[str, list[NDArray[np.float32]]]


class Tuner:
    """Its methods are called from the other process, in this order: build, then begin, steps, end a stage."""

    def build(self, network: PlainNetwork, plan: FineTuningPlan, seed: int) -> None:
        """Build the network; the seed is that of its dropout."""
        tf_keras.utils.set_random_seed(seed)
        self._network, self._plan = network, plan
        self._model = twin(network)
        self._scale, self._offset = network.scale, network.offset

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network's current probabilities, float32 (n, classes), for raw pixels."""
        answers: NDArray[np.float32] = self._model.predict_on_batch(self._taken(images))
        return answers

    def begin(self, stage: Stage, steps: int, rate: float, images: NDArray[np.uint8] | None) -> None:
        """Prepare the network for a stage.

        Args:
            stage: Which.
            steps: How many it will have.
            rate: The learning rate, which falls to 0 over them by a half cosine.
            images: Raw pixels of some training images, for the first ranges of int8; other stages need none.
        """
        floating = self._model
        self._stage, self._model = stage, wrapped(floating, stage, self._plan, steps)
        if images is not None:
            start_ranges(self._model, floating, self._taken(images))
        self._student = to_logits(self._model)
        self._student.compile(
            tf_keras.optimizers.Adam(tf_keras.optimizers.schedules.CosineDecay(rate, steps)),
            tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        self._told = tf_keras.callbacks.CallbackList(callbacks(stage), model=self._student)
        self._told.on_train_begin()

    def step(
        self, images: NDArray[np.uint8], labels: NDArray[np.int32], weights: NDArray[np.float32] | None
    ) -> dict[str, float]:
        """Train on one batch of raw pixels, each image counted by its weight; return loss and accuracy."""
        self._told.on_train_batch_begin(0)
        measured = self._student.train_on_batch(
            self._taken(images), labels, sample_weight=weights, return_dict=True
        )
        return {name: float(value) for name, value in measured.items()}

    def end(self) -> None:
        """Unwrap the network; after quantization-aware training it takes raw pixels."""
        self._told.on_epoch_end(0)
        self._model = stripped(self._model, self._stage, self._plan)
        if self._aware:
            take_raw_pixels(self._model, self._network)
            self._scale, self._offset = 1.0, 0.0

    def weights(self) -> Weights:
        """Return the weights of each layer of a float network."""
        return {layer.name: self._model.get_layer(layer.name).get_weights() for layer in self._network.layers}

    def int8_file(self, io: str) -> bytes:
        """Return the network as a ``.tflite`` file, after the training for int8."""
        return int8_file(self._model, io)

    def _taken(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        scale, offset = np.float32(self._scale), np.float32(self._offset)
        return images.astype(np.float32) * scale + offset

    @property
    def _aware(self) -> bool:
        return self._stage == AWARE
