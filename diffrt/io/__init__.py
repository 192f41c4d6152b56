"""Files in and out: images, meshes, whole scenes of other programs."""
