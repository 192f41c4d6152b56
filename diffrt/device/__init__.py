"""The scene on the device: Taichi fields, their upload, and the bounding volume hierarchy."""
