"""Mail that comes back, in the formats of the big systems; every text is written here, after how each of them reports."""

from __future__ import annotations

import json
from typing import NamedTuple

from rugcourse.bounces.report import BounceType

MESSAGE_ID = "<AbCd-1234@courses.example>"
_ORIGINAL = f"""From: Practice <course@courses.example>
To: r@far.example
Subject: Lesson 2
Message-ID: {MESSAGE_ID}
Date: Mon, 23 Nov 2026 08:00:00 +0100
"""


class Sample(NamedTuple):
    name: str
    raw: bytes
    kind: BounceType
    status: str | None = None  # None: whatever it is


def _dsn(
    sender: str, subject: str, text: str, action: str, status: str, diagnostic: str, *, original: str = _ORIGINAL
) -> bytes:
    """A multipart/report of RFC 3464."""
    diagnostic_line = f"Diagnostic-Code: {diagnostic}\n" if diagnostic else ""
    return f"""Return-Path: <>
From: {sender}
To: bounces+x@courses.example
Subject: {subject}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

This is a MIME-encapsulated message.

--b1
Content-Type: text/plain; charset=utf-8

{text}

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.near.example
Arrival-Date: Mon, 23 Nov 2026 08:00:01 +0100

Final-Recipient: rfc822; r@far.example
Original-Recipient: rfc822;r@far.example
Action: {action}
Status: {status}
Remote-MTA: dns; mx.far.example
{diagnostic_line}
--b1
Content-Type: text/rfc822-headers

{original}
--b1--
""".replace("\n", "\r\n").encode()


def _postfix(action: str, status: str, words: str) -> bytes:
    text = (
        "This is the mail system at host mx.near.example.\n\nI'm sorry to have to inform you that your message could not\n"
        f"be delivered to one or more recipients.\n\n<r@far.example>: host mx.far.example[192.0.2.1] said: {words}"
    )
    return _dsn(
        "MAILER-DAEMON@near.example (Mail Delivery System)",
        "Undelivered Mail Returned to Sender",
        text,
        action,
        status,
        f"smtp; {words}",
    )


def _exim(words: str, *, permanent: bool = True) -> bytes:
    what = (
        "This is a permanent error. The following address(es) failed:"
        if permanent
        else "The following addresses are delayed:"
    )
    return f"""Return-path: <>
X-Failed-Recipients: r@far.example
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@near.example>
To: bounces+x@courses.example
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. {what}

  r@far.example
    host mx.far.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<r@far.example>:
    {words}

------ This is a copy of the message's headers. ------

{_ORIGINAL}
""".encode()


def _exchange(
    status: str, words: str, text: str = "Delivery has failed to these recipients or groups:\n\nr@far.example"
) -> bytes:
    return _dsn("postmaster@far.example", "Undeliverable: Lesson 2", text, "failed", status, f"smtp;{words}")


def _gmail(status: str, words: str, headline: str, action: str = "failed") -> bytes:
    subject = "Delivery Status Notification (Failure)" if action == "failed" else "Delivery Status Notification (Delay)"
    return _dsn(
        "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        subject,
        f"** {headline} **",
        action,
        status,
        f"smtp; {words}",
    )


def _yahoo(words: str) -> bytes:
    return f"""Return-Path: <>
From: MAILER-DAEMON@yahoo.com
To: bounces+x@courses.example
Subject: Failure Notice
X-YMail-Bounce: 1

Sorry, we were unable to deliver your message to the following address.

<r@yahoo.com>:
{words}

--- Below this line is a copy of the message.

{_ORIGINAL}
""".encode()


def _qmail(words: str) -> bytes:
    return f"""Return-Path: <>
From: MAILER-DAEMON@near.example
To: bounces+x@courses.example
Subject: failure notice

Hi. This is the qmail-send program at near.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<r@far.example>:
{words}

--- Below this line is a copy of the message.

{_ORIGINAL}
""".encode()


def _sendmail(status: str, words: str, action: str = "failed") -> bytes:
    text = f"   ----- The following addresses had permanent fatal errors -----\n<r@far.example>\n    (reason: {words})\n\n   ----- Transcript of session follows -----\n... while talking to mx.far.example.:\n<<< {words}"
    return _dsn(
        "Mail Delivery Subsystem <MAILER-DAEMON@near.example>",
        "Returned mail: see transcript for details",
        text,
        action,
        status,
        f"SMTP; {words}",
    )


