"""Checks the DNS records of the sender's domain: SPF, DKIM, DMARC, MX and PTR."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

from rugcourse.doctor.report import Finding, _, failure, ok, unknown, warning
from rugcourse.doctor.resolver import Dns, DnsAway, DnsFailed
from rugcourse.doctor.spf import PermError, SpfLookups, records_of
from rugcourse.emails.dkim_keys import SigningKey, UnusableKey, in_use, load_keys
from rugcourse.settings import Settings

# Public suffixes, below which domains belong to different owners (RFC 7489, 3.2). Incomplete: others are rarely used.
_SHARED = {"ac", "co", "com", "edu", "gov", "net", "or", "org"}
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def check_dns(settings: Settings, dns: Dns) -> Iterator[Finding]:
    """Run all checks of DNS records."""
    for check, look in (("spf", _spf), ("dkim", _dkim), ("dmarc", _dmarc), ("mx", _mx), ("ptr", _ptr)):
        try:
            yield from look(settings, dns)
        except DnsFailed as error:
            yield unknown(
                check,
                _("The DNS server could not say anything about %(name)s."),
                _("Look again later; if it stays so, the name servers of that domain are broken."),
                name=error,
            )
        except DnsAway:
            yield unknown(check, _("No DNS server answered."), _("Look again later, or set RUGCOURSE_DNS_SERVER."))
            return  # each further check would run into the same timeout


def envelope_domain(settings: Settings) -> str:
    """Return the domain of the return path, to which SPF applies (RFC 7208, 2.4)."""
    return (settings.bounce_address or settings.sender_address).rpartition("@")[2].lower()


def _spf(settings: Settings, dns: Dns) -> Iterator[Finding]:
    domain = envelope_domain(settings)
    records = records_of(dns, domain)
    if not records:
        yield failure(
            "spf",
            _("%(domain)s has no SPF record."),
            _("Add a TXT record to %(domain)s that names the servers that send for you, such as v=spf1 mx -all"),
            domain=domain,
        )
    elif len(records) > 1:
        yield failure(
            "spf",
            _("%(domain)s has %(count)s SPF records, so that none of them counts."),
            _("Make one record of them."),
            domain=domain,
            count=len(records),
        )
    else:
        yield _spf_record(dns, domain, records[0])


def _spf_record(dns: Dns, domain: str, record: str) -> Finding:
    reading, rest = SpfLookups(dns), None
    try:
        rest = reading.rest(domain, record)
        if not reading.is_too_long:
            reading.check_void()
    except PermError as error:
        return failure(
            "spf",
            _("The SPF record of %(domain)s does not count: receivers can't use %(term)s."),
            _("Fix that part or remove it: what it names must exist and follow RFC 7208."),
            domain=domain,
            term=error,
        )
    if reading.is_too_long:
        return failure(
            "spf",
            _("The SPF record of %(domain)s takes %(count)s look-ups; more than ten, and it does not count."),
            _("Take out what sends no email for you."),
            domain=domain,
            count=reading.lookups,
        )
    if rest == "+":
        return failure(
            "spf",
            _("The SPF record of %(domain)s lets everyone send in your name."),
            _("Let it end with -all or ~all."),
            domain=domain,
        )
    if rest not in {"-", "~"}:
        return warning(
            "spf",
            _("The SPF record of %(domain)s says nothing about servers that it does not name."),
            _("Let it end with -all or ~all."),
            domain=domain,
        )
    return ok("spf", _("%(record)s"), record=record)


def _dkim(settings: Settings, dns: Dns) -> Iterator[Finding]:
    if not settings.dkim_files:
        yield unknown(
            "dkim",
            _("Email is not signed here. If your relay signs it, all is well."),
            _("If it does not: rugcourse dkim generate makes keys and says what to do with them."),
        )
        return
    try:
        keys = load_keys(settings.dkim_files)
    except UnusableKey as error:
        yield failure("dkim", _("%(error)s"), _("Set RUGCOURSE_DKIM_KEYS to keys that can be read."), error=error)
        return
    signing = in_use(keys)
    for key in keys:
        yield _dkim_key(dns, settings.sender_domain, key, signs=key in signing)


def _dkim_key(dns: Dns, domain: str, key: SigningKey, *, signs: bool) -> Finding:
    name = f"{key.selector}._domainkey.{domain}"
    found = [tags for one in dns.texts(name) if (tags := _tags(one)).get("p")]
    if any(tags["p"] == _tags(key.record)["p"] for tags in found):
        kind = _tags(key.record)["k"]
        if signs:
            return ok("dkim", _("%(name)s (%(kind)s) is known and signs."), name=name, kind=kind)
        return ok("dkim", _("%(name)s (%(kind)s) is known, for email that is on its way."), name=name, kind=kind)
    if not signs:
        return warning(
            "dkim",
            _("%(name)s is gone from the DNS: email that it signed and that is still on its way can't be checked."),
            _("After a week it can go from RUGCOURSE_DKIM_KEYS, too."),
            name=name,
        )
    if found:
        return failure(
            "dkim",
            _("%(name)s holds another key than the one that signs."),
            _("Put this there: %(record)s"),
            name=name,
            record=key.record,
        )
    return failure(
        "dkim",
        _("There is no key at %(name)s, so no signature counts."),
        _("Add a TXT record there: %(record)s"),
        name=name,
        record=key.record,
    )


def _dmarc(settings: Settings, dns: Dns) -> Iterator[Finding]:
    domain = settings.sender_domain.lower()
    where, records = _dmarc_records(dns, domain)
    if len(records) > 1:
        yield failure(
            "dmarc",
            _("%(where)s has %(count)s DMARC records, so that none of them counts."),
            _("Make one record of them."),
            where=f"_dmarc.{where}",
            count=len(records),
        )
        return
    tags = _tags(records[0]) if records else {}
    if not tags:
        yield failure(
            "dmarc",
            _("%(domain)s has no DMARC record."),
            _("Add a TXT record to _dmarc.%(domain)s, to begin with: v=DMARC1; p=none; rua=mailto:you@%(domain)s"),
            domain=domain,
        )
        return
    envelope = envelope_domain(settings)
    if not settings.dkim_files and not _aligned(envelope, domain, tags):
        yield warning(
            "dmarc",
            _("Email comes back to %(envelope)s, which is no part of %(domain)s, and is not signed here."),
            _("Let the relay sign for %(domain)s, or set RUGCOURSE_BOUNCE_ADDRESS to an address under it."),
            envelope=envelope,
            domain=domain,
        )
    policy = (tags.get("sp") or tags.get("p", "")) if where != domain else tags.get("p", "")
    policy = policy.lower()
    if policy not in {"quarantine", "reject"}:
        yield warning(
            "dmarc",
            _("The DMARC record at %(where)s asks for nothing (p=%(policy)s)."),
            _("When its reports show that all your email passes, set p=quarantine, and later p=reject."),
            where=f"_dmarc.{where}",
            policy=policy,
        )
    else:
        yield ok("dmarc", _("%(where)s asks for p=%(policy)s."), where=f"_dmarc.{where}", policy=policy)


def _dmarc_records(dns: Dns, domain: str) -> tuple[str, list[str]]:
    """Return the domain with the DMARC records that apply, and the records, found by DMARC's tree walk."""
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        where = ".".join(labels[start:])
        found = [one for one in dns.texts(f"_dmarc.{where}") if one.replace(" ", "").lower().startswith("v=dmarc1")]
        if found:
            return where, found
    return domain, []


