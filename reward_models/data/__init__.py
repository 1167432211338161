"""From files of ratings, pairs, rankings, thumbs or scores to training and validation data."""
