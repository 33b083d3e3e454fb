alertjoin_test(NAME grpc_net_test LABEL unit
  SRCS backoff_test.cc grpc_status_test.cc
  DEPS alertjoin::backoff alertjoin::grpc_net alertjoin::test_support)
