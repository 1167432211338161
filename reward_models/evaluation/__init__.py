"""How good a reward model is: metrics, baselines, calibration, reports. Standard library but for the frozen head."""
