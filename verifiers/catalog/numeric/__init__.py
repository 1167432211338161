"""Numbers and quantities with units against a reference, within tolerances."""
