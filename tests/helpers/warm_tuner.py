"""The process of a fine-tuning, forked from one that has its libraries loaded.

tf_keras and tensorflow-model-optimization take ten seconds to load, and twenty tests fine-tune. This file is
two programs: ``serve SOCKET`` loads them and forks; ``SOCKET OBJECT`` stands where
``kerascnn.foundation.worker`` would, hands its standard streams to a fork, and ends with it.
"""

import os
import select
import signal
import socket
import sys
from importlib import import_module
from pathlib import Path


def serve(place: str) -> None:
    """Fork for each program that comes to the socket; the fork answers on that program's streams."""
    import_module("kerascnn.tflite.fine_tuning.tuner")
    worker = import_module("kerascnn.foundation.worker")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for forks
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{place}.new")
        listener.listen()
        Path(f"{place}.new").rename(place)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:  # it ends with the tests
            asking, _ = listener.accept()
            served, streams, *_ = socket.recv_fds(asking, 1_000, 3)
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listener.close()
                for number, stream in enumerate(streams):
                    os.dup2(stream, number)
                    os.close(stream)
                sys.argv[1:] = [served.decode()]
                worker.main()
                os._exit(0)
            for stream in streams:
                os.close(stream)
            asking.close()


def hand_over(place: str, served: str) -> None:
    """Have a fork serve an object on this program's streams, and wait for its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(place)
        socket.send_fds(server, [served.encode()], [0, 1, 2])
        server.recv(1)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        hand_over(*sys.argv[1:])
