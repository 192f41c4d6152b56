"""Inverse rendering: from target images to a scene. `fit` in loop.py is the entry."""
