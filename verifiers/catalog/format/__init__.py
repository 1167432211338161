"""The format teacher."""
