#include "broker/store/backup_format.hpp"

#include "broker/store/journal_record.hpp"
#include "broker/store/record_bytes.hpp"
#include "proto/base/hash.hpp"

namespace prismbus {
namespace {

Result<void> refuse_format(const char* what, std::uint64_t found, std::uint64_t known) {
  if (found == known) return {};
  return fail(ErrorCode::unsupported, std::string("the backup has ") + what + " " + std::to_string(found) +
                                          ", this program reads " + what + " " + std::to_string(known));
}

}  // namespace

std::string_view name_of(BackupTable table) {
  switch (table) {
    case BackupTable::state_meta:
      return "state meta";
    case BackupTable::head:
      return "head";
    case BackupTable::deleted:
      return "deleted";
    case BackupTable::history:
      return "history";
    case BackupTable::changesets:
      return "changesets";
    case BackupTable::namespaces:
      return "namespaces";
    case BackupTable::sessions:
      return "sessions";
    case BackupTable::journal_meta:
      return "journal meta";
    case BackupTable::log:
      break;
  }
  return "journal";
}

void append_backup_header(std::string& out, const BackupHeader& header) {
  const std::size_t begin = out.size();
  out.append(kBackupMagic);
  append_be64(out, kBackupFormat);
  append_be64(out, header.disk_format);
  append_be64(out, header.epoch.value());
  append_be64(out, header.folded.value());
  append_be64(out, header.state_floor.value());
  append_be64(out, header.floor.value());
  append_be64(out, header.last.value());
  append_be64(out, to_micros(header.time));
  append_be64(out, xxh3_64(std::string_view(out).substr(begin)));
}

Result<BackupHeader> decode_backup_header(std::string_view bytes) {
  if (!bytes.starts_with(kBackupMagic)) return fail(ErrorCode::invalid_argument, "not a prismbus backup");
  RecordReader in(bytes.substr(kBackupMagic.size()));
  const std::uint64_t format = in.be64();
  if (!in.ok()) return fail(ErrorCode::internal, "the backup's header is cut short");
  if (const auto known = refuse_format("format", format, kBackupFormat); !known)
    return unexpected<Error>(known.error());
  BackupHeader header;
  header.disk_format = in.be64();
  header.epoch = Epoch(in.be64());
  header.folded = Revision(in.be64());
  header.state_floor = Revision(in.be64());
  header.floor = Revision(in.be64());
  header.last = Revision(in.be64());
  header.time = in.time();
  const std::uint64_t checksum = in.be64();
  if (!in.ok() || checksum != xxh3_64(bytes.substr(0, kBackupHeaderBytes - kChecksumBytes))) {
    return fail(ErrorCode::internal, "the backup's header is damaged: checksum does not match");
  }
  if (const auto known = refuse_format("disk format", header.disk_format, kDiskFormat); !known)
    return unexpected<Error>(known.error());
  return header;
}

void append_backup_record(std::string& out, BackupTable table, std::string_view key, std::string_view value) {
  append_u8(out, static_cast<std::uint8_t>(table));
  append_be16(out, static_cast<std::uint16_t>(key.size()));
  append_be32(out, static_cast<std::uint32_t>(value.size()));
  out.append(key).append(value);
}

BackupRecordHead decode_backup_record_head(std::string_view bytes) {
  RecordReader in(bytes);
  BackupRecordHead head;
  head.table = in.u8();
  head.key_size = in.be16();
  head.value_size = in.be32();
  return head;
}

void append_backup_end(std::string& out, const BackupCounts& counts) {
  append_u8(out, kBackupEnd);
  for (const std::uint64_t count : counts) append_be64(out, count);
}

BackupCounts decode_backup_counts(std::string_view bytes) {
  RecordReader in(bytes);
  BackupCounts counts{};
  for (std::uint64_t& count : counts) count = in.be64();
  return counts;
}

}  // namespace prismbus
