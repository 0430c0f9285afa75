#include "broker/gateway/http/entity_tag.hpp"

#include <fmt/format.h>

#include "broker/gateway/http/http_text.hpp"
#include "broker/gateway/http/number_text.hpp"

namespace prismbus {

std::string entity_tag_text(const EntityTag& tag) {
  return fmt::format("\"{}-{}\"", hex_text(tag.epoch.value()), tag.rev.value());
}

std::optional<EntityTag> parse_entity_tag(std::string_view text) {
  if (text.size() < kHexDigits + 4 || text.front() != '"' || text.back() != '"') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  const auto epoch = parse_hex(text.substr(0, kHexDigits));
  const auto rev = parse_decimal(text.substr(kHexDigits + 1));
  if (!epoch || text[kHexDigits] != '-' || !rev || *rev == 0) return std::nullopt;
  return EntityTag{Epoch(*epoch), Revision(*rev)};
}

bool has_already(const HttpRequest& request, const EntityTag& tag) {
  return has_already(request, entity_tag_text(tag));
}

bool has_already(const HttpRequest& request, std::string_view tag) {
  const std::string* header = request.header("if-none-match");
  if (header == nullptr) return false;
  std::string_view left = *header;
  for (;;) {
    const std::size_t comma = left.find(',');
    std::string_view one = trimmed(left.substr(0, comma));
    if (one == "*") return true;
    if (one.starts_with("W/")) one.remove_prefix(2);  // a GET compares weakly
    if (one == tag) return true;
    if (comma == std::string_view::npos) return false;
    left.remove_prefix(comma + 1);
  }
}

Result<Precondition> precondition_of(const HttpRequest& request) {
  const std::string* match = request.header("if-match");
  const std::string* none = request.header("if-none-match");
  if (match != nullptr && none != nullptr) return fail_field("If-None-Match", "not together with If-Match");
  if (none != nullptr) {
    if (trimmed(*none) != "*") return fail_field("If-None-Match", "only * with a write");
    return Precondition{Precondition::What::absent};
  }
  if (match == nullptr) return Precondition{};
  if (trimmed(*match) == "*") return Precondition{Precondition::What::present};
  const auto tag = parse_entity_tag(trimmed(*match));
  if (!tag) return fail_field("If-Match", "is neither * nor an ETag of this broker");
  return Precondition{Precondition::What::exactly, *tag};
}

}  // namespace prismbus
