#include "publisher/outbox/three_way_merge.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "proto/wire/codec/cursor.hpp"
#include "proto/wire/codec/writer.hpp"

namespace prismbus {
namespace {

using Members = std::map<std::string_view, std::string_view>;  // encoded key -> encoded value

// nullopt: no map, or one that names a key twice (a broker refuses it): a leaf.
std::optional<Members> members_of(MaybeValue value) {
  if (!value) return std::nullopt;
  codec::Cursor in(*value);
  std::uint32_t pairs = 0;
  if (!in.read_map(pairs)) return std::nullopt;
  Members out;
  for (std::uint32_t i = 0; i < pairs; ++i) {
    const auto key = in.take();
    const auto member = in.take();
    if (member.empty() || !out.emplace(key, member).second) return std::nullopt;
  }
  return in.at_end() ? std::optional(std::move(out)) : std::nullopt;
}

// The keys of a map as written.
std::vector<std::string_view> keys_in_order(std::string_view value) {
  codec::Cursor in(value);
  std::uint32_t pairs = 0;
  std::vector<std::string_view> out;
  if (!in.read_map(pairs)) return out;
  for (std::uint32_t i = 0; i < pairs; ++i) {
    out.push_back(in.take());
    if (!in.skip()) break;
  }
  return out;
}

MaybeValue find(const Members& members, std::string_view key) {
  const auto found = members.find(key);
  return found == members.end() ? MaybeValue() : MaybeValue(found->second);
}

void append_to_path(std::string& path, std::string_view encoded_key) {
  path += '/';
  codec::Cursor in(encoded_key);
  std::string_view text;
  std::uint64_t number = 0;
  if (in.read_text(text)) {
    for (const char c : text) c == '~' ? path += "~0" : c == '/' ? path += "~1" : path += c;
  } else if (in.read_uint(number)) {
    path += std::to_string(number);
  } else {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (const char c : encoded_key) {
      path += kDigits[static_cast<unsigned char>(c) >> 4];
      path += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
}

class Merge {
 public:
  explicit Merge(const LeafResolver& resolver) : resolver_(resolver) {}

  std::optional<std::string> node(std::string& path, MaybeValue base, MaybeValue ours, MaybeValue theirs) {
    if (ours == theirs || base == theirs) return owned(ours);
    if (base == ours) return owned(theirs);
    const auto our_members = members_of(ours), their_members = members_of(theirs);
    // Two maps made where there was nothing grew from the empty map.
    const auto base_members = base ? members_of(base) : std::optional(Members());
    if (our_members && their_members && base_members) {
      return map(path, base, *base_members, *our_members, *their_members);
    }
    return leaf({path, base, ours, theirs});
  }

  std::vector<std::string> unresolved;

 private:
  static std::optional<std::string> owned(MaybeValue value) {
    return value ? std::optional(std::string(*value)) : std::nullopt;
  }

  std::optional<std::string> leaf(const LeafConflict& conflict) {
    LeafChoice choice = resolver_ ? resolver_(conflict) : LeafChoice{};
    switch (choice.take) {
      case LeafChoice::Take::ours:
        return owned(conflict.ours);
      case LeafChoice::Take::theirs:
        return owned(conflict.theirs);
      case LeafChoice::Take::value:
        return std::move(choice.value);
      case LeafChoice::Take::report:
        break;
    }
    unresolved.push_back(conflict.path);
    return owned(conflict.theirs);
  }

  // Keys of the base in its order, then the new ones by their bytes: the same whichever side is called ours.
  std::optional<std::string> map(std::string& path, MaybeValue base, const Members& base_members,
                                 const Members& ours, const Members& theirs) {
    std::vector<std::string_view> keys;
    if (base) keys = keys_in_order(*base);
    Members fresh = ours;
    fresh.insert(theirs.begin(), theirs.end());
    for (const auto& [key, value] : fresh) {
      if (!base_members.contains(key)) keys.push_back(key);
    }
    std::string body;
    std::uint32_t pairs = 0;
    for (const auto key : keys) {
      const std::size_t length = path.size();
      append_to_path(path, key);
      const auto member = node(path, find(base_members, key), find(ours, key), find(theirs, key));
      path.resize(length);
      if (!member) continue;
      ++pairs;
      body.append(key).append(*member);
    }
    std::string out;
    codec::Writer(out).map(pairs);
    return out + body;
  }

  const LeafResolver& resolver_;
};

}  // namespace

Merged three_way_merge(MaybeValue base, MaybeValue ours, MaybeValue theirs, const LeafResolver& resolver) {
  Merge merge(resolver);
  Merged out;
  std::string path;
  out.value = merge.node(path, base, ours, theirs);
  out.unresolved = std::move(merge.unresolved);
  return out;
}

}  // namespace prismbus
