"""Plain data: what a scene file says, and meshes with their topology. NumPy and pydantic only."""
