"""Curve probabilities that are packed as they come are the same when they are asked for."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.sparse import csr_array

from napari_welllog.packed_plane import PackedPlane


@given(
    st.lists(
        st.integers(0, 6).flatmap(
            lambda rows: arrays.arrays(np.uint8, (rows, 7), elements=st.sampled_from([0, 0, 0, 5, 128, 255]))
        ),
        max_size=6,
    ),
    st.data(),
)
def test_any_rows_of_a_packed_plane_are_those_that_were_put_in(bands, data) -> None:
    plane = PackedPlane(7)
    for band in bands:
        plane.append(csr_array(band))
    whole = np.concatenate([np.zeros((0, 7), np.uint8), *bands])
    assert plane.shape == whole.shape
    for _ in range(3):
        first, last = (data.draw(st.integers(0, len(whole))) for _ in range(2))
        rows = plane[first:last]
        assert rows.dtype == np.uint8
        np.testing.assert_array_equal(rows.toarray(), whole[first:last])


def test_a_printed_log_packs_into_a_sixth(well) -> None:
    """The probabilities of a long scan are kept until all of it is read, so each row has to be small."""
    for curve_class in (1, 2):
        sparse = csr_array((well.log.classes == curve_class).astype(np.uint8) * np.uint8(255))
        plane = PackedPlane(sparse.shape[1])
        plane.append(sparse)
        packed = sum(len(part) for band in plane._bands for part in band)
        assert packed < 1 / 6 * (sparse.data.nbytes + sparse.indices.nbytes + sparse.indptr.nbytes)
