"""Between places and heatmaps: targets to learn from, and joints read from what was learned."""
