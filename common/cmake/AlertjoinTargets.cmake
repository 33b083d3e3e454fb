# How the project declares its targets. Three functions, one INTERFACE target with the flags.
#
#   alertjoin_library(NAME x [SEPARATE] SRCS ... HDRS ... DEPS ... PRIVATE_DEPS ...)   -> alertjoin::x
#   alertjoin_executable(NAME x SRCS ... DEPS ...)
#   alertjoin_test(NAME x LABEL unit|integration [SEPARATE] SRCS ... DEPS ...)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
# "Dev": fast to build, fast enough to run, good stack traces.
set(CMAKE_CXX_FLAGS_DEV "-O1 -g1 -fno-omit-frame-pointer")
# LLD links the test programs five times as fast as GNU ld.
find_program(ALERTJOIN_LLD ld.lld)
if(ALERTJOIN_LLD)
  set(CMAKE_EXE_LINKER_FLAGS_DEV "-fuse-ld=lld")
else()
  set(CMAKE_EXE_LINKER_FLAGS_DEV "")
endif()

add_library(alertjoin_flags INTERFACE)
target_include_directories(alertjoin_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_definitions(alertjoin_flags INTERFACE
  SPDLOG_FMT_EXTERNAL JSON_USE_IMPLICIT_CONVERSIONS=0
  ALERTJOIN_VERSION="${PROJECT_VERSION}")
target_compile_options(alertjoin_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Wrong in GCC 12 for assignments to strings at -O3 (gcc.gnu.org/PR105651).
  target_compile_options(alertjoin_flags INTERFACE -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # GCC ignores what the code says of its locks.
  target_compile_options(alertjoin_flags INTERFACE -Wthread-safety -Werror=thread-safety)
endif()
if(ALERTJOIN_WERROR)
  target_compile_options(alertjoin_flags INTERFACE -Werror)
endif()
if(ALERTJOIN_SANITIZE)
  target_compile_options(alertjoin_flags INTERFACE
    -fsanitize=${ALERTJOIN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(alertjoin_flags INTERFACE -fsanitize=${ALERTJOIN_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC's flow analysis is confused by sanitizer instrumentation.
    target_compile_options(alertjoin_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
  if(ALERTJOIN_SANITIZE MATCHES "thread")
    # protobuf's map fields have other members under __SANITIZE_THREAD__ (map_field.h) than Debian's
    # library was compiled with. libstdc++ learns of the sanitizer by a macro of its own.
    target_compile_options(alertjoin_flags INTERFACE -U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
  endif()
endif()

# Of a library or a test that is SEPARATE each file is compiled alone in unity builds, too: its files
# call helpers of their own by the same names.
function(alertjoin_library)
  cmake_parse_arguments(ARG "SEPARATE" "NAME" "SRCS;HDRS;DEPS;PRIVATE_DEPS" ${ARGN})
  set(target "alertjoin_${ARG_NAME}")
  if(ARG_SRCS)
    add_library(${target} STATIC ${ARG_SRCS} ${ARG_HDRS})
    target_link_libraries(${target} PUBLIC alertjoin_flags ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
    if(ARG_SEPARATE)
      set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
    endif()
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE alertjoin_flags ${ARG_DEPS})
  endif()
  add_library(alertjoin::${ARG_NAME} ALIAS ${target})
endfunction()

function(alertjoin_executable)
  cmake_parse_arguments(ARG "" "NAME" "SRCS;DEPS" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SRCS})
  target_link_libraries(${ARG_NAME} PRIVATE alertjoin_flags ${ARG_DEPS})
endfunction()

# How a test gets on with others at the same time. ctest's processors are halves of cores: tests/run
# has it fill two for each.
#   waiting  it waits most of its time
#   working  it needs a core (the default)
#   alone    it takes or measures all that there is
# cost: about how many seconds it takes, where it is many: the longest begin first.
function(alertjoin_set_run test runs cost)
  if(runs STREQUAL "alone")
    set_tests_properties(${test} PROPERTIES RUN_SERIAL TRUE)
  elseif(runs STREQUAL "waiting")
    set_tests_properties(${test} PROPERTIES PROCESSORS 1)
  else()
    set_tests_properties(${test} PROPERTIES PROCESSORS 2)
  endif()
  if(cost)
    set_tests_properties(${test} PROPERTIES COST ${cost})
  endif()
endfunction()

# Registers every TEST of the program with ctest under the given label. Unit tests also join the
# target `unit_tests`, which is what the sanitizer presets build.
function(alertjoin_test)
  cmake_parse_arguments(ARG "SEPARATE" "NAME;LABEL" "SRCS;DEPS" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SRCS})
  if(ARG_SEPARATE)
    set_target_properties(${ARG_NAME} PROPERTIES UNITY_BUILD OFF)
  endif()
  target_link_libraries(${ARG_NAME} PRIVATE alertjoin_flags ${ARG_DEPS} GTest::gtest_main GTest::gmock)
  if(ALERTJOIN_SANITIZE)
    # What the sanitizers add takes GCC longer to optimise than the tests' own code ever runs.
    target_compile_options(${ARG_NAME} PRIVATE -O0)
  endif()
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME} --gtest_brief=0)
  set_tests_properties(${ARG_NAME} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT 300
    ENVIRONMENT "TSAN_OPTIONS=halt_on_error=1")
  alertjoin_set_run(${ARG_NAME} working "")
  if(ARG_LABEL STREQUAL "unit")
    add_dependencies(unit_tests ${ARG_NAME})
  endif()
endfunction()
