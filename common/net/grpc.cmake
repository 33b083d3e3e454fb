alertjoin_library(NAME backoff
  SRCS backoff.cc
  HDRS backoff.h
  DEPS alertjoin::status alertjoin::time)

alertjoin_library(NAME grpc_net
  SRCS grpc_server.cc grpc_status.cc
  HDRS grpc_server.h grpc_status.h
  DEPS alertjoin::proto alertjoin::status alertjoin::time gRPC::grpc++
  PRIVATE_DEPS alertjoin::listener_rule gRPC::grpc++_reflection fmt::fmt)
