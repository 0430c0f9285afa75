#include "subscriber/cache/cache_records.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "proto/base/bytes.hpp"
#include "proto/base/hash.hpp"
#include "proto/wire/names.hpp"
#include "subscriber/cache/cache_fields.hpp"

namespace prismbus::cache {
namespace {

constexpr std::size_t kBeginningBytes = 8 + 4 + 4;  // magic, format, flags
constexpr std::size_t kHeaderFixed = kBeginningBytes + 8 + 2;
constexpr std::uint32_t kSealedFlag = 1;
constexpr std::size_t kBoxHeadBytes = 4;

std::uint64_t link(std::uint64_t before, std::string_view bytes) {
  return xxh3_64(bytes) ^ std::rotl(before, 29);
}

void append_beginning(std::string& out, std::uint32_t flags) {
  out += kMagic;
  append_int(out, kFormat);
  append_int(out, flags);
}

// What the key of a sealed file is derived from.
std::string beginning_of(const Salt& salt) {
  std::string out;
  append_beginning(out, kSealedFlag);
  out.append(salt.data(), salt.size());
  return out;
}

void append_name(std::string& out, const Header& header) {
  append_be64(out, header.epoch.value());
  append_int(out, static_cast<std::uint16_t>(header.ns.size()));
  out += header.ns;
}

Header read_name(Fields& in) {
  Header header;
  header.epoch = Epoch(in.integer<std::uint64_t>());
  const auto size = in.integer<std::uint16_t>();
  header.ns = in.bytes(size);
  return header;
}

bool is_kind(std::uint8_t kind) {
  return kind >= static_cast<std::uint8_t>(Kind::entries) && kind <= static_cast<std::uint8_t>(Kind::end);
}

unexpected<Error> refused(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message));
}

}  // namespace

// ---- writing

Encoder::Encoder(const Chain& chain, const CacheKey* key) : key_(key), chain_(chain) {
  if (key != nullptr) sealer_.emplace(*key, beginning_of(chain.salt), chain.tag);
}

void Encoder::box(std::string_view plain) {
  append_int(bytes, static_cast<std::uint32_t>(plain.size() + kSealedBytes));
  sealer_->seal(plain, bytes);
}

void Encoder::header(const Header& header) {
  if (key_ != nullptr) {
    chain_.salt = random_salt();
    const std::string beginning = beginning_of(chain_.salt);
    sealer_.emplace(*key_, beginning);
    bytes += beginning;
    scratch_.clear();
    append_name(scratch_, header);
    return box(scratch_);
  }
  const std::size_t first = bytes.size();
  append_beginning(bytes, 0);
  append_name(bytes, header);
  chain_.checksum = link(0, std::string_view(bytes).substr(first));
  append_be64(bytes, chain_.checksum);
}

void Encoder::record(Kind kind, std::string_view body) {
  if (sealer_) {
    scratch_.assign(1, static_cast<char>(kind));
    scratch_ += body;
    return box(scratch_);
  }
  const std::size_t first = bytes.size();
  append_int(bytes, static_cast<std::uint32_t>(body.size()));
  bytes.push_back(static_cast<char>(kind));
  bytes += body;
  chain_.checksum = link(chain_.checksum, std::string_view(bytes).substr(first));
  append_be64(bytes, chain_.checksum);
}

Chain Encoder::chain() const {
  Chain out = chain_;
  if (sealer_) out.tag = sealer_->last();
  return out;
}

// ---- reading

bool says_sealed(std::string_view bytes) {
  return bytes.starts_with(beginning_of({}).substr(0, kBeginningBytes));
}

Result<Header> Splitter::header() {
  Fields in(bytes_.substr(at_));
  if (in.bytes(kMagic.size()) != kMagic) return refused("no cache or seed file");
  const auto format = in.integer<std::uint32_t>();
  if (in.ok() && format > kFormat) {
    return fail(ErrorCode::unsupported, "format " + std::to_string(format) +
                                            " of a cache or seed file; format " + std::to_string(kFormat) +
                                            " is known here");
  }
  const auto flags = in.integer<std::uint32_t>();
  if (!in.ok() || format != kFormat || flags > kSealedFlag) return refused("a damaged header");
  const bool sealed = flags == kSealedFlag;
  if (sealed && key_ == nullptr) return refused("it is encrypted, and there is no cache.key_file");
  if (!sealed && key_ != nullptr) return refused("it is not encrypted, and cache.key_file wants it to be");
  auto header = sealed ? sealed_header() : plain_header();
  if (header && !is_namespace(header->ns)) return refused("a damaged header");
  return header;
}

Result<Header> Splitter::plain_header() {
  const std::string_view rest = bytes_.substr(at_);
  Fields in(rest.substr(kBeginningBytes));
  const Header header = read_name(in);
  const std::size_t signed_bytes = kHeaderFixed + header.ns.size();
  const auto checksum = in.integer<std::uint64_t>();
  if (!in.ok() || checksum != link(0, rest.substr(0, signed_bytes))) return refused("a damaged header");
  chain_.checksum = checksum;
  at_ += signed_bytes + kChecksumBytes;
  return header;
}

Result<Header> Splitter::sealed_header() {
  Fields in(bytes_.substr(at_ + kBeginningBytes));
  const std::string_view salt = in.bytes(kSaltBytes);
  if (!in.ok()) return refused("a damaged header");
  std::copy(salt.begin(), salt.end(), chain_.salt.begin());
  const std::string beginning = beginning_of(chain_.salt);
  sealer_.emplace(*key_, beginning);
  at_ += beginning.size();
  if (!open_box(bytes_.substr(at_)))
    return refused("the key in cache.key_file does not open it: another key's, or damaged");
  Fields name(opened_);
  const Header header = read_name(name);
  if (!name.ok() || !name.empty()) return refused("a damaged header");
  return header;
}

bool Splitter::open_box(std::string_view rest) {
  Fields in(rest);
  const auto size = in.integer<std::uint32_t>();
  if (size > kRecordBytesMax + 1 + kSealedBytes) return false;
  const std::string_view sealed = in.bytes(size);
  if (!in.ok() || !sealer_->open(sealed, opened_)) return false;
  chain_.tag = sealer_->last();
  at_ += kBoxHeadBytes + size;
  return true;
}

std::optional<Splitter::Record> Splitter::next() {
  return sealer_ ? sealed_record() : plain_record();
}

std::optional<Splitter::Record> Splitter::plain_record() {
  const std::string_view rest = bytes_.substr(at_);
  Fields in(rest);
  const auto size = in.integer<std::uint32_t>();
  const auto kind = in.integer<std::uint8_t>();
  if (!in.ok() || size > kRecordBytesMax || !is_kind(kind)) return std::nullopt;
  Record record{static_cast<Kind>(kind), in.bytes(size)};
  const auto checksum = in.integer<std::uint64_t>();
  if (!in.ok() || checksum != link(chain_.checksum, rest.substr(0, kRecordHeadBytes + size)))
    return std::nullopt;
  chain_.checksum = checksum;
  at_ += kRecordHeadBytes + size + kChecksumBytes;
  return record;
}

std::optional<Splitter::Record> Splitter::sealed_record() {
  if (!open_box(bytes_.substr(at_))) return std::nullopt;
  const std::string_view opened(opened_);
  if (opened.empty() || !is_kind(static_cast<std::uint8_t>(opened.front()))) return std::nullopt;
  return Record{static_cast<Kind>(opened.front()), opened.substr(1)};
}

}  // namespace prismbus::cache
