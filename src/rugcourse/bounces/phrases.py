"""The phrases by which mail systems say what happened, grouped by meaning.

They are searched in text that `classifier.plain` normalised: lower case, single spaces, no addresses, no host names.
`…` stands for up to 40 characters. Sources: RFC 3463, 5321, 7372, 7504; the documentation of the systems named.
"""

from __future__ import annotations

import re


class Phrases:
    """Matches a text with any of the phrases, or with one of `became` after one of `what` in the same sentence."""

    def __init__(self, *phrases: str, what: tuple[str, ...] = (), became: tuple[str, ...] = ()) -> None:
        self._exact = tuple(phrase for phrase in phrases if "…" not in phrase)
        gapped = (".{0,40}?".join(map(re.escape, phrase.split("…"))) for phrase in phrases if "…" in phrase)
        self._gapped = tuple(re.compile(one) for one in gapped)
        self._became = tuple(f" {one}" for one in became)
        self._pair = re.compile(f"(?:{'|'.join(what)})[^.:;]{{0,40}}?(?:{'|'.join(self._became)})")

    def search(self, text: str) -> bool:
        return (
            any(phrase in text for phrase in self._exact)
            or any(one.search(text) for one in self._gapped)
            or (any(word in text for word in self._became) and self._pair.search(text) is not None)
        )


