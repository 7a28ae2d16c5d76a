"""The composition root: config in, objects out. Nothing below this floor sees Hydra or OmegaConf."""