def _aligned(envelope: str, domain: str, tags: dict[str, str]) -> bool:
    """Whether SPF is aligned: the same domain or, without `aspf=s`, one of the same organisation."""
    if envelope == domain or tags.get("aspf", "").lower() == "s":
        return envelope == domain
    return _organisation(envelope) == _organisation(domain)


def _organisation(domain: str) -> list[str]:
    labels = domain.split(".")
    return labels[-3:] if len(labels) > 2 and labels[-2] in _SHARED else labels[-2:]


def _mx(settings: Settings, dns: Dns) -> Iterator[Finding]:
    for domain in dict.fromkeys((settings.sender_domain.lower(), envelope_domain(settings))):
        servers = dns.mail_servers(domain)
        if servers:
            yield ok("mx", _("%(servers)s take email for %(domain)s."), servers=", ".join(servers[:3]), domain=domain)
        elif dns.refuses_mail(domain):
            yield failure(
                "mx",
                _("%(domain)s says that it accepts no email (MX 0 .), so replies and bounces are lost."),
                _("Put the name of its mail server in place of the dot."),
                domain=domain,
            )
        elif dns.addresses(domain):  # without MX, the domain itself receives mail (RFC 5321, 5.1)
            yield ok("mx", _("%(domain)s takes its email itself."), domain=domain)
        else:
            yield failure(
                "mx",
                _("Nobody takes email for %(domain)s: answers and bounces get lost."),
                _("Add an MX record to %(domain)s."),
                domain=domain,
            )


def _ptr(settings: Settings, dns: Dns) -> Iterator[Finding]:
    """Check the PTR record, if this machine itself delivers mail to the internet."""
    if settings.smtp.host not in LOCAL:
        return
    name = (settings.ehlo_name or socket.getfqdn()).rstrip(".").lower()
    addresses = [one for one in dns.addresses(name) if one not in LOCAL] if "." in name else []
    if not addresses:
        yield unknown(
            "ptr",
            _("DNS has no record for %(name)s, so mail servers cannot check the name of this machine."),
            _("If it sends email to the world itself: set RUGCOURSE_EHLO_NAME to a name that leads to it."),
            name=name,
        )
        return
    nameless = [one for one in addresses if name not in dns.names(one)]
    if nameless:
        yield failure(
            "ptr",
            _("%(address)s is not called %(name)s."),
            _("Let whoever gave you that address set its reverse record (PTR) to %(name)s."),
            address=", ".join(nameless),
            name=name,
        )
    else:
        yield ok("ptr", _("%(address)s is called %(name)s, and the other way round."), address=addresses[0], name=name)


def _tags(record: str) -> dict[str, str]:
    """Parse a tag list, `a=b; c=d` (RFC 6376, 3.2)."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): re.sub(r"\s", "", value) for name, equals, value in pairs if equals}
