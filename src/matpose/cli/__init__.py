"""The command line: one file a verb, thin, heavy imports inside the verbs."""
