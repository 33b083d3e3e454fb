"""Both services with TLS, client certificates, tokens and users, on certificates made for the test."""
import hashlib
import http.client
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile

import grpc

import support
from process import Child, stop_all
from stack import choose_ports
from support import BINARIES, wait_until

# What must be seen nowhere; each identity's token is made of it.
CANARY = "canary7f3e"
TOKENS = {name: f"{CANARY}-token-{name}" for name in ("reader", "pusher", "admin", "nobody")}
USER, PASSWORD = "ann", f"{CANARY}-password"
ROLES = {"reader": ["read"], "pusher": ["push"], "admin": ["admin"], "nobody": [],
         USER: ["read", "push"], "ingest-1": ["push"]}


def run(*argv):
    subprocess.run(argv, check=True, capture_output=True, timeout=60)


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "conf").write_text("[req]\ndistinguished_name=dn\n[dn]\n")
        self.ca = folder / "ca.pem"
        self._new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                         "-days", "2")
        run("openssl", "req", "-x509", "-config", folder / "conf", *self._new_key, "-keyout",
            folder / "ca.key", "-out", self.ca, "-subj", "/CN=test authority", "-addext",
            "basicConstraints=critical,CA:TRUE")

    def issue(self, name, common_name="localhost"):
        """A certificate for this machine's loopback, or for a client. Returns (cert, key)."""
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        run("openssl", "req", "-x509", "-config", self.folder / "conf", "-CA", self.ca, "-CAkey",
            self.folder / "ca.key", *self._new_key, "-keyout", key, "-out", cert, "-subj",
            f"/CN={common_name}", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-addext",
            "basicConstraints=critical,CA:FALSE")
        return cert, key


