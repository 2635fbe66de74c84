"""Keras settings that kerascnn needs, whatever ``~/.keras/keras.json`` says."""


def set_keras_defaults() -> None:
    """Set channels last and float32 for all layers built from now on.

    Other settings change results without a word, or break them. A precision that is asked for comes by the
    global policy, which this leaves alone.
    """
    import keras

    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
