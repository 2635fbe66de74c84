"""How to install ``edgetpu_compiler``, which may not be redistributed and runs on x86-64 Linux only."""

PROGRAM = "edgetpu_compiler"

_REPOSITORY = "https://packages.cloud.google.com/apt"
_KEYRING = "/usr/share/keyrings/coral-edgetpu.gpg"

#: The lines that install it on Debian and Ubuntu.
LINES = (
    "sudo apt-get update",
    "sudo apt-get install -y curl gpg",
    f"curl -fsSL {_REPOSITORY}/doc/apt-key.gpg | sudo gpg --yes --dearmor -o {_KEYRING}",
    f"echo 'deb [arch=amd64 signed-by={_KEYRING}] {_REPOSITORY} coral-edgetpu-stable main'"
    " | sudo tee /etc/apt/sources.list.d/coral-edgetpu.list",
    "sudo apt-get update",
    "sudo apt-get install -y edgetpu-compiler",
)
#: A machine on which they work, without sudo, wherever there is Docker.
CONTAINER = 'docker run --rm -it --platform linux/amd64 -v "$PWD":/models -w /models debian:12'
#: Google's own page that compiles a file, in a browser.
NOTEBOOK = (
    "https://colab.research.google.com/github/google-coral/tutorials/blob/master/compile_for_edgetpu.ipynb"
)


def missing() -> str:
    """Return one line that says what to do if the compiler is not on the PATH."""
    return (
        f"{PROGRAM} is not on the PATH. It exists for x86-64 Linux; its licence forbids redistribution. "
        f"On Debian and Ubuntu: {' && '.join(LINES)}. On other systems, run them without sudo in a "
        f"container ({CONTAINER}), or Google's notebook {NOTEBOOK}"
    )
