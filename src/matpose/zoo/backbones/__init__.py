"""Networks from a map to features, and some to heatmaps of their own: one file each."""
