// The one Catch2 main; every test executable links it.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
