"""Models of surfaces, lights and cameras: one model, one file, with eval, sample and pdf."""
