# Builds the live page in WORKSPACE, a folder of the build tree, in two steps:
#   packages  npm brings what package-lock.json names, and makes packages.stamp. Without network that
#             fails, which is said, and is no failure of the build.
#   page      makes ASSETS, the C++ source that holds the page, and the page's tests; without packages
#             one that holds no page.
# SOURCE is the page's folder; NODE and NPM are the programs.

set(stamp "${WORKSPACE}/packages.stamp")

if(STEP STREQUAL "packages")
  file(REMOVE "${stamp}")
  file(COPY "${SOURCE}/package.json" "${SOURCE}/package-lock.json" "${SOURCE}/.npmrc"
    DESTINATION "${WORKSPACE}")
  execute_process(
    COMMAND "${NPM}" ci --prefer-offline --loglevel=error
    WORKING_DIRECTORY "${WORKSPACE}"
    RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    message(WARNING "The live page is left out of correlator-service: npm could not bring its packages. "
      "Everything else is built. The next build tries again; -DALERTJOIN_PAGE=OFF leaves it out for good.\n"
      "${output}")
  else()
    file(TOUCH "${stamp}")
  endif()
elseif(NOT EXISTS "${stamp}")
  file(REMOVE_RECURSE "${WORKSPACE}/dist")
  file(COPY_FILE "${SOURCE}/../page_assets_none.cc" "${ASSETS}" ONLY_IF_DIFFERENT)
else()
  # Afresh, so that a file that is gone from the sources is gone here.
  file(REMOVE_RECURSE "${WORKSPACE}/src" "${WORKSPACE}/tests")
  file(COPY "${SOURCE}/build.mjs" "${SOURCE}/tsconfig.json" "${SOURCE}/src" "${SOURCE}/tests"
    DESTINATION "${WORKSPACE}")
  execute_process(
    COMMAND "${NODE}" build.mjs --cc "${ASSETS}" --tests
    WORKING_DIRECTORY "${WORKSPACE}"
    RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "The live page does not build: see above")
  endif()
endif()
