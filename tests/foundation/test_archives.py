"""``.keras`` archives that claim more than they hold are refused before Keras believes them."""

import io
import zipfile

import h5py
import numpy as np
import pytest

from kerascnn.foundation.archives import require_weighed
from kerascnn.foundation.errors import KerasCnnError


def _archive(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ({"config_json": b"{}", "model_weights_h5": b""} | members).items():
            stem, _, suffix = name.rpartition("_")
            archive.writestr(f"{stem.replace('_', '.')}.{suffix}", content)
    return path


def _weights(fill):
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        fill(file)
    return content.getvalue()


def test_models_are_not_refused(run, tmp_path):
    require_weighed(run / "model.keras")
    weights = _weights(lambda file: file.create_dataset("layers/a", data=np.zeros((1000, 1000), np.float32)))
    require_weighed(_archive(tmp_path / "zeros.keras", model_weights_h5=weights))
    (tmp_path / "other.keras").write_bytes(b"no archive")
    require_weighed(tmp_path / "other.keras")


@pytest.mark.parametrize(
    ("member", "content", "words"),
    [
        ("config_json", bytes(2**24 + 1), r"its config\.json unpacks to 16,777,217 bytes"),
        ("model_weights_h5", bytes(2**27), r"bytes unpack to 134,217,7"),
        ("assets_bin", bytes(2**27), r"bytes unpack to 134,217,7"),
        (
            "model_weights_h5",
            _weights(lambda file: file.create_dataset("a", (10**6, 10**6), "f4", compression="gzip")),
            r"the arrays of its model\.weights\.h5 claim 4,000,000,000,000 bytes",
        ),
        (
            "model_weights_h5",
            _weights(lambda file: file.create_dataset("a", (4,), "f4", external=[("/etc/hostname", 0, 16)])),
            "refers to data in other files",
        ),
    ],
)
def test_what_claims_too_much_is_refused(tmp_path, member, content, words):
    with pytest.raises(KerasCnnError, match=words):
        require_weighed(_archive(tmp_path / "bomb.keras", **{member: content}))


def test_too_many_members_are_refused(tmp_path):
    many = {f"assets{number}_txt": b"" for number in range(1001)}
    with pytest.raises(KerasCnnError, match="it has 1,003 members"):
        require_weighed(_archive(tmp_path / "bomb.keras", **many))
