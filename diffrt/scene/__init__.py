"""A loaded scene: resolved elements, parameters by name, load and save. No Taichi from here down."""
