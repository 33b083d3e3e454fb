alertjoin_test(NAME http_test LABEL unit
  SRCS host_rule_test.cc http_connection_test.cc http_head_test.cc http_routes_test.cc listener_rule_test.cc process_metrics_test.cc
  DEPS alertjoin::http alertjoin::listener_rule alertjoin::test_support PkgConfig::PROMETHEUS_CPP
    PkgConfig::RE2)
