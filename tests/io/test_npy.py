"""NPY: which arrays are pictures."""

import numpy as np
import pytest
from image_files import picture

from diffrt.errors import InputError
from diffrt.io.images import read_image, write_image


def test_npy_of_others(tmp_path):
    values = np.asfortranarray(picture().astype(">f8"))
    np.save(tmp_path / "a.npy", values)
    np.testing.assert_array_equal(read_image(tmp_path / "a.npy").data, values.astype(np.float32))
    np.save(tmp_path / "mask.npy", values[..., 0] > 0.5)
    assert set(np.unique(read_image(tmp_path / "mask.npy").data)) == {0, 1}
    write_image(tmp_path / "half.npy", np.array([[1e6, 0.5]]), bits=16)
    assert np.load(tmp_path / "half.npy").dtype == np.float16
    assert read_image(tmp_path / "half.npy").data[..., 0].tolist() == [[65504, 0.5]]


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2), np.uint8),
        np.zeros((2, 2), complex),
        np.zeros(4),
        np.zeros((2, 2, 5)),
        np.zeros((0, 2)),
        np.array([[object()]], dtype=object),
    ],
)
def test_npy_that_is_no_picture(tmp_path, array):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=r"f: a\.npy .*; allowed: "):
        read_image(tmp_path / "a.npy", field="f")
