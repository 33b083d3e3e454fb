"""The Python package and a correlator with TLS, client certificates and tokens."""
import asyncio
import pathlib
import subprocess
import sys
import unittest

import alertjoin
import alertjoin.aio
from secure_stack import CANARY, TOKENS, SecureStack


class AccessTest(unittest.TestCase):
    def setUp(self):
        self.stack = SecureStack(self)
        self.stack.start()
        cert, key = self.stack.client
        self.token = self.stack.folder / "my-token"
        self.token.write_text(TOKENS["reader"] + "\n")
        self.files = {"ca_file": str(self.stack.authority.ca), "cert_file": str(cert),
                      "key_file": str(key), "credentials_file": str(self.token)}

    def connect(self, **changed):
        client = alertjoin.connect(self.stack.address["grpc"], timeout=10,
                                   credentials=alertjoin.tls(**{**self.files, **changed}))
        self.addCleanup(client.close)
        return client

    def refusal(self, client):
        with self.assertRaises(alertjoin.AlertjoinError) as caught:
            client.joined()
        self.assertNotIn(CANARY, str(caught.exception))
        return caught.exception.code

    def test_certificate_and_token(self):
        client = self.connect()
        self.assertEqual(0, len(client.joined()))
        self.assertEqual("started", next(client.subscribe()).kind)
        self.token.write_text(TOKENS["nobody"])  # It is read again.
        self.assertEqual("PERMISSION_DENIED", self.refusal(client))
        self.token.unlink()
        self.assertIn(self.refusal(client), ("UNAVAILABLE", "UNAUTHENTICATED"))
        self.assertEqual("UNAVAILABLE", self.refusal(self.connect(cert_file="", key_file="")))
        with self.assertRaisesRegex(ValueError, "belong together"):
            self.connect(key_file="")
        with self.assertRaisesRegex(ValueError, "nowhere.pem: No such file"):
            self.connect(ca_file="nowhere.pem")

    def test_asyncio(self):
        async def read():
            async with alertjoin.aio.connect(self.stack.address["grpc"],
                                             credentials=alertjoin.tls(**self.files)) as client:
                return await client.joined()
        self.assertEqual(0, len(asyncio.run(read())))

    def test_the_command_line(self):
        program = pathlib.Path(sys.executable).parent / "alertjoin"
        flags = [word for name, path in self.files.items()
                 for word in (f"--{name.replace('_', '-')}", path)]
        done = subprocess.run([program, "--address", self.stack.address["grpc"], *flags, "list"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertIn("TIME (UTC)", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