def bcrypt(password):
    """A bcrypt hash of a low cost, by the C library that the services use."""
    program = ("import crypt,sys,warnings;"
               "print(crypt.crypt(sys.argv[1], '$2b$05$abcdefghijklmnopqrstuu'))")
    done = subprocess.run(["/usr/bin/python3", "-W", "ignore", "-c", program, password],
                          check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


class SecureStack:
    """One correlator and one ingest, which know the identities of ROLES. Ends with the test."""

    def __init__(self, test):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="alertjoin-secure-"))
        test.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority = Authority(self.folder)
        self.client = self.authority.issue("client", "somebody")
        self.uplink = self.authority.issue("uplink", "ingest-1")
        ports = choose_ports(dict.fromkeys(["grpc", "correlator", "ingest"], 0))
        self.address = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        self.hash = bcrypt(PASSWORD)
        self._children = []
        test.addCleanup(self.stop)
        self.trust(self.authority)
        self.install(self.authority.issue("server"))
        self.write_tokens(TOKENS)
        self._write_configuration()

    # What the services read while they run. Each file is replaced, never written in place.
    def replace(self, name, text):
        (self.folder / "new").write_text(text, encoding="utf-8")
        os.replace(self.folder / "new", self.folder / name)

    def write_tokens(self, tokens):
        self.replace("tokens", "# tokens\n" + "".join(
            f"{name} {hashlib.sha256(token.encode()).hexdigest()}\n"
            for name, token in tokens.items()))

    def trust(self, *authorities):
        """Has both kinds of listeners take the certificates of clients that are of these."""
        self.replace("clients.pem", "".join(authority.ca.read_text() for authority in authorities))

    def install(self, pair):
        """Makes it the certificate of all listeners: both files at once, by exchange of a link."""
        cert, key = pair
        folder = self.folder / f"pair-{cert.name}-{key.name}"
        folder.mkdir(exist_ok=True)
        shutil.copy(cert, folder / "cert.pem")
        shutil.copy(key, folder / "key.pem")
        link = self.folder / "link"
        link.symlink_to(folder)
        os.replace(link, self.folder / "pair")

    def write_security(self, roles, filters=()):
        """The security files of both listeners: roles by identity, and filters of some."""
        filters = dict(filters)
        identities = "".join(
            f"  - {{name: {name}, roles: [{', '.join(of)}]"
            + (f", filter: '{filters[name]}'" if name in filters else "") + "}\n"
            for name, of in roles.items())
        common = (f'basic_auth_users: {{{USER}: "{self.hash}"}}\n'
                  f"bearer_tokens_file: tokens\nidentities:\n{identities}")
        pair = "cert_file: pair/cert.pem, key_file: pair/key.pem"
        self.replace("web.yml", f"tls_server_config: {{{pair}, client_ca_file: clients.pem, "
                     f"client_auth_type: VerifyClientCertIfGiven}}\n{common}"
                     "http_server_config: {headers: {X-Content-Type-Options: nosniff}}\n")
        self.replace("grpc.yml", f"tls_server_config: {{{pair}, client_ca_file: clients.pem, "
                     f"client_auth_type: RequireAndVerifyClientCert}}\n{common}")

    def _write_configuration(self):
        self.write_security(ROLES)
        # Not on loopback: the rule is kept without --insecure.
        listen = {name: address.replace("127.0.0.1", "0.0.0.0")
                  for name, address in self.address.items()}
        (self.folder / "correlator.yml").write_text(
            f'grpc: {{listen_address: "{listen["grpc"]}"}}\n'
            f'http: {{listen_address: "{listen["correlator"]}"}}\n'
            f'data: {{path: "{self.folder}/data"}}\n', encoding="utf-8")
        cert, key = self.uplink
        (self.folder / "uplink-token").write_text(TOKENS["pusher"] + "\n", encoding="utf-8")
        (self.folder / "ingest.yml").write_text(
            "producer_id: one\n"
            f'correlator:\n  address: "{self.address["grpc"]}"\n'
            f"  tls_config: {{ca_file: ca.pem, cert_file: {cert.name}, key_file: {key.name}, "
            "server_name: localhost}\n"
            "  authorization: {credentials_file: uplink-token}\n"
            f'http: {{listen_address: "{listen["ingest"]}"}}\n'
            f'spool: {{path: "{self.folder}/spool"}}\n', encoding="utf-8")

    def command(self, name):
        service = "correlator-service" if name == "correlator" else "ingest-service"
        argv = [str(BINARIES / service / service), f"--config.file={self.folder / name}.yml",
                f"--web.config.file={self.folder}/web.yml"]
        return argv + [f"--grpc.config.file={self.folder}/grpc.yml"] * (name == "correlator")

    def start(self):
        for name in ("correlator", "ingest"):
            child = Child(name, self.command(name), self.folder / f"{name}.log", self.folder)
            self._children.append(child)

            def ready(name=name, child=child):
                child.wait(0)
                try:
                    return self.ask(name, "GET", "/-/ready")[0] == 200
                except OSError:
                    return False
            wait_until(ready, 30, f"{name} is ready")

    def stop(self):
        children, self._children = self._children, []
        return stop_all(children)

    def check(self):
        for child in self._children:
            child.wait(0)

    def logs(self):
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))

    # Clients.
    def ask(self, name, method, path, authorization="", body=None):
        """(status, text and headers) of one request on a connection of its own."""
        context = ssl.create_default_context(cafile=str(self.authority.ca))
        host, port = self.address[name].split(":")
        connection = http.client.HTTPSConnection(host, int(port), timeout=20, context=context)
        headers = {"Content-Type": "application/json"}
        if authorization:
            headers["Authorization"] = authorization
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode() + str(response.headers)
        finally:
            connection.close()

    def open_events(self, name, path, authorization, pair=None):
        """The lines of an event stream that has begun, on a connection with one of our
        certificates, None for none."""
        context = ssl.create_default_context(cafile=str(self.authority.ca))
        if pair:
            context.load_cert_chain(*getattr(self, pair))
        host, port = self.address[name].split(":")
        connection = http.client.HTTPSConnection(host, int(port), timeout=30, context=context)
        connection.request("GET", path, headers={"Authorization": authorization})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        response.readline()
        return response

    def channel(self, pair="client"):
        """A channel to the correlator with one of our certificates, None for none."""
        cert, key = getattr(self, pair) if pair else (None, None)
        credentials = grpc.ssl_channel_credentials(
            self.authority.ca.read_bytes(), key.read_bytes() if key else None,
            cert.read_bytes() if cert else None)
        return grpc.secure_channel(self.address["grpc"], credentials, options=[
            ("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)])

    def rows(self, token):
        with self.channel() as channel:
            stub = support.api().CorrelatorServiceStub(channel)
            return stub.ListJoinedRows(support.api().ListJoinedRowsRequest(), timeout=10,
                                       metadata=[("authorization", f"Bearer {token}")]).rows
