"""The extractor that needs no download: a classifier trained on CIFAR-10, its weights in the package.

In: bytes of any size, brought to 32 x 32. Out: 128 features and 10 class probabilities. The weights and how well they
classify come from `python -m gpproxy.quality.train_classifier`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from gpproxy.errors import QualityError
from gpproxy.images.image_set import resize
from gpproxy.quality.classifier import Classifier
from gpproxy.quality.features import Features, check_images, file_digest, full_precision

WEIGHTS = Path(__file__).with_name("cifar.safetensors")
#: Side of the images that the classifier was trained on; images in one pass.
SIDE, BATCH = 32, 50


class CifarExtractor:
    """See `gpproxy.quality.features.Extractor`.

    Args:
        weights: a safetensors file of `gpproxy.quality.train_classifier`; None takes that of the package.
        device: where the network runs.
    """

    name = "cifar"
    published = False

    def __init__(self, weights: Path | None = None, device: str = "cpu"):
        path = weights or WEIGHTS
        if not path.is_file():
            raise QualityError(
                f"The weights {path} are not there. Install the package again, or train them: python -m "
                "gpproxy.quality.train_classifier --out FOLDER"
            )
        self.device = torch.device(device)
        self.network = Classifier()
        try:
            with safe_open(path, "pt") as file:
                #: Accuracy, recipe and data of the weights, as text.
                self.facts: dict[str, str] = dict(file.metadata() or {})
                values = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
            missing, unknown = self.network.load_state_dict(values, strict=False)
        except (SafetensorError, RuntimeError, OSError) as error:
            raise QualityError(
                f"{path} holds no weights of the classifier: {error}. Give a file of its own."
            ) from error
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]
        if missing or unknown:
            raise QualityError(f"{path} holds no weights of the classifier: {', '.join([*missing, *unknown])} differ.")
        self.digest = file_digest(path)[:16]
        self.network = self.network.eval().to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.dimensions = self.network.head.in_features

    @full_precision()
    @torch.no_grad()
    def __call__(self, images: Tensor) -> Features:
        """Features and probabilities of bytes `sample x 3 x height x width`."""
        check_images(images)
        features, probabilities = [], []
        for chunk in images.split(BATCH):
            x = self.network.normalised(resize(chunk.to(self.device), SIDE))
            found = self.network.embed(x.contiguous(memory_format=torch.channels_last))
            features.append(found)
            probabilities.append(self.network.classify(found).softmax(dim=1))
        return Features(torch.cat(features), torch.cat(probabilities))