# The server refuses this sender, this mail, or this connection: the recipient's mailbox is not at fault.
SENDER = Phrases(
    "sender address", "address of sender", "domain of sender", "sender domain", "sender rejected", "sender denied",
    "sender not", "sender is not", "sender is on", "sender was", "invalid sender", "unknown sender", "bad sender",
    "sender verif", "sender id", "verify sender", "verify the sender", "unroutable sender", "from domain",
    "envelope sender", "envelope from", "return path", "backscatter", "bounces are not", "null sender",
    "sending domain", "sending mta", "sending server", "sending host", "originat", "mail from you",
    "messages from you", "you are not allowed", "you are not authori", "you are not permitted", "you are not welcome",
    "you do not have permission", "you don't have permission", "not authori", "not permitted", "not allowed to",
    "emetteur invalide", "émetteur invalide", "empty email address", "fully qualified", "responsible address",
    "dead domain", "outgoing mail suspension", "access to submit", "pre-approved", "senderfilter", "badsendermx",
    "sendernoa", "gateway user", "owned by user", "rcpthosts",
)  # fmt: skip
CONNECTION = Phrases(
    "your ip", "ip address", "ip is", "invalid ip", "sending ip", "client host", "client address", "your host",
    "your server", "your mail server", "your network", "your domain", "your isp", "dynamic", "dialup", "dial-up",
    "residential", "reverse dns", "rdns", "reverse lookup", "reverse hostname", "reverse name", "reverse-mapped",
    "reverse mapping", "reverse address", "reverse record", "ptr", "your hostname", "your reverse", "ip name lookup",
    "hostname lookup failed", "does not resolve", "helo command", "helo name", "helo host", "helo reject", "helo/ehlo",
    "invalid helo", "bad helo", "your helo", "no matching a record", "not accepting mail from", "not accept mail from",
    "go away", "generic hostname", "unverifyable", "open proxy", "zombie", "mismatch", "cannot resolve your",
    "requires confirmation", "find your",
)  # fmt: skip
REPUTATION = Phrases(
    "blocked", "blocking", "block list", "block-list", "blocklist", "blacklist", "black list", "black-list",
    "blackhole", "deny list", "denylist", "reputation", "banned", "barred", "(bl)", "rbl", "dnsbl", "is listed",
    "are listed", "was listed", "listed in a", "listed at", "listed by", "been listed", "found in a", "abuse",
    "complaint", "spamhaus", "spamcop", "sorbs", "barracuda", "surbl", "uribl", "cloudmark", "senderscore",
    "senderbase", "abuseat", "invaluement", "trendmicro", "trend micro", "brightmail", "ironport", "proofpoint",
    "mailspike", "greylist", "graylist", "aup#", "from spammer", "like spammer", "poor score",
)  # fmt: skip
CONTENT_REFUSED = Phrases(
    "spam", "unsolicited", "junk", "bulk mail", "bulk email", "advert", "phish", "suspicious", "unwanted",
    "objectionable", "a virus", "virus infected", "virus-infected", "contains virus", "virus detected", "virus found",
    "for virus", "or virus", "the virus", "viruses", "malware", "infected", "malicious", "trojan", "content filter",
    "content restriction", "content policy", "contains content", "attachment type", "attachments are not",
    "attachment not", "attachment…reject", "attachment…block", "attachment…refus", "attachment…remov", "dangerous",
    "executable", "prohibited", "forbidden", "url in", "links in", "filtering", "rejected by filter",
    "rejected due to content", "rejected for content", "message filtered", "content denied", "ube,", "mass mailer",
    "mailing software", "recurrent pattern", "mail rejete", "mail rejeté", "loaded content", "unacceptable content",
)  # fmt: skip
AUTHENTICATION = Phrases(
    "spf", "dkim", "dmarc", "unauthenticated", "not authenticated", "authentication required", "authentication failed",
    "authentication fail", "authentication-result", "authentication check", "requires authentication",
    "require authentication", "requires sender authentication", "authentication information", "smtp auth",
    "pop before smtp", "starttls", "tls required", "requires tls", "encryption required", "encryption needed",
    "authentification", "verification failure", "sender policy framework", "credentials",
)  # fmt: skip
RULES = Phrases(
    "policy", "policies", "administrative prohib", "administratively", "administrator has", "security reasons",
    "security violation", "relay", "local rule", "transport rule", "restricted", "restriction", "only accepts",
    "accepts messages from", "recipient preferences", "refused due", "refused by recipient", "not rfc",
    "rfc compliant", "rfc 5322", "rfc5322", "rfc 2822", "rfc2822", "multiple from", "from header", "from: header",
    "closed mailing list", "header error", "headers are not accepted", "protocol violation", "low priority", "captcha",
    "embedded images", "multiple addresses", "rejected by recipients", "user reject", "user refuses",
    "refuse to receive", "is protected by", "user rules", "pol-p", "pol-t", "dns-p", "rcp-p2", "rcp-p3",
    "multiple subject", "non-compliant", "noncompliant", "not subscribed",
)  # fmt: skip
# In other languages: German, Dutch, French, Spanish, Portuguese, Italian, Russian, Japanese, Chinese.
REFUSED_ELSEWHERE = Phrases(
    "blockiert", "gesperrt", "richtlinie", "nicht berechtigt", "geblokkeerd", "geweigerd", "beleid", "niet gemachtigd",
    "bloqué", "liste noire", "stratégie", "pas autorisé", "bloquead", "lista negra", "directiva", "no autorizad",
    "política", "não autorizad", "bloccat", "criteri", "non autorizzat", "спам", "заблокирован", "политик", "черн",
    "拒否", "迷惑メール", "許可", "垃圾", "黑名单", "拒绝", "反垃圾", "策略", "屏蔽",
)  # fmt: skip
# A mailing list that does not accept mail from us.
NOT_A_MEMBER = Phrases(
    "not a member", "not member", "non-member", "members-only", "are not subscribed", "are not allowed to post",
    "permission to post", "members only", "post messages", "post to the", "moderat",
)  # fmt: skip
REFUSED = (SENDER, CONNECTION, REPUTATION, CONTENT_REFUSED, AUTHENTICATION, RULES, NOT_A_MEMBER, REFUSED_ELSEWHERE)
# Pages that a refusal links to; these are searched before addresses are removed.
REFUSED_PAGES = Phrases(
    "spamhaus.org", "spamcop.net", "barracudacentral.org", "abuseat.org", "sorbs.net", "surbl.org", "uribl.com",
    "senderscore", "mxtoolbox.com", "dnsbl", "rbl.", "/bl?", "blacklist", "blocklist", "postmaster.yahoo",
    "postmaster.aol", "postmaster.gmx", "postmaster.web.de", "postmaster.1und1", "postmaster.t-online", "/81126",
    "spamrl", "ipremoval", "troubleshooting.aspx", "groups.google.com", "openspf", "spf.pobox", "dmarc",
)  # fmt: skip

