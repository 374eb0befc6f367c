"""A small DNS server for tests: it answers from a table, over UDP, on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from dns import flags, message, rcode, rdataclass, rdatatype, rrset
from tests.support.servers import HOST

DOMAIN = "courses.practice.nl"
WELL = {
    (DOMAIN, "TXT"): ['"some other text"', '"v=spf1 mx include:relay.nl -all"'],
    ("relay.nl", "TXT"): ['"v=spf1 ip4:192.0.2.0/24 -all"'],
    (DOMAIN, "MX"): ["10 mx.practice.nl."],
    ("_dmarc.practice.nl", "TXT"): ['"v=DMARC1; p=quarantine; rua=mailto:x@practice.nl"'],
    ("mail.practice.nl", "A"): ["192.0.2.7"],
    ("7.2.0.192.in-addr.arpa", "PTR"): ["mail.practice.nl."],
}


@contextmanager
def nameserver(records: Mapping[tuple[str, str], list[str]]) -> Iterator[str]:
    """`records`: (name, kind) → texts as a zone file has them. Yields host:port. Names that are not there do not exist;
    for the text SERVFAIL it fails."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind((HOST, 0))
        thread = threading.Thread(target=_serve, args=(opened, records), daemon=True)
        thread.start()
        try:
            yield f"{HOST}:{opened.getsockname()[1]}"
        finally:
            opened.sendto(b"end", opened.getsockname())
            thread.join(5)


def _serve(opened: socket.socket, records: Mapping[tuple[str, str], list[str]]) -> None:
    while True:
        raw, client = opened.recvfrom(4096)
        if raw == b"end":
            return
        query = message.from_wire(raw)
        asked = query.question[0]
        name, kind = asked.name.to_text().rstrip(".").lower(), rdatatype.to_text(asked.rdtype)
        answer = message.make_response(query)
        answer.flags |= flags.AA
        found = records.get((name, kind))
        if found == ["SERVFAIL"]:
            answer.set_rcode(rcode.SERVFAIL)
        elif found:
            answer.answer.append(rrset.from_text_list(asked.name, 60, rdataclass.IN, asked.rdtype, found))
        elif not any(known == name for known, _ in records):
            answer.set_rcode(rcode.NXDOMAIN)
        opened.sendto(answer.to_wire(), client)
