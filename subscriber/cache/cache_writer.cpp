#include "subscriber/cache/cache_writer.hpp"

#include <algorithm>
#include <utility>

namespace prismbus {
namespace {

constexpr std::uint64_t kStepsBytesMin = 1u << 20;  // steps up to here are kept whatever the picture's size
constexpr std::size_t kWriteBytes = 1u << 20;

}  // namespace

void CacheWriter::adopt(const cache::Loaded& loaded) {
  if (!loaded.whole) return;
  files_[loaded.ns] = {loaded.epoch, loaded.copy.seq, loaded.good_bytes, loaded.picture_bytes, loaded.chain};
}

Result<CacheWriter::Draft> CacheWriter::draft(Epoch epoch, std::string_view ns,
                                              const Hamt<EntryLeaf>& entries, const cache::Mark& mark) {
  auto file = directory_->begin();
  if (!file) return unexpected<Error>(file.error());
  cache::Encoder out(key_);
  out.header({epoch, ns});
  std::uint64_t size = 0;
  Result<void> written;
  const auto flush = [&](std::size_t least) {
    if (out.bytes.size() < least || !written) return;
    size += out.bytes.size();
    written = size > cache::kFileBytesMax
                  ? Result<void>(unexpected<Error>(over_limit(
                        "cache", "the namespace is too large to be cached", cache::kFileBytesMax, size)))
                  : CacheDirectory::write(*file, out.bytes);
    out.bytes.clear();
  };
  std::string body;
  const auto end_record = [&] {
    out.record(cache::Kind::entries, body);
    body.clear();
    flush(kWriteBytes);
  };
  entries.for_each([&](const EntryLeaf& leaf) {
    if (!written) return;
    cache::append_entry(body, leaf);
    if (body.size() >= cache::kEntriesBytes) end_record();
  });
  if (!body.empty()) end_record();
  body.clear();
  cache::append_state(body, mark, entries.size());
  out.record(cache::Kind::state, body);
  flush(0);
  if (!written) {
    directory_->discard();
    return unexpected<Error>(written.error());
  }
  return Draft{std::string(ns), std::move(*file), {epoch, mark.seq, size, size, out.chain()}};
}

Result<void> CacheWriter::finish(Draft draft) {
  if (auto published = directory_->publish(draft.handle, cache_file_name(draft.ns)); !published) {
    directory_->discard();
    return published;
  }
  files_[draft.ns] = draft.file;
  return {};
}

Result<bool> CacheWriter::append(std::string_view ns, const std::vector<CacheStep>& steps) {
  const auto found = files_.find(ns);
  if (found == files_.end()) return false;
  File& file = found->second;
  cache::Encoder out(file.chain, key_);
  Seq seq = file.seq;
  for (const CacheStep& step : steps) {
    if (step.epoch != file.epoch) return false;
    if (step.seen) {
      if (step.seq == seq) out.record(cache::Kind::seen, step.body);
      continue;
    }
    if (step.seq <= seq) continue;
    if (step.seq != seq.next()) return false;
    out.record(cache::Kind::changes, step.body);
    seq = step.seq;
  }
  if (out.bytes.empty()) return true;
  const std::uint64_t size = file.size + out.bytes.size();
  if (size - file.picture_bytes > std::max(file.picture_bytes, kStepsBytesMin) ||
      size > cache::kFileBytesMax) {
    return false;
  }
  if (auto appended = directory_->append(cache_file_name(ns), file.size, out.bytes); !appended) {
    files_.erase(found);
    if (appended.error().code == ErrorCode::not_found) return false;
    return unexpected<Error>(appended.error());
  }
  file.size = size;
  file.seq = seq;
  file.chain = out.chain();
  return true;
}

void CacheWriter::remove(std::string_view ns) {
  if (const auto found = files_.find(ns); found != files_.end()) files_.erase(found);
  directory_->remove(cache_file_name(ns));
}

}  // namespace prismbus
