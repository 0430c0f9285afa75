# Certificates for tests of TLS: an authority of the test's own and what it signs, in files as prismbusd takes them. Made
# by python3-cryptography; nothing of the project's own code is in here.
import datetime
import ipaddress
import os
import ssl
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from broker_process import scratch_dir

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


def key_of(kind="ec"):
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, int(kind[3:]))


def pem_of_key(key, password=None):
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)


def pem_of(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


class Authority:
    """Signs; `above` is who signed it."""

    def __init__(self, name="authority of a test", above=None):
        self.key, self.name = key_of(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = (above or self).sign(self.name, self.key.public_key(), [
            (x509.BasicConstraints(True, None), True),
            (x509.KeyUsage(True, False, False, False, False, True, True, False, False), True)])

    def sign(self, subject, public_key, extensions, begins=-1, ends=30):
        """Valid from `begins` to `ends`, in days from now."""
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        builder = x509.CertificateBuilder(self.name, subject, public_key, x509.random_serial_number(),
                                          now + datetime.timedelta(days=begins), now + datetime.timedelta(days=ends))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name="localhost", usage=SERVER, kind="ec", **times):
        """A certificate and its key, as PEM."""
        key = key_of(kind)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.DNSName(name), x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = self.sign(subject, key.public_key(), [
            (x509.BasicConstraints(False, None), True), (x509.SubjectAlternativeName(names), False),
            (x509.KeyUsage(True, False, kind != "ec", False, False, False, False, False, False), True),
            (x509.ExtendedKeyUsage([usage]), False)], **times)
        return pem_of(certificate), pem_of_key(key)


class TlsFiles:
    """A directory with cert.pem and key.pem of an authority, and what clients need to believe them."""

    def __init__(self, **issued):
        self.dir = scratch_dir()
        self.authority = Authority()
        self.write("ca.pem", pem_of(self.authority.certificate), 0o644)
        self.renew(**issued)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content, mode=0o600):
        """Whole or not at all."""
        path = self.path(name)
        with open(path + ".new", "wb") as file:
            file.write(content)
        os.chmod(path + ".new", mode)
        os.rename(path + ".new", path)
        return path

    def renew(self, **issued):
        """Another certificate, and its key."""
        certificate, key = self.authority.issue(**issued)
        self.write("key.pem", key)
        self.write("cert.pem", certificate, 0o644)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def args(self, *more):
        return ("--gateway", "https://127.0.0.1:0", "--gateway-tls-cert", self.path("cert.pem"), "--gateway-tls-key",
                self.path("key.pem"), *more)

    def client(self, version=None, ciphers=None, shown=None):
        """A client's context that believes this authority; `version` is the only one it speaks, `shown` its certificate."""
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        if version is not None:
            if version < ssl.TLSVersion.TLSv1_2:
                context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():  # of old versions, which are to be refused
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = version
        if ciphers is not None:
            context.set_ciphers(ciphers + ":@SECLEVEL=0")
        if shown is not None:
            certificate, key = shown
            both = self.write(f"client-{os.urandom(4).hex()}.pem", key + certificate)
            context.load_cert_chain(both)
        return context
