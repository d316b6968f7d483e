"""The U-Net: the network, its losses and weights, training and tiled prediction."""

from napari_welllog.unet.predict import ClassBand, segment, segment_bands
from napari_welllog.unet.weights import Model, load_model

__all__ = ["ClassBand", "Model", "load_model", "segment", "segment_bands"]
