# Writes the header ${OUT} with what git says of ${SOURCE}, and touches it only when that changed.
# Run by `cmake -P` at every build. Without git or a repository everything is "unknown".
cmake_minimum_required(VERSION 3.25)
find_program(GIT git)
set(REVISION unknown)
set(BRANCH unknown)
set(DATE unknown)

function(ask result)
  set(answer "")
  if(GIT)
    execute_process(COMMAND "${GIT}" -C "${SOURCE}" ${ARGN}
      OUTPUT_VARIABLE answer RESULT_VARIABLE failed ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(failed)
      set(answer "")
    endif()
  endif()
  set(${result} "${answer}" PARENT_SCOPE)
endfunction()

# A repository that merely contains the sources tells nothing of them.
ask(top rev-parse --show-toplevel)
file(REAL_PATH "${SOURCE}" source)
if(top STREQUAL source)
  ask(revision rev-parse HEAD)
  ask(branch rev-parse --abbrev-ref HEAD)
  ask(epoch log -1 --format=%ct)
  ask(changed status --porcelain --untracked-files=no)
  if(revision)
    set(REVISION "${revision}")
    set(BRANCH "${branch}")
  endif()
  if(changed)
    string(APPEND REVISION "-modified")
  endif()
endif()
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  set(epoch "$ENV{SOURCE_DATE_EPOCH}")
endif()
if(epoch MATCHES "^[0-9]+$")
  set(ENV{SOURCE_DATE_EPOCH} "${epoch}")
  string(TIMESTAMP DATE "%Y%m%d-%H:%M:%S" UTC)
endif()
file(CONFIGURE OUTPUT "${OUT}" CONTENT "#pragma once
#define ALERTJOIN_REVISION \"@REVISION@\"
#define ALERTJOIN_BRANCH \"@BRANCH@\"
#define ALERTJOIN_DATE \"@DATE@\"
" @ONLY)
