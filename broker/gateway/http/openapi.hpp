// The gateway's interface as an OpenAPI 3.1 document, written from the route table. Pure function.
#pragma once

#include <string>

namespace prismbus {

[[nodiscard]] std::string openapi_text();

}  // namespace prismbus
