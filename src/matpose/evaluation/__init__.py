"""What a model is worth: label-free measures, probes, posture protocols, and the pictures and pages that show them."""
