"""A server on the loopback that speaks S3, with a bucket."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import boto3  # type: ignore[import-untyped]
from moto.server import ThreadedMotoServer

HOST = "127.0.0.1"
KEY_ID, SECRET = "the-id-of-the-key", "a secret that nobody is shown"
_REGION = "eu-west-1"
_numbers = count(1)


@contextmanager
def s3_server() -> Iterator[str]:
    """Run the server; yields its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def new_bucket(address: str) -> str:
    """Make a bucket; returns its location as in the setting."""
    name = f"pictures-{next(_numbers)}"
    client = boto3.client(
        "s3", endpoint_url=address, aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET, region_name=_REGION
    )
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": _REGION})
    return f"s3://{name}/of/ours?endpoint={address}&region={_REGION}"


@contextmanager
def answering(reply: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Run a server that says the same to everybody, or nothing; yields its address and what it was asked."""
    asked: list[bytes] = []
    listening = socket.create_server((HOST, 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            asked.append(connection.recv(65536))
            if reply:
                connection.sendall(reply)
                connection.close()
            else:
                silent.append(connection)

    silent: list[socket.socket] = []
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{listening.getsockname()[1]}", asked
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for one in silent:
            one.close()
