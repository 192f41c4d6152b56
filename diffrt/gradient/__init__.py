"""Gradients of pictures: backward, forward, and their check against differences."""