# The time for retries ran out.
EXPIRED = Phrases(
    "expired", "in the queue too long", "in queue too long", "queue too long", "too long in the queue", "retry time",
    "retry limit", "failing for a long time", "long time", "gave up", "given up after", "giving up after",
    "time limit", "could not be delivered for", "not be delivered within", "unable to deliver…hours",
    "unable to deliver…days", "delivery time", "maximum number of retries", "maximum retries", "too many attempts",
    "too many retries", "too many failures", "delivery attempts", "failed…attempts", "tried…times", "after trying for",
    "aborted after", "undeliverable for", "message timed out", "has been delayed too long", "配信時間", "超时",
    "temps imparti", "not been collected", "after…tries", "delivered for more than", "queue period",
    "delivery timeout", "numerous attempts",
)  # fmt: skip
# The mailbox is full.
FULL = Phrases(
    "quota", "mailbox full", "mailbox is full", "mailbox…full", "mailfolder…full", "inbox full", "inbox is full",
    "account…full", "is full", "storage", "mailbox size", "exceeded…limit", "mailbox exceed", "insufficient",
    "not enough space", "space not enough", "enough storage", "not enough disk", "no space left", "disk full",
    "out of space", "over limit", "overquota", "full mailbox", "too many messages in", "mailbox has exceeded", "voll",
    "überschritten", "speicherplatz", "postvak…vol", "mailbox…vol ", "is vol", "boîte…pleine", "est pleine", "saturée",
    "llena", "lleno", "cheia", "piena", "excedeu", "переполнен", "квот", "容量", "いっぱい", "満杯", "一杯", "已满",
    "空间不足", "超出", "space…used up", "too much mail data", "exceeding", "storage limit", "pleine", "full disk",
    "overdraft",
)  # fmt: skip
# Too large, or in a format that a program on the way can't handle.
FORM = Phrases(
    "too large", "too big", "too long", "size limit", "size exceed", "exceeds…size", "exceeds…limit",
    "exceeds maximum", "message size", "maximum size", "maximum message size", "maximum allowed size", "length exceed",
    "content rejected", "content type", "content conversion", "conversion", "mime", "malformed message",
    "malformed header", "malformed mime", "invalid header", "duplicate header", "bare lf", "bare linefeed",
    "line length", "8bit", "8-bit", "smtputf8", "not supported", "zu groß", "te groot", "trop volumineux", "trop gros",
    "demasiado grande", "muito grande", "サイズ", "太大", "exceeds policy limit", "exceeds the policy", "msg-p1",
    "int-p2", "base64", "complexity", "limite du message", "bad sequence", "not implemented", "unrecognized",
)  # fmt: skip
# The reply itself says that the failure is temporary.
PASSING = Phrases(
    "try again later", "please try again", "found, try again", "will try again", "temporar", "tempfail", "timed out",
    "timed-out", "timeout", "time out", "暂时", "稍后", "временно", "tijdelijk", "vorübergehend", "temporaire", "一時",
    "タイムアウト", "essayer plus tard", "más tarde", "mais tarde", "riprova", "con-t", "rcp-t", "msg-t",
)  # fmt: skip
# A server or a network in trouble.
TROUBLE = Phrases(
    "loop", "too many hops", "hop count", "hops count", "hopcount", "too many received", "connection refused",
    "connection reset", "connection lost", "connection closed", "connection drop", "connection was", "connection fail",
    "connection error", "lost connection", "no route", "unreachable", "unable to connect", "could not connect",
    "couldn't connect", "cannot connect", "can't connect", "establish…connection", "establish an smtp",
    "communications failure", "communication error", "not responding", "no answer", "did not respond", "host is down",
    "connect to", "network error", "name server time", "name server fail", "host name lookup failure", "system error",
    "configuration error", "misconfigur", "internal error", "server error", "local error", "out of memory",
    "system resources", "i/o error", "input/output", "can't create", "cannot create", "cannot open", "can't open",
    "cannot append", "permission denied", "system busy", "server busy", "too busy", "command died", "command failed",
    "command fail", "exit code", "exit status", "unknown mailer error", "mailer error", "broken pipe", "child process",
    "could not find a gateway", "ldap", "lookup fail", "lookup error", "unable to lookup", "database", "deferred",
    "bad connection", "protocol error", "out of sync", "synchronization", "system not accepting", "pipe to",
    "bounced internally", "suspended", "is locked", "been locked", "account locked", "接続できません", "dns records",
    "unable to resolve route", "unrouteable mail domain", "aliasing", "looping", "queue file", "interrupted",
    "error while being processed", "currently unavailable", "procmail", "maildrop", "maildir", "x-unix",
    "command output", "|| exit", "mdb", "drd for", "not operational", "out of disk", "shutting down", "going down",
    "no such file", "too many open", "unable to open", "no space",
)  # fmt: skip
# Rate limits of the server.
RATE = Phrases(
    "too many connections", "too many messages", "too many recipients", "too many errors", "too many mails",
    "too many emails", "too many concurrent", "too much mail", "too fast", "too quickly", "rate limit", "rate-limit",
    "ratelimit", "at a rate", "sending rate", "message rate", "rate exceeded", "throttl", "connection limit",
    "sending limit", "concurrent connections", "daily limit", "hourly limit", "per hour", "per minute",
    "too many sessions", "too many smtp", "frequency limited", "this hour", "threshold exceeded", "trop de connexions",
    "slow down",
)  # fmt: skip

