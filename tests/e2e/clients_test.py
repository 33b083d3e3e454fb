"""Clients of other makes: grpcurl, and Python with nothing but grpcio."""
import importlib
import json
import subprocess
import unittest

from google.protobuf import descriptor_pb2, json_format

import support
from support import (BINARIES, HERE, api, channel, correlator, list_all_rows, shared_stack,
                     wait_for_rows)

SERVICES = {"alertjoin.v1.CorrelatorService", "alertjoin.v1.IngestService",
            "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


def setUpModule():
    shared_stack()
    wait_for_rows()


class PythonClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        support.client.generate(support.stubs_directory() / "peers", HERE, "reflection.proto")
        support.client.generate(support.stubs_directory() / "peers",
                                support.client.PROTO / "grpc/health/v1", "health.proto")
        cls.modules = {name: importlib.import_module(name) for name in (
            "reflection_pb2", "reflection_pb2_grpc", "health_pb2", "health_pb2_grpc")}

    def reflect(self, **request):
        message = self.modules["reflection_pb2"].ServerReflectionRequest(**request)
        stub = self.modules["reflection_pb2_grpc"].ServerReflectionStub(channel())
        return next(stub.ServerReflectionInfo(iter([message]), timeout=10))

    def test_lists_services(self):
        listed = self.reflect(list_services="*").list_services_response.service
        self.assertEqual(SERVICES, {service.name for service in listed})

    def test_reads_a_descriptor(self):
        answer = self.reflect(file_containing_symbol="alertjoin.v1.CorrelatorService")
        files = [descriptor_pb2.FileDescriptorProto.FromString(file)
                 for file in answer.file_descriptor_response.file_descriptor_proto]
        methods = {method.name for file in files for service in file.service
                   for method in service.method}
        self.assertLessEqual({"SubscribeJoinedRows", "ListJoinedRows"}, methods)

    def test_reads_health(self):
        stub = self.modules["health_pb2_grpc"].HealthStub(channel())
        request = self.modules["health_pb2"].HealthCheckRequest
        for service in ("", "alertjoin.v1.CorrelatorService", "alertjoin.v1.IngestService"):
            self.assertEqual(1, stub.Check(request(service=service), timeout=10).status, service)

    def test_lists_rows_by_pages(self):
        few, sequences = list_all_rows(page_size=2)
        self.assertGreater(len(sequences), 1)
        self.assertEqual(len(few), len({row.row_id for row in few}))

    def test_follows_the_stream(self):
        call = correlator().SubscribeJoinedRows(api().SubscribeJoinedRowsRequest(), timeout=20)
        self.addCleanup(call.cancel)
        kinds = []
        for message in call:
            kinds.append(message.WhichOneof("message"))
            self.assertTrue(message.resume_token)
            if kinds[-1] == "snapshot_complete":
                break
        self.assertEqual("started", kinds[0])
        self.assertIn("rows", kinds)


class GrpcurlTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.grpcurl = support.find_grpcurl()
        if not cls.grpcurl:
            raise unittest.SkipTest("grpcurl is not installed")

    def run_grpcurl(self, *arguments, request=None):
        data = ["-d", json.dumps(request)] if request is not None else []
        done = subprocess.run(
            [self.grpcurl, "-plaintext", "-max-time", "20", *data,
             shared_stack().addresses["correlator_grpc"], *arguments],
            capture_output=True, text=True, timeout=30)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def test_lists_services(self):
        self.assertEqual(SERVICES, set(self.run_grpcurl("list").split()))

    def test_the_description_that_is_installed_has_the_comments(self):
        described = subprocess.run(
            [self.grpcurl, "-protoset", BINARIES / "proto" / "alertjoin.protoset", "describe",
             "alertjoin.v1.LookUpAsOfRequest"], capture_output=True, text=True, timeout=30)
        self.assertEqual(0, described.returncode, described.stderr)
        self.assertIn("  // Optional. The moment in question. Default: now.\n"
                      "  .google.protobuf.Timestamp time = 2;\n", described.stdout)

    def test_reads_health(self):
        answer = json.loads(self.run_grpcurl("grpc.health.v1.Health/Check"))
        self.assertEqual({"status": "SERVING"}, answer)

    def test_lists_rows(self):
        answer = json_format.Parse(
            self.run_grpcurl("alertjoin.v1.CorrelatorService/ListJoinedRows",
                             request={"page_size": 3}), api().ListJoinedRowsResponse())
        self.assertEqual(3, len(answer.rows))
        self.assertTrue(answer.next_page_token)

    def test_follows_the_stream(self):
        following = subprocess.Popen(
            [self.grpcurl, "-plaintext", "-max-time", "20",
             shared_stack().addresses["correlator_grpc"],
             "alertjoin.v1.CorrelatorService/SubscribeJoinedRows"],
            stdout=subprocess.PIPE, text=True)
        kinds, text = [], ""
        with following:
            for line in following.stdout:
                text += line
                if line == "}\n":
                    message = json_format.Parse(text, api().SubscribeJoinedRowsResponse())
                    kinds, text = [*kinds, message.WhichOneof("message")], ""
                    if kinds[-1] == "snapshot_complete":
                        break
            following.kill()
        self.assertEqual(("started", "snapshot_complete"), (kinds[0], kinds[-1]))
        self.assertIn("rows", kinds)


if __name__ == "__main__":
    unittest.main(verbosity=2)
