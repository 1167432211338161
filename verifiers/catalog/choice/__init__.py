"""Multiple-choice answers: letters, several letters, the text of an option."""