# There is no such mailbox, or nobody reads it any more.
NO_MAILBOX = Phrases(
    "user unknown", "unknown user", "no such user", "no such recipient", "no such person", "no such mailbox",
    "no such account", "no such address", "no such local", "no such email", "no such virtual", "no such…here",
    "does not exist", "doesn't exist", "not exist", "don't exist", "do not exist", "does not have an",
    "doesn't have a", "does not have a", "not have a…account", "no mailbox", "no account", "no user", "no recipient",
    "no valid recipient", "no valid host", "unknown recipient", "recipient unknown", "unknown address",
    "address unknown", "unknown mailbox", "unknown account", "account unknown", "unknown local", "unknown e-mail",
    "unknown email", "unknown to", "mailbox unknown", "addressee unknown", "unknown addressee", "invalid recipient",
    "invalid mailbox", "invalid address", "invalid user", "invalid account", "invalid email", "invalid local",
    "invalid final delivery userid", "recipient invalid", "recipient is invalid", "mailbox invalid",
    "mailbox is invalid", "address is invalid", "bad destination", "bad recipient", "bad address", "not a valid",
    "isn't a valid", "not valid recipient", "is not valid", "not a known", "not known", "not recogni", "not our",
    "not my", "mailbox not found", "mailbox…not found", "user not found", "user…not found", "recipient not found",
    "recipient…not found", "address not found", "address…not found", "account not found", "account…not found",
    "recipientnotfound", "recipnotfound", "not listed in", "isn't listed", "is not listed", "not in…directory",
    "not in our", "couldn't be found", "could not be found", "wasn't found", "was not found", "can't be found",
    "cannot be found", "not found by", "not found at", "mailbox cannot be found", "undeliverable address",
    "unrouteable", "unroutable address", "unroutable mail domain", "access denied. as(",
    "recipient address rejected: access denied", "rcp-p1", "no one by that name", "not a user", "user doesn't",
    "non-existent", "nonexistent", "no existing", "recipient address rejected: user",
    "recipient address rejected: unknown", "recipient address rejected: undeliv",
    "no longer", "has left", "has moved",
    "user has moved", "unbekannt", "existiert nicht",
    "nicht gefunden", "nicht bekannt", "onbekend", "bestaat niet", "niet gevonden", "inconnu", "n'existe pas",
    "introuvable", "trouvé", "sconosciut", "non esiste", "inesistente", "non trovat", "trovare", "no existe",
    "desconocid", "no encontrad", "no se encontr", "não existe", "desconhecid", "não encontrad", "não foi encontrad",
    "inexistente", "не существует", "не найден", "неизвестн", "宛先不明", "存在しません", "見つかりません",
    "ありません", "不明", "不存在", "找不到", "未找到", "无此", "没有此", "archived recipient", "bad_recipient",
    "bad-recipient", "badrcptto", "destinataire invalide", "one at this address", "recipient not ok",
    "recipient not exist", "missing home directory", "recipients was undeliverable", "rejected recipients",
    "isn't known", "int-p1", "int-p3", "int-p4", "replaced by", "user not known", "user is unknown",
    "recipient is unknown", "not a registered", "unregistered", "invalid destinat", "não cadastrad",
    "verify the recipient", "non recensé", "dicha persona", "ese usuario",
    what=("account", "mailbox", "user", "address", "recipient", "customer"),
    became=(
        "disabled", "deactivated", "inactive", "not active", "closed", "deleted", "removed", "terminated", "cancelled",
        "canceled", "discontinued", "retired", "abandoned", "dormant", "changed",
    ),
)  # fmt: skip
# There is no such domain.
NO_DOMAIN = Phrases(
    "host unknown", "unknown host", "host not found", "host…not found", "no such host", "no such domain",
    "unknown domain", "domain unknown", "domain…not found", "domain…not exist", "domain name not found",
    "name or service not known", "nxdomain", "couldn't find any host", "bad destination host",
    "bad destination system", "unresolvable", "illegal host", "illegal domain", "invalid domain", "invalid host",
    "domain must exist", "domain…is unknown", "non-existent domain", "nonexistent domain", "unknown domain name",
    "domain is not reachable",
)  # fmt: skip
# The domain accepts no mail from anybody (RFC 7505).
NO_MAIL = Phrases(
    "null mx", "nullmx", "no mx", "not accept mail", "not accept any mail", "not accept email", "accepts no mail",
    "no mail service", "never accept", "doesn't receive email", "does not receive email",
)  # fmt: skip

