#!/usr/bin/env python3
"""Writes Sources/SparkWire/Generated from Spark Connect's descriptors and this folder's own proto file.

The descriptors are read out of the PyPI package pyspark-client; machine learning and pipelines are pruned
(their fields are unknown fields to us, which proto3 skips). Needs protoc and protoc-gen-swift on PATH.
Usage: generate.py (run with a Python that has pyspark-client installed).
"""
import os
import subprocess
import sys
import tempfile

import google.rpc.error_details_pb2 as error_details
import google.rpc.status_pb2 as status
from google.protobuf import any_pb2, descriptor_pb2
from pyspark.sql.connect.proto import (base_pb2, catalog_pb2, commands_pb2, common_pb2, expressions_pb2, ml_common_pb2,
                                       ml_pb2, pipelines_pb2, relations_pb2, types_pb2)

PRUNED_FILES = (ml_pb2, ml_common_pb2, pipelines_pb2)
PRUNED_NAMES = {f".spark.connect.{name}" for file in PRUNED_FILES for name in file.DESCRIPTOR.message_types_by_name}
PRUNED_NAMES |= {".spark.connect.MlRelation", ".spark.connect.Fetch"}
KEPT_ERROR_DETAILS = ("ErrorInfo",)


def prune(message):
    """Removes the fields whose type is pruned, so that the files need not import its file."""
    kept = [f for f in message.field if f".{'.'.join(f.type_name.split('.')[1:4])}" not in PRUNED_NAMES]
    del message.field[:]
    message.field.extend(kept)
    for nested in message.nested_type:
        prune(nested)


def spark_file(module):
    file = descriptor_pb2.FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(file)
    dependencies = [d for d in file.dependency if d not in [p.DESCRIPTOR.name for p in PRUNED_FILES]]
    del file.dependency[:]
    file.dependency.extend(dependencies)
    del file.public_dependency[:]
    messages = [m for m in file.message_type if f".spark.connect.{m.name}" not in PRUNED_NAMES]
    del file.message_type[:]
    file.message_type.extend(messages)
    for message in file.message_type:
        prune(message)
    del file.service[:]
    return file


def plain_file(module, kept=None):
    file = descriptor_pb2.FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(file)
    if kept:
        messages = [m for m in file.message_type if m.name in kept]
        del file.message_type[:]
        file.message_type.extend(messages)
        del file.dependency[:]
    return file


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    generated = os.path.join(os.path.dirname(here), "Generated")
    spark = [spark_file(m) for m in (types_pb2, common_pb2, expressions_pb2, catalog_pb2, relations_pb2, commands_pb2, base_pb2)]
    google = [plain_file(any_pb2), plain_file(status), plain_file(error_details, KEPT_ERROR_DETAILS)]
    own = descriptor_pb2.FileDescriptorSet()
    with tempfile.TemporaryDirectory() as scratch:
        own_path = os.path.join(scratch, "own.bin")
        subprocess.run(["protoc", "-I", here, "--descriptor_set_out", own_path, "platform_compute.proto"], check=True)
        with open(own_path, "rb") as stream:
            own.ParseFromString(stream.read())
        everything = descriptor_pb2.FileDescriptorSet(file=google + spark + list(own.file))
        set_path = os.path.join(scratch, "all.bin")
        with open(set_path, "wb") as stream:
            stream.write(everything.SerializeToString())
        names = [f.name for f in google[1:] + spark + list(own.file)]
        subprocess.run(["protoc", "--descriptor_set_in", set_path, "--swift_out", generated,
                        "--swift_opt=Visibility=Package", "--swift_opt=FileNaming=PathToUnderscores"] + names, check=True)


if __name__ == "__main__":
    sys.exit(main())
