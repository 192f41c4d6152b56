"""The contract of a camera.

A camera is a file with one `ti.func` in its local frame (+X right, +Y up, looking along -Z):

    local_ray(scene, features, film, u) -> (origin, direction)      both vec3, the direction of any length; `film` in
                                                                    pixels from the top-left corner, y down; u chooses
                                                                    a point of the lens

To add one: write its file, add its name to `CAMERA_TYPES` in `device/features.py` and its line to `dispatch.py`, its
pydantic model to the description, and its parameters to `device/upload.py`.
"""
