"""`matpose compare`: pose systems trained and measured alike, side by side."""
