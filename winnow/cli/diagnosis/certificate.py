"""Is the certificate that this node shows still good, and for how long?"""

from winnow.cli.diagnosis.finding import Finding, good, problem, warning
from winnow.runtime.certificates import read_term
from winnow.runtime.clock import Clock
from winnow.runtime.mqtt import MqttSettings

PART = "certificate"
RENEW = "renew it (winnow pki renew NAME) and copy it over the old one; a running edge notices"


def examine_certificate(settings: MqttSettings, clock: Clock) -> list[Finding]:
    """Return until when the node's certificate is good; nothing if it shows none."""
    path = settings.tls.certificate_file
    if not settings.has_tls or path is None:
        return []
    term, now = read_term("mqtt", path), clock.now()
    if term is None:
        return [problem(PART, f"{path} holds no certificate", "correct mqtt.tls.certificate_file")]
    left_days = (term.not_after - now).days
    facts = {"not_after": term.not_after.isoformat(), "left_days": left_days}
    if now < term.not_before:
        advice = "look at this box's clock"
        return [problem(PART, f"{path} is valid from {term.not_before:%Y-%m-%d %H:%M} UTC on only", advice, **facts)]
    if term.not_after <= now:
        return [problem(PART, f"{path} has ended on {term.not_after:%Y-%m-%d}", RENEW, **facts)]
    said = f"{path} is valid until {term.not_after:%Y-%m-%d}, {left_days} more days"
    return [warning(PART, said, RENEW, **facts) if term.ends_soon(now) else good(PART, said, **facts)]
