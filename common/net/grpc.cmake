alertjoin_library(NAME backoff
  SRCS backoff.cc
  HDRS backoff.h
  DEPS alertjoin::status alertjoin::time)

alertjoin_library(NAME grpc_net
  SRCS grpc_access.cc grpc_callers.cc grpc_channel.cc grpc_health.cc grpc_metrics.cc grpc_server.cc
    grpc_status.cc memory_file.cc message_bytes.cc
  HDRS grpc_access.h grpc_callers.h grpc_channel.h grpc_health.h grpc_metrics.h grpc_server.h
    grpc_status.h memory_file.h message_bytes.h
  DEPS alertjoin::access alertjoin::proto alertjoin::status alertjoin::sync alertjoin::time
    gRPC::grpc++ PkgConfig::PROMETHEUS_CPP
  PRIVATE_DEPS alertjoin::config alertjoin::listener_rule alertjoin::metrics
    gRPC::grpc++_reflection OpenSSL::SSL absl::strings fmt::fmt)

alertjoin_library(NAME library_logs
  SRCS library_logs.cc
  HDRS library_logs.h
  PRIVATE_DEPS alertjoin::log alertjoin::status alertjoin::sync gRPC::grpc++ protobuf::libprotobuf)
