"""The networks of the method, in the paper's words: encoder, fuser, decoder, and the posture graph net."""
