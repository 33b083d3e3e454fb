"""Generates the stubs of alertjoin.v1 into the package while it is built."""
import atexit
import pathlib
import shutil
import tempfile

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = pathlib.Path(__file__).resolve().parent
PROTO_ROOT = HERE.parent
PROTOS = sorted((PROTO_ROOT / "alertjoin" / "v1").glob("*.proto"))


class BuildWithStubs(build_py):
    def run(self):
        super().run()
        self.generate(pathlib.Path(self.build_lib))

    def generate(self, out):
        from grpc_tools import protoc  # Only there while building.
        if not PROTOS:
            raise RuntimeError(f"no .proto files in {PROTO_ROOT}: build from the repository")
        (out / "alertjoin" / "v1").mkdir(parents=True, exist_ok=True)
        bundled = pathlib.Path(protoc.__file__).parent / "_proto"
        status = protoc.main([
            "protoc", f"--proto_path={PROTO_ROOT}", f"--proto_path={bundled}",
            f"--python_out={out}", f"--pyi_out={out}", f"--grpc_python_out={out}",
            *map(str, PROTOS)])
        if status != 0:
            raise RuntimeError("protoc has failed")
        (out / "alertjoin" / "v1" / "__init__.py").write_text("")


# Where it builds in is not the source tree, of which nobody wants to clean up after `pip install`.
SCRATCH = tempfile.mkdtemp(prefix="alertjoin-build-")
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)

setup(cmdclass={"build_py": BuildWithStubs},
      options={"build": {"build_base": SCRATCH}, "egg_info": {"egg_base": SCRATCH}})
