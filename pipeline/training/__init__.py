"""Training and prediction of any method."""
