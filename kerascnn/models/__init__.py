"""Builders of the networks and their heads. They return ordinary ``keras.Model``s."""
