"""Radiance, buffers and film: from an uploaded scene to arrays."""
