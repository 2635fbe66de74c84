"""From a Keras model to a quantized ``.tflite`` file that is verified and evaluated."""
