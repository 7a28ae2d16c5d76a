"""What a training will need before it is paid for: parameters, FLOPs, memory by part, time, cost. Knows no Hydra."""
