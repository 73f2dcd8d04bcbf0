"""The guards that conftest puts around every test do hold."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

import pytest


def test_other_machines_cannot_be_reached():
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.URLError, match="do not use the network"):
        direct.open("http://example.org/", timeout=5)
    with socket.socket() as client, pytest.raises(OSError, match="do not use the network"):
        client.connect(("192.0.2.1", 80))


def test_this_machine_can_be_reached():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5) as client,
        server.accept()[0] as connection,
    ):
        client.sendall(b"ping")
        assert connection.recv(4) == b"ping"


def test_unix_sockets_are_let_through(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's name has to be short
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("here")
        server.listen()
        client.connect("here")
