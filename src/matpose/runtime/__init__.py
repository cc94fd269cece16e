"""Prediction: a detector over recordings, and the files and pictures of what it finds."""

from matpose.runtime.detector import Detector

__all__ = ["Detector"]
