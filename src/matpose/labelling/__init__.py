"""Joints marked by eye on pressure maps: a truth to test against, never one to train on."""
