"""The Firestore emulator, driven by google-cloud-firestore, with and without faults."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.firestore import Client, DocumentReference

from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import Fault, GrpcStatus
from servers.firestore_emulator import FirestoreEmulator
from servers.grpc_frames import speak_grpc
from servers.process import HOST

GOOGLE_PATIENCE = 20.0
SHORT = 2.0
"""Seconds, in which the emulator is to have carried a write out: a call given up is cancelled."""


@pytest.fixture
def proxy(firestore_emulator: FirestoreEmulator) -> Iterator[FaultProxy]:
    with fault_proxy(firestore_emulator.port, speak_grpc) as proxy:
        yield proxy


@pytest.fixture
def open_document() -> Iterator[Callable[[str, int], DocumentReference]]:
    """``open_document(name, port)``: by a client of its own for each port."""
    clients: dict[int, Any] = {}

    def opened(name: str, port: int) -> DocumentReference:
        if port not in clients:
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv("FIRESTORE_EMULATOR_HOST", f"{HOST}:{port}")
                clients[port] = Client("smoke")
        document: DocumentReference = clients[port].collection("smoke").document(name)
        return document

    yield opened
    for client in clients.values():
        client.close()


@pytest.fixture
def direct(
    open_document: Callable[[str, int], DocumentReference], firestore_emulator: FirestoreEmulator
) -> DocumentReference:
    return open_document(secrets.token_hex(8), firestore_emulator.port)


@pytest.fixture
def proxied(
    open_document: Callable[[str, int], DocumentReference],
    proxy: FaultProxy,
    direct: DocumentReference,
) -> DocumentReference:
    """The same document through the proxy, whose connection stands."""
    document = open_document(direct.id, proxy.port)
    document.get(timeout=GOOGLE_PATIENCE)
    return document


def write(document: DocumentReference, value: object, timeout: float = GOOGLE_PATIENCE) -> None:
    document.set({"v": value}, retry=None, timeout=timeout)


def value(document: DocumentReference) -> Any:
    return (document.get(retry=None, timeout=GOOGLE_PATIENCE).to_dict() or {}).get("v")


def test_it_keeps_a_document(direct: DocumentReference) -> None:
    write(direct, "é")
    assert value(direct) == "é"


def test_documents_of_any_size_pass_and_calls_have_their_names(
    proxied: DocumentReference, proxy: FaultProxy
) -> None:
    calls: list[bytes] = []

    def noticed(request: bytes) -> bool:
        calls.append(request.partition(b"\0")[0])
        return False

    proxy.inject(Fault.HANG, when=noticed)
    for text in ("x", "x" * 900_000, "x"):
        write(proxied, text)
        assert value(proxied) == text
    commit, get = (
        b"/google.firestore.v1.Firestore/" + c for c in (b"Commit", b"BatchGetDocuments")
    )
    assert calls == [commit, get] * 3


def test_calls_keep_their_names_when_the_header_table_has_run_over(
    proxied: DocumentReference, proxy: FaultProxy
) -> None:
    other = proxy.inject(Fault.HANG, when=lambda request: b"/BatchGetDocuments" not in request)
    for number in range(200):
        proxied.get(retry=None, timeout=GOOGLE_PATIENCE + number / 100)
    assert other.hits == 0


def test_a_cut_request_was_not_carried_out(
    proxied: DocumentReference, direct: DocumentReference, proxy: FaultProxy
) -> None:
    proxy.inject(Fault.CUT_REQUEST, when=lambda request: b"/Commit" in request)
    with pytest.raises(exceptions.ServiceUnavailable):
        write(proxied, 1)
    assert value(direct) is None
    write(proxied, 2)
    assert value(direct) == 2


def test_a_lost_reply_was_to_a_change_that_stands(
    proxied: DocumentReference, direct: DocumentReference, proxy: FaultProxy
) -> None:
    proxy.inject(Fault.LOSE_REPLY, when=lambda request: b"/Commit" in request)
    with pytest.raises(exceptions.ServiceUnavailable):
        write(proxied, 1)
    assert value(direct) == 1
    write(proxied, 2)
    assert value(direct) == 2


@pytest.mark.parametrize(("fault", "stands"), [(Fault.HANG, None), (Fault.HANG_AFTERWARDS, 1)])
def test_a_call_hangs_while_others_pass(
    proxied: DocumentReference,
    direct: DocumentReference,
    proxy: FaultProxy,
    fault: Fault,
    stands: int | None,
) -> None:
    proxy.inject(fault, when=lambda request: b"/Commit" in request)
    with pytest.raises(exceptions.DeadlineExceeded):
        write(proxied, 1, timeout=SHORT)
    assert value(proxied) == value(direct) == stands
    write(proxied, 2)
    assert value(direct) == 2


@pytest.mark.parametrize(
    "error",
    [
        exceptions.ServiceUnavailable,
        exceptions.InternalServerError,
        exceptions.ResourceExhausted,
        exceptions.PermissionDenied,
    ],
)
def test_an_error_is_answered_in_the_servers_place(
    proxied: DocumentReference, direct: DocumentReference, proxy: FaultProxy, error: Any
) -> None:
    told = GrpcStatus(error.grpc_status_code.value[0], "as told")
    proxy.inject(told, when=lambda request: b"/Commit" in request)
    with pytest.raises(error, match="as told"):
        write(proxied, 1)
    assert value(direct) is None
    write(proxied, 2)
    assert value(direct) == 2


def test_another_write_comes_in_between(
    proxied: DocumentReference, direct: DocumentReference, proxy: FaultProxy
) -> None:
    proxy.inject(lambda: write(direct, "first"), when=lambda request: b"/Commit" in request)
    with pytest.raises(exceptions.AlreadyExists):
        proxied.create({"v": "second"}, retry=None, timeout=GOOGLE_PATIENCE)
    assert value(direct) == "first"


def test_it_refuses(proxied: DocumentReference, proxy: FaultProxy) -> None:
    with proxy.refusing(), pytest.raises(exceptions.ServiceUnavailable):
        write(proxied, 1)


def test_it_counts_what_a_call_sends(proxied: DocumentReference, proxy: FaultProxy) -> None:
    write(proxied, "")
    before = proxy.traffic
    write(proxied, "x" * 10_000)
    requests, sent, received = proxy.traffic - before
    assert requests == 1
    assert 10_000 < sent < 11_000
    assert 0 < received < 500
