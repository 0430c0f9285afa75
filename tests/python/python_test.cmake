# prismbus_python_test(kind file LABELS ... [PROGRAMS ...] [ENV ...] [TIMEOUT s] [SERIAL] [ARGS ...]): one Python file =
# one test named <kind>.<file without _test>. It finds the executables through PRISMBUS_BIN and always runs under
# /usr/bin/python3, where Debian puts the modules of tests/packages.test. PROGRAMS: the targets it starts beside prismbusd
# and prismbus; tests/selected_targets.py reads them from the test's required files.
function(prismbus_python_test kind file)
  cmake_parse_arguments(T "SERIAL" "TIMEOUT" "LABELS;PROGRAMS;ENV;ARGS" ${ARGN})
  string(REGEX REPLACE "_test\\.py$" "" name ${file})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300)
  endif()
  add_test(NAME ${kind}.${name} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/${file} ${T_ARGS})
  set_tests_properties(${kind}.${name} PROPERTIES LABELS "${T_LABELS}" TIMEOUT ${T_TIMEOUT}
    ENVIRONMENT "PRISMBUS_BIN=${CMAKE_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1;PYTHONUNBUFFERED=1;${T_ENV}")
  set(programs prismbusd prismbus ${T_PROGRAMS})
  list(TRANSFORM programs PREPEND ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/)
  set_tests_properties(${kind}.${name} PROPERTIES REQUIRED_FILES "${programs}")
  if(T_SERIAL)
    set_tests_properties(${kind}.${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()
