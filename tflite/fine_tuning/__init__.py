"""Fine-tunes weights before quantization with tensorflow-model-optimization.

It needs Keras 2 (tf_keras) and sets switches for its whole process: both stay in a process of their own. This
side describes the network and sends batches of images; the other (``tuner.py``, ``keras2_twin.py``,
``tfmot_wrappers.py``) builds the same network on tf_keras, trains it, and sends back weights or an int8 file.
"""
