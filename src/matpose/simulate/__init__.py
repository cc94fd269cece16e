"""Made-up people on made-up mats, with known points."""
