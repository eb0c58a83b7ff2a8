"""Which URLs may be called. Pure."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def url_problem(value: str, *, local: bool = False) -> str:
    """Why a URL may not be called, as the end of a sentence; empty where it may be. ``local``: on this machine only.

    Only https, plain http to this machine; no credentials, query or fragment.
    """
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URL; write it like https://prodaccess.example.com"
    if parts.scheme not in {"http", "https"} or not host:
        return "is not a URL; write it like https://prodaccess.example.com"
    if parts.username or parts.password or parts.query or parts.fragment:
        return "carries credentials, a query or a fragment; leave only scheme, host, port and path"
    if local and not is_loopback(host):
        return "is not on this machine; it is for a local stand-in of AWS, leave it out for AWS itself"
    if parts.scheme == "http" and not is_loopback(host):
        return "is not https; plain http is for this machine only"
    return ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or address alone: no name is looked up."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
