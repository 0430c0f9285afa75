#include "subscriber/cache/seed_file.hpp"

#include <fcntl.h>

#include <set>
#include <utility>

#include "subscriber/cache/trusted_file.hpp"

namespace prismbus {
namespace {

void free_all(std::vector<cache::Loaded>& all) {
  Garbage garbage;
  for (cache::Loaded& one : all) one.copy.entries.retire(garbage);
  garbage.release_all();
  all.clear();
}

}  // namespace

Result<std::vector<cache::Loaded>> load_seed(const std::string& path, const FollowSet& follow) {
  const auto bytes = read_trusted_file(AT_FDCWD, path, cache::kFileBytesMax);
  if (!bytes) return unexpected<Error>(in_context("the seed file", bytes.error()));
  std::vector<cache::Loaded> out;
  std::set<std::string> names;
  std::optional<Epoch> epoch;
  std::string_view rest(*bytes);
  const auto refuse = [&](Error why) -> Result<std::vector<cache::Loaded>> {
    free_all(out);
    return unexpected<Error>(in_context("the seed file " + path, std::move(why)));
  };
  while (!rest.empty()) {
    auto section = cache::load(rest);
    if (!section) return refuse(section.error());
    const bool twice = !names.insert(section->ns).second;
    const bool fits = section->whole && !twice && epoch.value_or(section->epoch) == section->epoch;
    const std::string ns = section->ns;
    rest.remove_prefix(section->good_bytes);
    epoch = section->epoch;
    out.push_back(std::move(*section));
    if (!fits)
      return refuse(
          error_of(ErrorCode::invalid_argument, ns + " is damaged, named twice, or of another history"));
    if (follow.covers(ns)) continue;
    std::vector<cache::Loaded> unwanted;
    unwanted.push_back(std::move(out.back()));
    out.pop_back();
    free_all(unwanted);
  }
  return out;
}

SeedSection::SeedSection(std::string& out, Epoch epoch, std::string_view ns) : out_(&out) {
  encoder_.header({epoch, ns});
}

void SeedSection::flush() {
  encoder_.record(cache::Kind::entries, body_);
  body_.clear();
}

void SeedSection::add(std::string_view key, std::string_view value, Revision rev, std::uint64_t version,
                      Wall time) {
  cache::append_entry(body_, key, value, rev, version, time);
  ++keys_;
  hash_ += entry_hash(key, rev);
  if (body_.size() >= cache::kEntriesBytes) flush();
}

void SeedSection::end(cache::Mark mark) {
  if (!body_.empty()) flush();
  mark.hash = hash_;
  cache::append_state(body_, mark, keys_);
  encoder_.record(cache::Kind::state, body_);
  encoder_.record(cache::Kind::end, {});
  *out_ += encoder_.bytes;
}

}  // namespace prismbus
