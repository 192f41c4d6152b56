"""Pure `ti.func` building blocks: vectors, samplers, warps, distributions. No fields."""
