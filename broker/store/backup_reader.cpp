#include "broker/store/backup_reader.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "broker/store/backup_file.hpp"
#include "broker/store/disk_keys.hpp"
#include "broker/store/journal_record.hpp"
#include "broker/store/record_bytes.hpp"
#include "broker/store/state_record.hpp"

namespace prismbus {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

struct BackupReader::Impl {
  Impl(std::string name, std::FILE* opened, std::uint64_t bytes)
      : path(std::move(name)), file(opened), left(bytes), size(bytes) {}

  // Exactly `n` bytes to the end of `out`, hashed; false when the file has not as many.
  bool read(std::string& out, std::size_t n) {
    if (n > left) return false;
    const std::size_t begin = out.size();
    out.resize(begin + n);
    if (std::fread(out.data() + begin, 1, n, file.get()) != n) return false;
    left -= n;
    hash.update(std::string_view(out).substr(begin));
    return true;
  }

  Result<void> read_header() {
    std::string bytes;
    if (!read(bytes, std::min<std::uint64_t>(kBackupHeaderBytes, left))) return cut_short();
    auto decoded = decode_backup_header(bytes);
    if (!decoded) return unexpected<Error>(in_context(path, decoded.error()));
    header = *decoded;
    next_rev = header.floor.next();
    return {};
  }

  Result<std::optional<BackupRecord>> next() {
    ++number;
    record.clear();
    if (!read(record, 1)) return cut_short();
    if (static_cast<std::uint8_t>(record[0]) == kBackupEnd) return read_end();
    if (!read(record, kBackupRecordHead - 1)) return cut_short();
    const BackupRecordHead head = decode_backup_record_head(record);
    if (head.table < 1 || head.table > kBackupTables) return wrong("is of no known table");
    if (!read(record, std::size_t{head.key_size} + head.value_size)) return cut_short();
    const auto table = static_cast<BackupTable>(head.table);
    const std::string_view body = std::string_view(record).substr(kBackupRecordHead);
    const BackupRecord out{table, body.substr(0, head.key_size), body.substr(head.key_size)};
    if (const auto sound = check(out); !sound) return unexpected<Error>(sound.error());
    ++counts[head.table - 1U];
    last_table = head.table;
    last_key = out.key;
    return std::optional<BackupRecord>(out);
  }

  Result<void> check(const BackupRecord& at) {
    const auto table = static_cast<std::uint8_t>(at.table);
    if (table < last_table || (table == last_table && at.key <= last_key)) return wrong("is out of order");
    if (!open_record(at.key, at.value)) {
      return wrong(damaged_record(name_of(at.table), at.key).message);
    }
    if (at.table == BackupTable::journal_meta) return check_journal_meta(at.value);
    if (at.table == BackupTable::state_meta) return check_state_meta(at.value);
    if (at.table == BackupTable::log) return check_journal_record(at);
    return {};
  }

  Result<void> check_journal_meta(std::string_view value) {
    const auto meta = decode_journal_meta(value);
    if (!meta) return wrong(meta.error().message);
    if (meta->epoch != header.epoch || meta->floor != header.floor || meta->last != header.last) {
      return wrong("(journal meta) differs from the header");
    }
    chain = meta->hash_at_floor;
    sealed_by = meta->sealed_by;
    return {};
  }

  Result<void> check_state_meta(std::string_view value) const {
    const auto meta = decode_state_meta(value);
    if (!meta) return wrong(meta.error().message);
    if (meta->epoch != header.epoch || meta->folded != header.folded || meta->floor != header.state_floor) {
      return wrong("(state meta) differs from the header");
    }
    return {};
  }

  Result<void> check_journal_record(const BackupRecord& at) {
    if (decode_log_key(at.key) != next_rev) return wrong("is not the journal's next revision");
    const auto decoded = decode_journal_record(at.value, next_rev);
    if (!decoded) return wrong(decoded.error().message);
    if (decoded->previous != chain) {
      return wrong("(journal record " + std::to_string(next_rev.value()) +
                   ") does not follow the record before it");
    }
    chain = chain_hash(at.value);
    next_rev = next_rev.next();
    return {};
  }

  Result<std::optional<BackupRecord>> read_end() {
    record.clear();
    if (!read(record, kBackupEndBytes - 1 - kSha256Bytes)) return cut_short();
    const std::string expected = hash.digest();
    if (decode_backup_counts(record) != counts) return wrong("(the end) counts other records");
    record.clear();
    if (!read(record, kSha256Bytes)) return cut_short();
    if (record != expected) return wrong("(the end) carries another hash: a byte of the file changed");
    if (left != 0) return wrong("(the end) is followed by more bytes");
    if (counts[0] != 1 || counts[static_cast<std::size_t>(BackupTable::journal_meta) - 1] != 1 ||
        next_rev != header.last.next()) {
      return wrong("(the end) comes before the last revision");
    }
    return std::optional<BackupRecord>();
  }

  [[nodiscard]] unexpected<Error> wrong(std::string_view what) const {
    return fail(ErrorCode::internal, path + ": record " + std::to_string(number) + " " + std::string(what));
  }
  [[nodiscard]] unexpected<Error> cut_short() const {
    return fail(ErrorCode::internal,
                path + ": cut short: ends in record " + std::to_string(number) + " and has no end marker");
  }

  const std::string path;
  std::unique_ptr<std::FILE, CloseFile> file;
  std::uint64_t left, size;
  Sha256 hash;
  BackupHeader header;
  BackupCounts counts{};
  std::uint64_t number = 0;  // of the record being read, the header is 0
  std::string record, last_key;
  std::uint8_t last_table = 0;
  Revision next_rev;
  Hash128 chain;
  std::uint64_t sealed_by = 0;
};

Result<BackupReader> BackupReader::open(const std::string& path) {
  const auto failed = [&path] { return fail(ErrorCode::unavailable, path + ": " + std::strerror(errno)); };
  std::FILE* const file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) return failed();
  struct stat status {};
  if (::fstat(::fileno(file), &status) != 0 || !S_ISREG(status.st_mode)) {
    std::fclose(file);
    return fail(ErrorCode::unavailable, path + ": not a file");
  }
  auto impl = std::make_unique<Impl>(path, file, static_cast<std::uint64_t>(status.st_size));
  if (const auto read = impl->read_header(); !read) return unexpected<Error>(read.error());
  return BackupReader(std::move(impl));
}

BackupReader::BackupReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BackupReader::~BackupReader() = default;
BackupReader::BackupReader(BackupReader&&) noexcept = default;
BackupReader& BackupReader::operator=(BackupReader&&) noexcept = default;
const BackupHeader& BackupReader::header() const {
  return impl_->header;
}
const BackupCounts& BackupReader::counts() const {
  return impl_->counts;
}
std::uint64_t BackupReader::file_bytes() const {
  return impl_->size;
}
std::uint64_t BackupReader::sealed_by() const {
  return impl_->sealed_by;
}
Result<std::optional<BackupRecord>> BackupReader::next() {
  return impl_->next();
}

Result<BackupReport> verify_backup(const std::string& path) {
  auto reader = BackupReader::open(path);
  if (!reader) return unexpected<Error>(reader.error());
  for (;;) {
    const auto record = reader->next();
    if (!record) return unexpected<Error>(record.error());
    if (!*record)
      return BackupReport{reader->header(), reader->counts(), reader->file_bytes(), reader->sealed_by()};
  }
}

}  // namespace prismbus
