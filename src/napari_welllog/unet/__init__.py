"""The U-Net: the network, its losses and weights, training and tiled prediction."""

from napari_welllog.unet.predict import segment
from napari_welllog.unet.weights import Model, load_model

__all__ = ["Model", "load_model", "segment"]
