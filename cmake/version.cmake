# Writes the source file `output` with the version and the git commit of the sources:
#   cmake -D version=... -D source=... -D output=... -P version.cmake
set(commit unknown)
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${source} rev-parse --show-toplevel
                  OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  file(REAL_PATH ${source} source)
  # An unpacked archive may lie inside of somebody else's repository.
  if(top STREQUAL source)
    execute_process(COMMAND ${GIT} -C ${source} rev-parse --short=12 HEAD
                    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    # What the program is built from, new files included; a changed text or test is no other program.
    execute_process(COMMAND ${GIT} -C ${source} --no-optional-locks status --porcelain
                            -- CMakeLists.txt cmake engine agents envs io
                    OUTPUT_VARIABLE changes)
    if(changes)
      string(APPEND commit "+changes")
    endif()
  endif()
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/version.cpp.in ${output} @ONLY)
