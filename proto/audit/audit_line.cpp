#include "proto/audit/audit_line.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "proto/token/strict_json.hpp"
#include "proto/token/token_text.hpp"
#include "proto/wire/value.hpp"

namespace prismbus {
namespace {

constexpr std::string_view kHashMember = ",\"hash\":\"";
constexpr std::size_t kHashChars = 64;
constexpr std::size_t kHashTail = kHashMember.size() + kHashChars + 2;  // and its quote, and the brace

// How many bytes the character at the start of `text` has, 0 = they are no UTF-8; and which it is.
std::size_t take_character(std::string_view text, char32_t& character) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    character = first;
    return 1;
  }
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  character = first & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    character = (character << 6) | (byte(i) & 0x3fu);
  }
  const bool shortest = character >= (size == 2 ? 0x80u : size == 3 ? 0x800u : 0x10000u);
  const bool valid = shortest && character <= 0x10ffff && (character < 0xd800 || character > 0xdfff);
  return valid ? size : 0;
}

bool is_plain(char32_t c) {
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool separates_lines = c == 0x2028 || c == 0x2029;
  const bool turns_direction = (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return !control && !separates_lines && !turns_direction;
}

void append_text(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    char32_t c = 0xfffd;
    const std::size_t size = take_character(text, c);
    if (size == 0 || !is_plain(c)) {
      out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(size == 0 ? char32_t{0xfffd} : c));
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  out += '"';
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  out += fmt::format(",\"{}\":", name);
  append_text(out, text);
}

void append_list(std::string& out, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  out += fmt::format(",\"{}\":[", name);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += ',';
    append_text(out, texts[i]);
  }
  out += ']';
}

std::optional<std::uint64_t> number_of(const JsonValue& object, std::string_view name) {
  const JsonValue* const member = object.find(name);
  if (member == nullptr || !member->is(JsonValue::Kind::number)) return std::nullopt;
  const std::string_view raw = member->raw();
  std::uint64_t n = 0;
  const auto parsed = std::from_chars(raw.data(), raw.data() + raw.size(), n);
  return parsed.ec == std::errc() && parsed.ptr == raw.data() + raw.size() ? std::optional(n) : std::nullopt;
}

std::optional<std::string> text_of(const JsonValue& object, std::string_view name) {
  const JsonValue* const member = object.find(name);
  if (member == nullptr || !member->is(JsonValue::Kind::text)) return std::nullopt;
  return member->text();
}

}  // namespace

void append_audit_line(std::string& out, const AuditEntry& entry, AuditChain& chain) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(entry.time);
  ++chain.n;
  std::string line =
      fmt::format("{{\"n\":{},\"time\":{},\"utc\":\"{:%FT%TZ}\"", chain.n, to_micros(entry.time),
                  fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)));
  append_member(line, "what", entry.what);
  append_member(line, "by", entry.by);
  append_member(line, "from", entry.from);
  append_member(line, "op", entry.op);
  append_list(line, "ns", entry.ns);
  append_list(line, "keys", entry.keys);
  append_member(line, "code", entry.code);
  append_member(line, "note", entry.note);
  if (entry.times != 1) line += fmt::format(",\"times\":{}", entry.times);
  append_member(line, "prev", chain.hash);
  chain.hash = sha256_hex(line);
  out += line;
  out += kHashMember;
  out += chain.hash;
  out += "\"}\n";
}

Result<AuditLine, std::string> parse_audit_line(std::string_view line) {
  const auto refused = [](std::string_view why) { return tl::unexpected<std::string>(std::string(why)); };
  if (line.size() <= kHashTail) return refused("is not a line of an audit file");
  const std::string_view hashed = line.substr(0, line.size() - kHashTail);
  const auto json = parse_strict_json(line);
  if (!json || !json->is(JsonValue::Kind::object)) return refused("is not a line of an audit file");
  const auto n = number_of(*json, "n"), time = number_of(*json, "time");
  auto what = text_of(*json, "what"), prev = text_of(*json, "prev"), hash = text_of(*json, "hash");
  if (!n || !time || !what || !prev || !hash) return refused("is not a line of an audit file");
  if (line.substr(hashed.size(), kHashMember.size()) != kHashMember || sha256_hex(hashed) != *hash)
    return refused("does not have the hash it tells: it was changed");
  AuditLine out;
  out.chain = {*n, std::move(*hash)};
  out.prev = std::move(*prev);
  AuditRecord& record = out.record;
  record.what = std::move(*what);
  record.time = from_micros(*time);
  record.by = text_of(*json, "by").value_or(std::string());
  record.op = text_of(*json, "op");
  record.note = text_of(*json, "note");
  record.from = text_of(*json, "from");
  record.code = text_of(*json, "code");
  record.times = number_of(*json, "times").value_or(1);
  if (const JsonValue* const ns = json->find("ns"); ns != nullptr) {
    for (const JsonValue& item : ns->items()) {
      if (item.is(JsonValue::Kind::text)) record.ns.push_back(item.text());
    }
  }
  record.line = std::string(line);
  return out;
}

Result<void, std::string> AuditVerifier::read(std::string_view line) {
  const AuditChain before = chain_;
  auto parsed = parse_audit_line(line);
  if (!parsed) {
    ++chain_.n;  // the next one is told apart from it
    return tl::unexpected<std::string>(fmt::format("line {} {}", chain_.n, parsed.error()));
  }
  const bool first = first_ == 0;
  chain_ = parsed->chain;
  if (first) {
    first_ = chain_.n;
    return {};
  }
  if (chain_.n == before.n + 1 && parsed->prev == before.hash) return {};
  return tl::unexpected<std::string>(
      fmt::format("line {} does not continue line {}: lines between them were changed or taken away",
                  chain_.n, before.n));
}

}  // namespace prismbus
