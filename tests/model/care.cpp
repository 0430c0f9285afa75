#include "tests/model/care.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "broker/store/backup_reader.hpp"
#include "broker/store/restore.hpp"

namespace prismbus::model {
namespace {

constexpr std::size_t kKept = 3;  // backups; an older one is removed

std::string sha256_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Sha256 hash;
  std::string bytes(64u << 10, '\0');
  while (file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())) || file.gcount() > 0)
    hash.update(std::string_view(bytes).substr(0, static_cast<std::size_t>(file.gcount())));
  return hex_text(hash.digest());
}

}  // namespace

bool Care::has(const std::string& name) const {
  return std::any_of(kept_.begin(), kept_.end(), [&name](const Kept& kept) { return kept.name == name; });
}

void Care::send_backup() {
  std::string name = "b" + std::to_string(++names_);
  if (!kept_.empty() && world_.chance(10)) name = kept_.back().name;
  if (world_.chance(40)) name = "../b";
  if (world_.chance(8)) {  // what a broker that was killed left behind
    std::filesystem::create_directories(world_.settings.backup.dir);
    std::ofstream(world_.settings.backup.dir + "/." + name + ".partial") << std::string(5000, 'x');
  }
  Ask ask;
  ask.what = "backup";
  ask.is_backup = true;
  ask.check = [this, name](const Ask& asked, const ReplyHeader& header) { check(name, asked, header); };
  world_.send({{}, {}, {}, BackupRequest{name}}, std::move(ask));
}

void Care::step() {
  FakeBroker& broker = *world_.broker;
  broker.backup.step(world_.now);
  if (!broker.trim_gate.closed()) {
    late_trim_ = false;
  } else if (!late_trim_ && world_.chance(4)) {
    // One that was under way when the gate closed.
    broker.trim_gate.open();
    late_trim_ = broker.journal.step(world_.now) > 0;
    broker.trim_gate.close();
  }
}

void Care::check(const std::string& name, const Ask& ask, const ReplyHeader& header) {
  if (header.error) return check_refusal(name, *header.error);
  const auto reply = codec::decode_backup_reply(header);
  demand(reply && reply->path == path_of(name), "a backup's reply names its file");
  const auto report = verify_backup(reply->path);
  demand(report.has_value(), "a backup that was answered is whole");
  demand(report->bytes == reply->bytes && sha256_of(reply->path) == reply->sha256,
         "a backup's reply tells its size and hash");
  demand(report->header.epoch == world_.epoch, "a backup names its history");
  const std::uint64_t last = report->header.last.value();
  demand(last >= ask.last_when_sent, "I9: a backup holds what was acknowledged when it was asked for");
  demand(report->header.last <= world_.broker->store.journal.meta().last,
         "I2: a backup holds what is durable and nothing else");
  demand(!world_.broker->trim_gate.closed(), "retention goes on after a backup");
  world_.trace("  backup " + name + " of revision " + std::to_string(last));
  ++backups;
  if (kept_.size() == kKept) {
    std::filesystem::remove(path_of(kept_.front().name));
    kept_.erase(kept_.begin());
  }
  kept_.push_back({name, last, nullptr});
}

void Care::check_refusal(const std::string& name, const Error& error) const {
  if (error.code == ErrorCode::invalid_argument)
    return demand(has(name) || name == "../b", "a backup is refused for its name only");
  demand(error.code != ErrorCode::compacted, "a backup holds retention back");
}

void Care::restore_under_broker() const {
  if (kept_.empty()) return;
  const auto restored =
      restore_backup({path_of(kept_.front().name), world_.settings.dir, true}, world_.now.wall);
  demand(!restored && restored.error().code == ErrorCode::unavailable,
         "nothing is restored over the data of a broker that runs");
}

void Care::restore() {
  const std::string& data = world_.settings.dir;
  Kept& kept = kept_[world_.pick(kept_.size())];
  const auto ended = std::make_shared<const Model>(world_.model);
  for (Kept& each : kept_) {
    if (each.model == nullptr) each.model = ended;
  }
  const bool replace = world_.chance(2);
  if (!replace) std::filesystem::remove_all(data);
  const auto restored = restore_backup({path_of(kept.name), data, replace}, world_.now.wall);
  demand(restored.has_value(), "a whole backup can be restored");
  demand(restored->backup.last.value() == kept.last && restored->audit.last.value() == kept.last,
         "what is restored ends where the backup does");
  if (replace) std::filesystem::remove_all(restored->put_by);
  world_.trace("--- restored " + kept.name + " of revision " + std::to_string(kept.last));
  world_.begin_history(restored->epoch);
  world_.model = *kept.model;
  world_.model.go_back(kept.last);
  kept.model = nullptr;  // of the history that goes on now
  ++restores;
}

void Care::rebuild() {
  world_.trace("--- rebuild");
  const auto sound = rebuild_state(world_.settings.dir, world_.settings.map_bytes);
  rebuilt_ = sound.has_value();
  if (rebuilt_) {
    ++rebuilds;
    return;
  }
  demand(sound.error().code == ErrorCode::unavailable, "a rebuild that is refused changes nothing");
  ++refused_rebuilds;
}

void Care::check_rebuilt() const {
  demand(rebuilt_ == (world_.broker->store.journal.meta().floor == Revision(0)),
         "a rebuild is refused when the journal was trimmed, and only then");
}

}  // namespace prismbus::model
