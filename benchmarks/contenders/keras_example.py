"""Keras' example "Simple MNIST convnet": trains until an epoch ends at 99.0 % test accuracy.

As published: two 3×3 convolutions (32 and 64 filters) with 2×2 max pooling, dropout 0.5, softmax; pixels
divided by 255; Adam; batch 128; a tenth of the training images for validation.
Prints each epoch's test accuracy.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
from arrays import read_mnist
from keras import layers

keras.utils.set_random_seed(int(sys.argv[2]))
train_x, train_y, test_x, test_y = read_mnist(Path(sys.argv[1]))
train_x, test_x = (images[..., None].astype("float32") / 255 for images in (train_x, test_x))
model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
for epoch in range(1, 31):
    model.fit(train_x, train_y, batch_size=128, epochs=1, validation_split=0.1, verbose=0)
    accuracy = model.evaluate(test_x, test_y, verbose=0)[1]
    print(epoch, accuracy, flush=True)
    if accuracy >= 0.99:
        break
