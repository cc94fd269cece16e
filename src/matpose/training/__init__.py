"""Training: recipes, data, the two stages of CRWT, checkpoints and runs."""
