"""Reading and writing rows of samples."""
