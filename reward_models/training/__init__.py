"""Training a reward model: settings, the Trainer, faults, the run from files to a saved model."""