# These are less reliable, and are checked only if none of the above is found.
DENIED = Phrases("access denied", "denied", "not welcome", "unacceptable", "not accepted")
UNAVAILABLE = Phrases(
    "mailbox unavailable", "user unavailable", "recipient unavailable", "address rejected", "recipient rejected",
    "user rejected", "cannot be accessed", "not local", "unavailable mailbox", "mailbox name not allowed",
    "check if address", "account unavailable", "user is not available",
)  # fmt: skip

# These are about whole messages: their sender and their subject.
FROM_A_SERVER = Phrases(
    "mailer-daemon", "mailer daemon", "postmaster", "mail delivery", "mail-daemon", "maildaemon", "double-bounce",
    "mail administrator", "mail system", "delivery system", "delivery subsystem", "mail.delivery.system",
    "mail router", "mdaemon", "mail-delivery", "post_master", "post-master", "mail server", "mailserver",
)  # fmt: skip
UNDELIVERED = Phrases(
    "undeliver", "delivery status", "delivery failure", "delivery report", "delivery notification",
    "delivery has failed", "delivery failed", "delivery error", "delivery problem", "returned mail", "returned email",
    "return to sender", "returned to sender", "returning message", "failure notice", "failure notification",
    "failed mail", "mail fail", "mail could not", "mail delivery", "message could not", "could not be delivered",
    "could not send", "not delivered", "non-delivery", "nondeliverable", "unable to deliver", "mail system error",
    "mail error", "delivery incomplete", "rejected:", "message rejected", "delayed", "bounce", "niet bezorgd",
    "niet worden bezorgd", "afgeleverd", "bezorgen", "onbestelbaar", "unzustellbar", "nicht zugestellt", "zustell",
    "non remis", "échec", "non distribu", "remise", "no entregad", "no se pudo entregar", "não entregue", "falha",
    "non consegnat", "mancato recapito", "недостав", "не доставлен", "доставк", "配信", "エラーメール",
    "送信できません", "届け", "退信", "投递", "无法送达",
)  # fmt: skip
STILL_TRYING = Phrases(
    "will keep trying", "will continue to try", "will continue trying", "will keep on trying", "being delayed",
    "has been delayed", "delivery is delayed", "not yet been delivered", "delivery incomplete",
    "no action is required", "this is a warning", "this is only a warning", "warning message only", "will be retried",
    "attempts will continue", "delivery will continue", "do not need to resend", "still being", "wird weiterhin",
    "nog niet bezorgd",
)  # fmt: skip
AWAY = Phrases(
    "out of office", "out of the office", "out-of-office", "auto reply", "auto-reply", "autoreply", "auto: ",
    "automatic reply", "auto response", "auto-response", "autoresponse", "automated reply", "automated response",
    "automatisch", "afwezig", "vakantie", "on holiday", "vacation", "away from", "abwesen", "absence", "absent",
    "réponse automatique", "risposta automatica", "respuesta automática", "resposta automática", "ferie", "fuera de",
    "ausente", "ausência", "автоответ", "отсутств", "自動返信", "自動応答", "不在", "自动回复", "自动答复",
    "ontvangstbevestiging", "hebben je bericht", "hebben uw bericht", "hebben uw mail",
)  # fmt: skip
# Subjects of complaints that are not RFC 5965 reports but attach the mail itself.
COMPLAINED = Phrases(
    "complaint about message", "email abuse report", "abuse report", "email feedback report", "spam report",
    "feedback loop", "complaint notification",
)  # fmt: skip
