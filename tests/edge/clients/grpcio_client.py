"""Calls the door with Python's own gRPC, from the contracts' descriptors alone.

    grpcio_client.py DESCRIPTORS HOST:PORT TOKEN AREA
"""

import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

descriptors, address, token, area = sys.argv[1:]
pool = descriptor_pool.DescriptorPool()
files = descriptor_pb2.FileDescriptorSet()
with open(descriptors, "rb") as file:
    files.ParseFromString(file.read())
for one in files.file:
    pool.Add(one)


def call(channel, service, method, fields, metadata=()):
    of = pool.FindServiceByName(service).FindMethodByName(method)
    request = message_factory.GetMessageClass(of.input_type)(**fields)
    answer = message_factory.GetMessageClass(of.output_type)
    stub = channel.unary_unary(f"/{service}/{method}", lambda m: m.SerializeToString(), answer.FromString)
    return stub(request, metadata=metadata, timeout=10)


def refused(channel, expected, *arguments):
    try:
        call(channel, *arguments)
    except grpc.RpcError as error:
        assert error.code() == expected, f"{error.code()}: {error.details()}"
        return error
    raise AssertionError(f"{arguments[1]} was not refused")


residents = "linju.residents.v1.ResidentService"
signed_in = (("authorization", f"Bearer {token}"),)
with grpc.insecure_channel(address) as channel:
    areas = call(channel, "linju.residents.v1.AreaService", "ListAreas", {"parent_code": area[:9]}).areas
    assert len(areas) > 1, areas

    page = call(channel, residents, "ListResidents", {"area_code": area, "page_size": 2}, signed_in)
    first = page.residents[0]
    assert first.name[1:].strip("*") == "", first.name
    purpose = signed_in + (("linju-purpose", "home_visit"),)
    known = call(channel, residents, "GetResident", {"id": first.id}, purpose)
    assert "*" not in known.name and known.name[0] == first.name[0]

    refused(channel, grpc.StatusCode.UNAUTHENTICATED, residents, "GetResident", {"id": first.id})
    # Nobody is who they say they are.
    claims = (("x-user-id", "admin"), ("grpc-metadata-authorization", f"Bearer {token}"))
    refused(channel, grpc.StatusCode.UNAUTHENTICATED, residents, "GetResident", {"id": first.id}, claims)
    error = refused(channel, grpc.StatusCode.INVALID_ARGUMENT, residents, "GetResident", {"id": "somebody"}, signed_in)
    assert any(key == "grpc-status-details-bin" for key, _ in error.trailing_metadata())
print("all calls were answered as they should")
