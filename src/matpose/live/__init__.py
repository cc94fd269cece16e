"""Beside the bed: frames as they come, from any mat, to a page that shows them."""
