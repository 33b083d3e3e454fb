# Two packages, by `deploy/debian/build` or `cpack` in a build folder: alertjoin-ingest and
# alertjoin-correlator. Their maintainer scripts come from the templates beside this file.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME alertjoin)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "The alertjoin developers <alertjoin@example.org>")
set(CPACK_PACKAGE_VENDOR alertjoin)
# As users have it, whatever the prefix of this build folder is.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX "/usr")
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL ingest correlator)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Its files have the modes that Debian wants, whatever the umask of the build is.
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(description_ingest "takes alerts, polls metrics, sends both to a correlator
The ingest-service of alertjoin takes the webhooks of Alertmanager and Grafana and
the alerts of Prometheus, reads the metrics that they are about, keeps both on disk
and streams them to alertjoin-correlator.")
set(description_correlator "tells what the metrics were when an alert fired and resolved
The correlator-service of alertjoin joins alerts with the values of metrics at their
very moment, and serves the joined rows over gRPC. With it come alerts on alertjoin
itself, their runbooks and a dashboard for Grafana.")

foreach(service IN ITEMS ingest correlator)
  string(TOUPPER ${service} SERVICE_UPPER)
  set(control_dir "${CMAKE_CURRENT_BINARY_DIR}/debian/${service}")
  set(control_files)
  foreach(name IN ITEMS conffiles postinst prerm postrm)
    configure_file(debian/${name}.in "${control_dir}/${name}" @ONLY)
    list(APPEND control_files "${control_dir}/${name}")
  endforeach()
  set(CPACK_DEBIAN_${SERVICE_UPPER}_PACKAGE_NAME alertjoin-${service})
  set(CPACK_DEBIAN_${SERVICE_UPPER}_PACKAGE_CONTROL_EXTRA ${control_files})
  set(CPACK_DEBIAN_${SERVICE_UPPER}_PACKAGE_DEPENDS "adduser, init-system-helpers (>= 1.54~)")
  set(CPACK_COMPONENT_${SERVICE_UPPER}_DESCRIPTION "${description_${service}}")
endforeach()
set(CPACK_DEBIAN_INGEST_PACKAGE_SUGGESTS "alertjoin-correlator")
set(CPACK_DEBIAN_CORRELATOR_PACKAGE_SUGGESTS "alertjoin-ingest, prometheus")

include(CPack)
