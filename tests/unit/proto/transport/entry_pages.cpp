#include "tests/unit/proto/transport/entry_pages.hpp"

#include "proto/wire/codec/writer.hpp"

namespace prismbus {

EntryView entry_of(std::string_view ns, std::string_view key, std::string_view value, Revision rev) {
  return {ns, key, value, rev, rev, 1, from_micros(1'000'000), "anonymous"};
}

std::string entries_reply(const codec::ReplyHead& head, const std::vector<std::optional<EntryView>>& entries,
                          std::optional<std::string_view> after) {
  std::string out = codec::begin_reply(head, after ? 3 : 2);
  codec::Writer writer(out);
  writer.name("entries");
  writer.array(static_cast<std::uint32_t>(entries.size()));
  for (const auto& entry : entries) {
    entry ? codec::encode_entry(writer, *entry) : writer.nil();
  }
  writer.field("more", after.has_value());
  if (after) {
    writer.name("after");
    writer.bin(*after);
  }
  return out;
}

}  // namespace prismbus
