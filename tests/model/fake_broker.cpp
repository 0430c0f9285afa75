#include "tests/model/fake_broker.hpp"

#include <cerrno>
#include <stdexcept>

namespace prismbus::model {
namespace {

Store open_store(const FakeBrokerSettings& settings, FakeDisk& journal, FakeDisk& state) {
  auto store = Store::open({settings.dir, settings.map_bytes, &journal, &state});
  if (!store) throw std::runtime_error("the store does not open: " + store.error().message);
  return std::move(*store);
}

LocalSequencerSettings sequencer_settings(const PipelineSettings& settings) {
  return {settings.batch_bytes_max, settings.batch_txns_max, settings.pending_bytes_max,
          settings.no_space_probe};
}

void ignore_log(LogLevel, std::string_view) {}

}  // namespace

int FakeDisk::at(Point point) {
  int code = 0;
  switch (mood) {
    case Mood::sound:
      break;
    case Mood::full:
      code = point == Point::put ? ENOSPC : 0;
      break;
    case Mood::full_at_commit:
      code = point == Point::commit ? ENOSPC : 0;
      break;
    case Mood::broken:
      code = point == Point::commit ? EROFS : 0;
      break;
    case Mood::unknown:
      code = point == Point::commit_unknown ? EROFS : 0;
      break;
  }
  if (code != 0) ++hits;
  return code;
}

FakeBroker::FakeBroker(const FakeBrokerSettings& settings, FakeDisk& journal_disk, FakeDisk& state_disk,
                       ReplySink& replies, Feed& feed, Authoriser* who_asks)
    : store(open_store(settings, journal_disk, state_disk)),
      to_fold(4, nullptr),
      to_reader(settings.read_queue, nullptr),
      from_reader(settings.read_queue, nullptr),
      journal(store.journal, to_journal, from_journal, {to_trim, trim_gate}),
      fold(store.state, settings.fold, to_fold, from_fold),
      reader({!settings.pipeline.express.empty()}, store, to_reader, from_reader),
      backup(store, settings.backup, trim_gate, to_backup, from_backup),
      sequencer(sequencer_settings(settings.pipeline), store.journal.meta().last, to_journal, from_journal,
                ignore_log),
      pipeline(settings.pipeline, store, sequencer,
               {to_fold,
                from_fold,
                to_trim,
                to_reader,
                from_reader,
                {&to_backup, &from_backup},
                {},
                nullptr,
                settings.live},
               replies, feed, who_asks != nullptr ? *who_asks : everybody, ignore_log) {}

FakeBroker::~FakeBroker() = default;

}  // namespace prismbus::model
