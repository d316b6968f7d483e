"""The U-Net: the network, its losses and weights, training and tiled prediction."""