def _ses(status: str, words: str) -> bytes:
    text = "An error occurred while trying to deliver the mail to the following recipients:\nr@far.example"
    return _dsn(
        "MAILER-DAEMON@eu-west-1.amazonses.com",
        "Delivery Status Notification (Failure)",
        text,
        "failed",
        status,
        f"smtp; {words}",
    )


def _domino(words: str) -> bytes:
    text = f"Your message\n\n  Subject: Lesson 2\n\nwas not delivered to:\n\n  r@far.example\n\nbecause:\n\n  {words}"
    return _dsn(
        "Postmaster <postmaster@far.example>",
        f"DELIVERY FAILURE: {words}",
        text,
        "failed",
        "5.0.0",
        f"X-Notes; {words}",
    )


def _plain(sender: str, subject: str, body: str, **headers: str) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return f"From: {sender}\nTo: bounces+x@courses.example\nSubject: {subject}\n{more}\n{body}\n".encode()


def _complaint(kind: str, sender: str, original: str = _ORIGINAL) -> bytes:
    """RFC 5965."""
    return f"""From: {sender}
To: bounces+x@courses.example
Subject: FW: Lesson 2
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="f1"

--f1
Content-Type: text/plain

This is an email abuse report for an email message received on Mon, 23 Nov 2026.

--f1
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <bounces+x@courses.example>

--f1
Content-Type: message/rfc822

{original}
Dear reader, this was the lesson.

--f1--
""".encode()


def _notification(kind: str, about: str) -> bytes:
    """What Amazon SES says, in a mail of SNS with more below it."""
    message = (
        f'{{"notificationType":"{kind}",{about}"mail":{{"source":"bounces+x@courses.example","headers":'
        f'[{{"name":"Message-ID","value":"{MESSAGE_ID}"}}]}}}}'
    )
    body = json.dumps({"Type": "Notification", "Message": message}, indent=2)
    return _plain(
        "Notices <no-reply@sns.amazonaws.com>",
        "AWS Notification Message",
        f"{body}\n\n--\nTo stop these mails, see ...",
    )


def _ses_bounce(kind: str, status: str, words: str) -> str:
    recipient = f'{{"emailAddress":"r@far.example","status":"{status}","diagnosticCode":"smtp; {words}"}}'
    return f'"bounce":{{"bounceType":"{kind}","bouncedRecipients":[{recipient}]}},'


def _without_mime(status: str, words: str) -> bytes:
    """A report whose parts nobody told apart."""
    return _plain(
        "Mail Delivery Subsystem <MAILER-DAEMON@near.example>",
        "Returned mail: Service unavailable",
        f"   ----- Transcript of session follows -----\n{words}\n\nReporting-MTA: dns; near.example\n\n"
        f"Final-Recipient: RFC822; <r@far.example>\nAction: failed\nStatus: {status}\n\n{_ORIGINAL}",
    )


def _transcript(asked: str, answered: str) -> bytes:
    return _plain(
        "Mail Delivery Subsystem <MAILER-DAEMON@near.example>",
        "Returned mail: see transcript for details",
        f"   ----- Transcript of session follows -----\n... while talking to mx.far.example.:\n>>> {asked}\n<<< {answered}\n"
        f"554 5.0.0 Service unavailable\n\n   ----- Unsent message follows -----\n{_ORIGINAL}",
    )


def _domino_in_japanese(words: str) -> bytes:
    """Written in ISO-2022-JP, without saying so."""
    return _domino("(words)").replace(b"(words)", words.encode("iso-2022-jp"))


def _complaint_of_hotmail() -> bytes:
    """The mail that was complained about, and no report of RFC 5965."""
    return f"""From: staff@hotmail.com
To: bounces+x@courses.example
Subject: complaint about message from 198.51.100.7
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="h1"

--h1
Content-Type: message/rfc822

{_ORIGINAL}
Dear reader, this was the lesson.

--h1--
""".encode()


