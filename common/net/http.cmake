# What any listener must have.
alertjoin_library(NAME listener_rule
  SRCS listener_rule.cc
  HDRS listener_rule.h
  DEPS alertjoin::status
  PRIVATE_DEPS fmt::fmt)

alertjoin_library(NAME http
  SRCS admin_endpoints.cc host_rule.cc http_body_stream.cc http_connection.cc http_exchanges.cc
    http_head.cc http_lane.cc http_lobby.cc http_metrics.cc http_routes.cc http_server.cc
    http_stream_places.cc process_metrics.cc stop_event.cc tcp_listener.cc tls_session.cc
  HDRS admin_endpoints.h host_rule.h http_body_stream.h http_byte_budget.h http_connection.h
    http_exchanges.h http_head.h http_lane.h http_lobby.h http_metrics.h http_routes.h
    http_server.h http_stream_places.h process_metrics.h stop_event.h tcp_listener.h
    tls_session.h unique_fd.h
  DEPS alertjoin::access alertjoin::status alertjoin::time OpenSSL::SSL
  PRIVATE_DEPS alertjoin::build_info alertjoin::listener_rule alertjoin::log alertjoin::metrics
    alertjoin::sync alertjoin::text PkgConfig::HTTPLIB PkgConfig::RE2 PkgConfig::PROMETHEUS_CPP
    fmt::fmt Threads::Threads)
