"""``fashion_mnist``: 70,000 images of clothes, 28×28, in MNIST's format (Xiao, Rasul, Vollgraf, 2017)."""

from kerascnn.data.augmentation import SMALL_PHOTOS
from kerascnn.data.dataset import Split
from kerascnn.data.formats.download import downloaded
from kerascnn.data.formats.published import FASHION_MD5
from kerascnn.data.formats.published import FASHION_MNIST as PUBLISHED_NAME
from kerascnn.data.sources.loader import Loader
from kerascnn.data.sources.mnist import FourFiles

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
# Keras' address; Keras checks nothing here, but the sums that the authors publish are known.
ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def _download() -> tuple[Split, Split]:
    paths = [
        downloaded(FASHION_MNIST.title, ORIGIN + name, md5, name=name, folder="datasets/fashion-mnist")
        for name, md5 in FASHION_MD5.items()
    ]
    return FASHION_MNIST.read(paths[0].parent)


FASHION_MNIST = FourFiles("fashion_mnist", PUBLISHED_NAME, CLASSES, SMALL_PHOTOS, _download)
SOURCE = Loader(FASHION_MNIST.load, FASHION_MNIST.is_in)
