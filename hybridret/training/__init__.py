"""The training of an encoder: Lightning, checkpoints, validation, sharding."""
