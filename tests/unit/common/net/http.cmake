alertjoin_test(NAME http_test LABEL unit
  SRCS http_head_test.cc http_routes_test.cc
  DEPS alertjoin::http alertjoin::test_support PkgConfig::RE2)
