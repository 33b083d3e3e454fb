"""The Python package and a correlator with TLS, client certificates and tokens."""
import asyncio
import subprocess
import threading
import unittest

import alertjoin
import alertjoin.aio
from package_stack import PROGRAM
from secure_stack import CANARY, TOKENS, SecureStack
from support import wait_for


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
        kinds = []
        messages = client.subscribe()
        threading.Thread(target=lambda: kinds.append(next(messages).kind), daemon=True).start()
        wait_for(["started"], lambda: kinds, 20, "the first message of a subscription")
        self.token.write_text(TOKENS["nobody"])  # It is read again.
        self.assertEqual("PERMISSION_DENIED", self.refusal(client))
        self.token.unlink()
        self.assertIn(self.refusal(client), ("UNAVAILABLE", "UNAUTHENTICATED"))
        with self.assertRaisesRegex(ValueError, "my-token: No such file"):
            self.connect()
        self.token.write_text(TOKENS["reader"])
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
        flags = [word for name, path in self.files.items()
                 for word in (f"--{name.replace('_', '-')}", path)]
        done = subprocess.run([PROGRAM, "--address", self.stack.address["grpc"], *flags, "list"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertIn("TIME (UTC)", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