SAMPLES = (
    Sample("postfix unknown user", _postfix("failed", "5.1.1", "550 5.1.1 <r@far.example>: Recipient address rejected: User unknown in virtual mailbox table"), BounceType.HARD, "5.1.1"),
    Sample("postfix no such domain", _postfix("failed", "5.4.4", "Host or domain name not found. Name service error for name=far.example type=AAAA: Host not found"), BounceType.HARD, "5.4.4"),
    Sample("postfix null mx", _postfix("failed", "5.1.0", "Domain far.example does not accept mail (nullMX)"), BounceType.HARD),
    Sample("postfix over quota", _postfix("failed", "5.2.2", "552 5.2.2 <r@far.example>: Mailbox is full / Quota exceeded"), BounceType.SOFT, "5.2.2"),
    Sample("postfix too large", _postfix("failed", "5.3.4", "552 5.3.4 Message size exceeds fixed limit"), BounceType.SOFT),
    Sample("postfix expired", _postfix("failed", "4.4.1", "connect to mx.far.example[192.0.2.1]:25: Connection timed out"), BounceType.SOFT, "4.4.1"),
    Sample("postfix spam", _postfix("failed", "5.7.1", "554 5.7.1 Message rejected as spam by Content Filtering."), BounceType.POLICY, "5.7.1"),
    Sample("postfix block list", _postfix("failed", "5.7.1", "554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.spamhaus.org"), BounceType.POLICY),
    Sample("postfix dmarc", _postfix("failed", "5.7.26", "550 5.7.26 This mail is unauthenticated, which poses a security risk"), BounceType.POLICY),
    Sample("postfix vague and unknown", _postfix("failed", "5.0.0", "550 No such user here"), BounceType.HARD),
    Sample("postfix vague and blocked", _postfix("failed", "5.0.0", "550 Your IP has a poor reputation"), BounceType.POLICY),
    Sample("postfix inner status", _postfix("failed", "5.0.0", "550 5.1.1 mailbox not there"), BounceType.HARD, "5.1.1"),
    Sample("postfix delayed", _postfix("delayed", "4.4.1", "connect to mx.far.example[192.0.2.1]:25: Connection refused"), BounceType.DELAYED),
    Sample("postfix relayed", _postfix("relayed", "2.0.0", "250 2.0.0 Ok: queued"), BounceType.DELAYED),
    Sample("exim unknown user", _exim("550 5.1.1 User unknown"), BounceType.HARD, "5.1.1"),
    Sample("exim no status", _exim("550 No such recipient here"), BounceType.HARD),
    Sample("exim unrouteable", _exim("Unrouteable address"), BounceType.HARD),
    Sample("exim full", _exim("452 4.2.2 The recipient's mailbox is over quota"), BounceType.SOFT),
    Sample("exim retry timeout", _exim("retry timeout exceeded"), BounceType.SOFT),
    Sample("exim policy", _exim("550 5.7.1 Blocked by policy"), BounceType.POLICY),
    Sample("exim warning", _plain("Mail Delivery System <Mailer-Daemon@near.example>", "Warning: message 1abc-00 delayed 24 hours", "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours. No action is required on your part.", Auto_Submitted="auto-replied"), BounceType.DELAYED),
    Sample("exchange not found", _exchange("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient r@far.example not found by SMTP address lookup"), BounceType.HARD, "5.1.10"),
    Sample("exchange old not found", _exchange("5.1.1", "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found"), BounceType.HARD),
    Sample("outlook access denied", _exchange("5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"), BounceType.HARD),
    Sample("outlook full", _exchange("5.2.2", "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException"), BounceType.SOFT),
    Sample("outlook disabled", _exchange("5.2.1", "550 5.2.1 Mailbox cannot be accessed"), BounceType.HARD),
    Sample("outlook blocked ip", _exchange("5.7.606", "550 5.7.606 Access denied, banned sending IP [198.51.100.7]"), BounceType.POLICY),
    Sample("outlook not permitted", _exchange("5.7.1", "550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized"), BounceType.POLICY),
    Sample("outlook loop", _exchange("5.4.14", "554 5.4.14 Hop count exceeded - possible mail loop ATTR34"), BounceType.SOFT),
    Sample("outlook s3150", _exchange("5.7.1", "550 5.7.1 Unfortunately, messages from [198.51.100.7] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150)."), BounceType.POLICY),
    Sample("exchange delayed", _dsn("postmaster@far.example", "Delivery delayed: Lesson 2", "Delivery to these recipients or groups has been delayed.", "delayed", "4.4.7", ""), BounceType.DELAYED),
    Sample("exchange gave up", _exchange("4.4.7", "550 4.4.7 QUEUE.Expired; message expired"), BounceType.SOFT),
    Sample("gmail not found", _gmail("5.1.1", "550-5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address", "Address not found"), BounceType.HARD),
    Sample("gmail inactive", _gmail("5.2.1", "550 5.2.1 The email account that you tried to reach is inactive", "Address not found"), BounceType.HARD),
    Sample("gmail full", _gmail("5.2.2", "552-5.2.2 The recipient's inbox is out of storage space", "Recipient inbox full"), BounceType.SOFT),
    Sample("gmail unsolicited", _gmail("5.7.1", "550-5.7.1 Our system has detected that this message is likely unsolicited mail", "Message blocked"), BounceType.POLICY),
    Sample("gmail rate", _gmail("4.7.28", "421-4.7.28 Our system has detected an unusual rate of unsolicited mail", "Message not delivered"), BounceType.POLICY),
    Sample("gmail no domain", _gmail("4.0.0", "DNS Error: DNS type 'mx' lookup of far.example responded with code NXDOMAIN", "Address not found"), BounceType.SOFT),
    Sample("gmail delay", _gmail("4.4.1", "The recipient server did not accept our requests to connect", "Delivery incomplete", "delayed"), BounceType.DELAYED),
    Sample("yahoo no account", _yahoo("554: delivery error: dd This user doesn't have a yahoo.com account (r@yahoo.com) [0] - mta1.mail.example"), BounceType.HARD),
    Sample("yahoo disabled", _yahoo("554: delivery error: dd Requested mail action aborted: mailbox unavailable"), BounceType.HARD),
    Sample("yahoo over quota", _yahoo("552: 1 Requested mail action aborted, mailbox not found over quota".replace("mailbox not found ", "")), BounceType.SOFT),
    Sample("yahoo policy", _yahoo("553: 5.7.2 [TSS09] All messages from 198.51.100.7 will be permanently deferred due to user complaints"), BounceType.POLICY),
    Sample("qmail no mailbox", _qmail("Sorry, no mailbox here by that name. (#5.1.1)"), BounceType.HARD, "5.1.1"),
    Sample("qmail no host", _qmail("Sorry, I couldn't find any host named far.example. (#5.1.2)"), BounceType.HARD, "5.1.2"),
    Sample("qmail no mailbox without status", _qmail("Sorry, no mailbox here by that name. vpopmail"), BounceType.HARD),
    Sample("qmail remote", _qmail("192.0.2.1 does not like recipient.\nRemote host said: 550 unknown user\nGiving up on 192.0.2.1."), BounceType.HARD),
    Sample("qmail full", _qmail("The users mailfolder is over the allowed quota (size). (#5.2.2)"), BounceType.SOFT),
    Sample("qmail too long", _qmail("I'm not going to try again; this message has been in the queue too long. (#4.4.1)"), BounceType.SOFT),
    Sample("sendmail unknown", _sendmail("5.1.1", "550 5.1.1 <r@far.example>... User unknown"), BounceType.HARD),
    Sample("sendmail no host", _sendmail("5.1.2", "550 Host unknown"), BounceType.HARD),
    Sample("sendmail denied", _sendmail("5.7.1", "550 5.7.1 Access denied"), BounceType.POLICY),
    Sample("sendmail full", _sendmail("5.2.2", "552 5.2.2 Over quota"), BounceType.SOFT),
    Sample("sendmail gave up", _sendmail("4.4.7", "Message could not be delivered for 5 days"), BounceType.SOFT),
    Sample("sendmail warning", _sendmail("4.4.1", "Deferred: Connection timed out", "delayed"), BounceType.DELAYED),
    Sample("zimbra unknown", _postfix("failed", "5.1.1", "550 5.1.1 <r@far.example>: Recipient address rejected: far.example (in reply to RCPT TO command)"), BounceType.HARD),
    Sample("zimbra amavis spam", _postfix("failed", "5.7.0", "554 5.7.0 Reject, id=12345-06 - spam"), BounceType.POLICY),
    Sample("zimbra over quota", _postfix("failed", "4.2.2", "452 4.2.2 Over quota"), BounceType.SOFT),
    Sample("ses unknown", _ses("5.1.1", "550 5.1.1 user unknown"), BounceType.HARD),
    Sample("ses suppressed", _ses("5.1.1", "Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid address."), BounceType.HARD),
    Sample("ses full", _ses("5.2.2", "552 5.2.2 Mailbox full"), BounceType.SOFT),
    Sample("ses rejected content", _ses("5.6.1", "550 spam message rejected"), BounceType.POLICY),
    Sample("domino not listed", _domino("User r (r@far.example) not listed in Domino Directory"), BounceType.HARD),
    Sample("domino router", _domino("Router: Mailbox size exceeds quota"), BounceType.SOFT),
    Sample("courier", _dsn("Mail Delivery System <postmaster@far.example>", "NOTICE: mail delivery status.", "UNDELIVERABLE MAIL", "failed", "5.1.1", "smtp; 550 User unknown."), BounceType.HARD),
    Sample("groupwise", _plain("Mailer-Daemon@far.example", "Message status - undeliverable", "The message that you sent was undeliverable to the following:\n\tr (user not found)"), BounceType.HARD),
    Sample("gmx", _plain("GMX Mailer Daemon <mailer-daemon@gmx.example>", "Mail delivery failed: returning message to sender", "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to\none or more of its recipients. This is a permanent error.\nThe following address failed:\n\nr@gmx.example:\nSMTP error from remote server for RCPT TO command, host: mx.gmx.example reason: 550 Requested action not taken: mailbox unavailable"), BounceType.HARD),
    Sample("t-online", _plain("MAILER-DAEMON@t-online.example", "Undelivered Mail Returned to Sender", "Die Nachricht konnte nicht zugestellt werden.\n<r@t-online.example>: 550 5.1.1 user unknown"), BounceType.HARD),
    Sample("dutch provider", _plain("postmaster@ziggo.example", "Onbestelbaar: Lesson 2", "Uw bericht kon niet worden bezorgd bij r@ziggo.example.\n552 5.2.2 mailbox full"), BounceType.SOFT),
    Sample("html report", "\r\n".join(["From: Mail Delivery System <mailer-daemon@far.example>", "To: bounces+x@courses.example", "Subject: Undeliverable mail", "Content-Type: text/html; charset=utf-8", "", "<html><script>alert(1)</script><p>550 5.1.1 user unknown</p></html>"]).encode(), BounceType.HARD, "5.1.1"),
    Sample("holiday", _plain("Reader <r@far.example>", "Automatic reply: Lesson 2", "I am away until Monday.", Auto_Submitted="auto-replied"), BounceType.AUTO_REPLY),
    Sample("holiday in dutch", _plain("Lezer <r@far.example>", "Automatisch antwoord: Les 2", "Ik ben er even niet.", X_Auto_Response_Suppress="All"), BounceType.AUTO_REPLY),
    Sample("holiday of gmail", _plain("Reader <r@gmail.example>", "Out of office Re: Lesson 2", "Back soon.", Precedence="bulk", X_Autoreply="yes"), BounceType.AUTO_REPLY),
    Sample("holiday of exchange", _plain("Reader <r@far.example>", "Abwesend: Lesson 2", "Bis Montag.", Auto_Submitted="auto-generated"), BounceType.AUTO_REPLY),
    Sample("a ticket system", _plain("Support <support@far.example>", "[#1234] We hebben uw bericht ontvangen", "Dank voor uw mail.", Auto_Submitted="auto-replied", Precedence="auto_reply"), BounceType.AUTO_REPLY),
    Sample("vacation program", _plain("Reader <r@far.example>", "away from my mail", "I will read it later.", Precedence="junk"), BounceType.AUTO_REPLY),
    Sample("complaint of yahoo", _complaint("abuse", "Yahoo! Mail AntiSpam Feedback <feedback@arf.mail.yahoo.example>"), BounceType.COMPLAINT),
    Sample("complaint of outlook", _complaint("abuse", "staff@hotmail.example"), BounceType.COMPLAINT),
    Sample("complaint of a provider", _complaint("fraud", "abuse@provider.example"), BounceType.COMPLAINT),
    Sample("no complaint", _complaint("not-spam", "feedback@provider.example"), BounceType.OTHER),
    Sample("a letter", _plain("Reader <r@far.example>", "Re: Lesson 2", "Thank you, my back is better. I could not be delivered of this pain before!"), BounceType.OTHER),
    Sample("a letter about spam", _plain("Reader <r@far.example>", "question", "Is this spam? user unknown to me"), BounceType.OTHER),
    Sample("nothing", b"", BounceType.OTHER),
    Sample("garbage", b"\x00\xff\xfe" * 100, BounceType.OTHER),
    Sample("full around which somebody wrote unknown", _postfix("failed", "5.1.1", "552 5.2.2 the mailbox of r is over its quota"), BounceType.SOFT, "5.2.2"),
    Sample("full without a status of its own", _postfix("failed", "5.1.1", "550 sorry, account is full"), BounceType.SOFT),
    Sample("looked up another time", _postfix("failed", "5.1.1", "450 4.1.1 user unknown, to be looked up again"), BounceType.SOFT),
    Sample("a domain that the near server doubts for now", _gmail("4.0.0", "DNS Error: 1 lookup of far.example: NXDOMAIN", "Address not found"), BounceType.SOFT),
    Sample("gmail no domain for good", _gmail("5.1.2", "DNS Error: 1 lookup of far.example: NXDOMAIN", "Address not found"), BounceType.HARD),
    Sample("gmail null mx", _gmail("4.0.0", "The domain far.example doesn't receive email according to its owner: returned Null MX", "Address not found"), BounceType.HARD),
    Sample("domain takes no mail", _postfix("failed", "5.3.2", "521 5.3.2 this host takes no messages"), BounceType.HARD),
    Sample("sender's domain unknown", _sendmail("5.1.8", "553 5.1.8 <c@courses.example>... Domain of sender address does not exist"), BounceType.POLICY),
    Sample("exim sender not routable", _exim("550 Unroutable sender address"), BounceType.POLICY),
    Sample("refused before the reader was named", _transcript("MAIL FROM:<c@courses.example>", "550 not you"), BounceType.POLICY),
    Sample("unknown after the reader was named", _transcript("RCPT TO:<r@far.example>", "550 5.1.1 who? no such user"), BounceType.HARD),
    Sample("refused as it was greeted", _postfix("failed", "5.0.0", "host mx.far.example[192.0.2.1] refused to talk to me: 554 mx.far.example ESMTP no thanks"), BounceType.POLICY),
    Sample("no reverse name", _postfix("failed", "5.1.1", "550 5.7.25 Recipient address rejected: the sending host has no PTR record"), BounceType.POLICY),
    Sample("a list of spammers that is named", _postfix("failed", "5.0.0", "554 refused, see https://www.spamhaus.org/query/ip/198.51.100.7"), BounceType.POLICY),
    Sample("a host that is called after spam", _postfix("failed", "5.1.1", "host mx1.antispam.blocked.example[192.0.2.1] said: 550 5.1.1 unknown user"), BounceType.HARD),
    Sample("policy beats an address that is rejected", _postfix("failed", "5.1.1", "550 5.1.1 address rejected for reasons of policy"), BounceType.POLICY),
    Sample("access denied to this recipient", _exim("554 5.7.1 <r@far.example>: Recipient address rejected: Access denied"), BounceType.HARD),
    Sample("content that is refused by form", _postfix("failed", "5.6.1", "554 5.6.1 content rejected"), BounceType.SOFT),
    Sample("content that is refused by policy", _postfix("failed", "5.7.1", "554 5.7.1 content rejected"), BounceType.POLICY),
    Sample("too many connections", _postfix("failed", "4.3.2", "421 4.3.2 too many connections from one host"), BounceType.SOFT),
    Sample("a word that says nothing", _postfix("failed", "5.0.0", "550 failed"), BounceType.SOFT),
    Sample("program that died", _dsn("MAILER-DAEMON@far.example", "Returned mail", "see below", "failed", "5.3.0", "x-unix; exit status 255"), BounceType.SOFT),
    Sample("a conversation that was ended", _postfix("failed", "5.0.0", "550 session terminated, mail rejected"), BounceType.SOFT),
    Sample("an account that was ended", _postfix("failed", "5.0.0", "550 the account of r was terminated"), BounceType.HARD),
    Sample("no words at all", _dsn("MAILER-DAEMON@far.example", "Returned mail", "see below", "failed", "5.1.1", ""), BounceType.HARD),
    Sample("words beside the report only", _dsn("MAILER-DAEMON@far.example", "Returned mail", "r@far.example: 550 5.7.26 fails DMARC", "failed", "5.0.0", ""), BounceType.POLICY),
    Sample("exim for a long time", _exim("all hosts for 'far.example' have been failing for a long time (and retry time not reached)"), BounceType.SOFT),
    Sample("so many attempts", _plain("Postmaster <postmaster@near.example>", "Undeliverable Mail", "Delivery failed 12 attempts: r@far.example\n\nOriginal message follows."), BounceType.SOFT),
    Sample("words that are ours", _plain("Postmaster <postmaster@near.example>", "Undeliverable: Blocked by spam? A lesson on policy", "Your message\n\n  Subject: Blocked by spam? A lesson on policy\n\ndid not reach r@far.example\n\n  The recipient name is not recognized"), BounceType.HARD),
    Sample("a group that is closed", _plain("Mail Delivery Subsystem <mailer-daemon@googlemail.com>", "Delivery Status Notification (Failure)", "Die Gruppe gibt es nicht, oder Sie duerfen dort nicht schreiben.\nhttps://groups.google.com/support/"), BounceType.POLICY),
    Sample("a list of members", _plain("cats-admin@lists.example", "You are not a member of this list", "So your mail was not taken."), BounceType.POLICY),
    Sample("reported without parts", _without_mime("5.5.0", "mail.local: unknown user: r"), BounceType.HARD),
    Sample("reported without parts, full", _without_mime("5.2.2", "552 5.2.2 over quota"), BounceType.SOFT, "5.2.2"),
    Sample("domino in japanese", _domino_in_japanese("ユーザー r はディレクトリに見つかりません。"), BounceType.HARD),
    Sample("docomo", _transcript("RCPT TO:<r@docomo.example>", "550 Unknown user r@docomo.example"), BounceType.HARD),
    Sample("in german", _plain("Mailer-Daemon@far.example", "Unzustellbar", "r@far.example: Der Empfaenger existiert nicht."), BounceType.HARD),
    Sample("in german, full", _plain("Mailer-Daemon@far.example", "Unzustellbar", "r@far.example: Das Postfach ist voll."), BounceType.SOFT),
    Sample("in french", _plain("postmaster@far.example", "Non remis", "L'adresse n'existe pas."), BounceType.HARD),
    Sample("in french, full", _plain("postmaster@far.example", "Non remis", "552 Boite du destinataire pleine"), BounceType.SOFT),
    Sample("in spanish", _plain("postmaster@far.example", "No entregado", "El usuario no existe."), BounceType.HARD),
    Sample("in italian", _plain("postmaster@far.example", "Mancato recapito", "Destinatario sconosciuto."), BounceType.HARD),
    Sample("in portuguese", _plain("postmaster@far.example", "Falha", "A caixa de correio está cheia."), BounceType.SOFT),
    Sample("in russian", _plain("mailer-daemon@far.example", "Сообщение не доставлено", "Такой ящик не существует."), BounceType.HARD),
    Sample("in chinese, refused", _plain("postmaster@far.example", "退信", "550 邮件被拒绝: 垃圾"), BounceType.POLICY),
    Sample("in dutch, blocked", _plain("postmaster@far.example", "Onbestelbaar", "Uw server is geblokkeerd."), BounceType.POLICY),
    Sample("ses by mail, unknown", _notification("Bounce", _ses_bounce("Permanent", "5.1.1", "550 5.1.1 user unknown")), BounceType.HARD, "5.1.1"),
    Sample("ses by mail, full", _notification("Bounce", _ses_bounce("Transient", "4.2.2", "452 4.2.2 mailbox full")), BounceType.SOFT),
    Sample("ses by mail, complaint", _notification("Complaint", '"complaint":{"complainedRecipients":[{"emailAddress":"r@far.example"}]},'), BounceType.COMPLAINT),
    Sample("ses by mail, delivered", _notification("Delivery", ""), BounceType.OTHER),
    Sample("complaint without a report", _complaint_of_hotmail(), BounceType.COMPLAINT),
    Sample("unsubscribed by apple", _plain("r@icloud.example", "unsubscribe", "Apple Mail sent this to unsubscribe.", Auto_Submitted="auto-replied", X_Apple_Unsubscribe="true"), BounceType.COMPLAINT),
    Sample("holiday in japanese", _plain("r@far.example", "自動返信: 講座", "休暇中です。"), BounceType.AUTO_REPLY),
    Sample("holiday in french", _plain("r@far.example", "Réponse automatique : Lesson 2", "Je suis en vacances."), BounceType.AUTO_REPLY),
    Sample("a broken report", b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\nnonsense\n", BounceType.SOFT),
)  # fmt: skip
