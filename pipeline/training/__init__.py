"""The training loop, the optimizer, and predictions. Names no method."""
