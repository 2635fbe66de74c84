"""``fashion_mnist``: 70,000 pictures of clothes, 28×28, in MNIST's form (Xiao, Rasul, Vollgraf, 2017)."""

from kerascnn.data.augmentation import SMALL_PHOTOS
from kerascnn.data.dataset import Split
from kerascnn.data.download import downloaded
from kerascnn.data.mnist import FourFiles

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
# Keras' address; Keras checks nothing here, the MD5 sums are those that the authors publish.
ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
MD5 = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}


def _download() -> tuple[Split, Split]:
    paths = [
        downloaded(FASHION_MNIST.title, ORIGIN + name, md5, name=name, folder="datasets/fashion-mnist")
        for name, md5 in MD5.items()
    ]
    return FASHION_MNIST.read(paths[0].parent)


FASHION_MNIST = FourFiles("fashion_mnist", "Fashion-MNIST", CLASSES, SMALL_PHOTOS, _download)
