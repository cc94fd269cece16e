"""Ways to name joints on features, each with its loss: one technique a file."""
