alertjoin_test(NAME grpc_net_test LABEL unit
  SRCS backoff_test.cc grpc_status_test.cc
  DEPS alertjoin::backoff alertjoin::grpc_net alertjoin::test_support)
alertjoin_test(NAME library_logs_test LABEL unit
  SRCS library_logs_test.cc
  DEPS alertjoin::library_logs alertjoin::test_support protobuf::libprotobuf gRPC::grpc++)
