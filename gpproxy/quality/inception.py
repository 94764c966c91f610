"""The network behind FID: Inception as ported by pytorch-fid, with its published weights.

In: bytes of any size, resized as pytorch-fid does (bilinear, 299 x 299, no antialias). Out: 2,048 pooled features and
1,008 class probabilities for the Inception score. pytorch-fid and torchvision are imported at the first use; weights
are downloaded only when asked. Sources: Heusel et al. (2017); Seitzer, pytorch-fid (2020).
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.errors import QualityError
from gpproxy.quality.features import Features, check_images, file_digest, full_precision

FILE = "pt_inception-2015-12-05-6726825d.pth"
ADDRESS = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}"
#: First digits of the file's SHA-256, and its size.
HASH, MEGABYTES = "6726825d", 91
BATCH = 50


def default_weights() -> Path:
    """Where pytorch-fid keeps its weights: the checkpoints of torch.hub (`TORCH_HOME` moves them)."""
    return Path(torch.hub.get_dir()) / "checkpoints" / FILE


class InceptionExtractor:
    """See `gpproxy.quality.features.Extractor`.

    Args:
        weights: a copy of the published file, or other weights for the same network; None looks in torch.hub's folder.
        device: where the network runs.
        download: fetches the published file into torch.hub's folder when it is not there.
    """

    name = "inception"
    dimensions = 2048

    def __init__(self, weights: Path | None = None, device: str = "cpu", download: bool = False):
        path = weights or default_weights()
        if not path.is_file():
            if not download:
                raise QualityError(
                    f"The extractor 'inception' needs pytorch-fid's weights, and {path} is not there. Download "
                    f"{ADDRESS} ({MEGABYTES} MB, SHA-256 {HASH}...) to that path, or give a copy with "
                    "--extractor-weights PATH. The extractor 'cifar' needs no download."
                )
            _download(path)
        digest = file_digest(path)
        self.published = digest.startswith(HASH)
        if weights is None and not self.published:
            raise QualityError(
                f"The weights {path} are damaged: their SHA-256 starts with {digest[:8]}, not with {HASH}. Delete the "
                f"file and download {ADDRESS} ({MEGABYTES} MB) again."
            )
        self.digest = digest[:16]
        self.device = torch.device(device)
        state = _read(path)
        self.network = _network(state, path).eval().to(self.device)
        # TensorFlow's Inception score leaves the bias of the last layer out.
        self._classes = state["fc.weight"].float().T.to(self.device)

    @full_precision()
    @torch.no_grad()
    def __call__(self, images: Tensor) -> Features:
        """Features and probabilities of bytes `sample x 3 x height x width`."""
        check_images(images)
        features, probabilities = [], []
        for chunk in images.split(BATCH):
            found = self.network(chunk.to(self.device).float() / 255)[0].flatten(1)
            features.append(found)
            probabilities.append((found @ self._classes).softmax(dim=1))
        return Features(torch.cat(features), torch.cat(probabilities))


def _download(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(ADDRESS, str(path), hash_prefix=HASH, progress=False)
    except (OSError, RuntimeError) as error:
        raise QualityError(
            f"{ADDRESS} ({MEGABYTES} MB) could not be downloaded: {error}. Fetch it by hand to {path}, or give a copy "
            "with --extractor-weights PATH."
        ) from error


def _read(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError) as error:
        raise QualityError(
            f"{path} is no file of PyTorch weights: {type(error).__name__}. Download {ADDRESS}."
        ) from error
    if not isinstance(state, dict) or "fc.weight" not in state:
        raise QualityError(f"{path} holds no weights of Inception: it has no 'fc.weight'. Download {ADDRESS}.")
    return state


def _network(state: dict[str, Tensor], path: Path) -> nn.Module:
    """pytorch-fid's network with these weights, whatever its own download would have fetched."""
    try:
        from pytorch_fid import inception
    except (ImportError, RuntimeError) as error:
        raise QualityError(
            f"The extractor 'inception' uses pytorch-fid, which does not import here: {error}. Install pytorch-fid and "
            "a torchvision that fits this torch, or use the extractor 'cifar'."
        ) from error

    def given(*args: Any, **settings: Any) -> dict[str, Tensor]:
        return state

    own = inception.load_state_dict_from_url
    inception.load_state_dict_from_url = given
    try:
        return inception.InceptionV3([inception.InceptionV3.BLOCK_INDEX_BY_DIM[InceptionExtractor.dimensions]])
    except RuntimeError as error:
        raise QualityError(
            f"{path} holds no weights of pytorch-fid's Inception: {error} Download {ADDRESS}."
        ) from error
    finally:
        inception.load_state_dict_from_url = own
