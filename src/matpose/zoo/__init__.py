"""Other methods, to be measured beside ours: one file each."""
