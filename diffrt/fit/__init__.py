"""Inverse rendering: from target images to a scene. `fit` in fit.py is the entry."""
