#include "broker/core/backup_desk.hpp"

#include <utility>

#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

constexpr std::uint64_t kComeBackAfterMs = 1000;

}  // namespace

void BackupDesk::ask(const Asked& asked, const BackupRequest& request) {
  const auto refuse = [&](const Error& error) { replier_.refuse(asked.from, asked.id(), error); };
  if (queues_.orders == nullptr)
    return refuse(unsupported("op", "this broker keeps no backups: it was started without --backup-dir"));
  if (asker_) return refuse(overloaded("a backup is under way", kComeBackAfterMs));
  const auto place = in_flight_.hold(asked);
  if (!place) return refuse(place.error());
  const bool taken = queues_.orders->try_push(BackupOrder{std::string(request.name)});
  PRISMBUS_ASSERT(taken, "one backup at a time always fits its queue");
  asker_ = Asker{asked.from, asked.id(), *place};
}

std::size_t BackupDesk::take_outcome() {
  if (!asker_) return 0;
  ended_.clear();
  if (queues_.outcomes->drain(ended_) == 0) return 0;
  const Asker asker = std::move(*std::exchange(asker_, std::nullopt));
  in_flight_.release(asker.place);
  if (const BackupOutcome& ended = ended_.front(); ended) {
    replier_.send(asker.to, codec::encode_backup_reply(replier_.head(asker.id),
                                                       {ended->path, ended->bytes, ended->sha256}));
  } else {
    replier_.refuse(asker.to, asker.id, ended.error());
  }
  return 1;
}

void BackupDesk::give_up() {
  if (!asker_) return;
  // A second word finds the queue full at most when the first one is still there.
  [[maybe_unused]] const bool told = queues_.orders->try_push(BackupOrder{});
}

}  // namespace prismbus
