// Store::open, in the order that makes a crash at any point harmless: lock, journal (the truth), state
// (derived).
#include "broker/store/store.hpp"

#include <fmt/format.h>

#include "broker/store/directory.hpp"
#include "broker/store/secret_values.hpp"
#include "proto/base/random.hpp"

namespace prismbus {
namespace {

// A state that has to be made again from a journal with history is folded in batches of this many changes, or
// of this much memory: an LMDB transaction holds at most 131 k dirty pages.
constexpr std::size_t kRefoldChanges = 60'000, kRefoldBytes = 64u << 20;

Result<void> check_they_belong(const JournalMeta& journal, const StateMeta& state) {
  if (state.folded > journal.last) {
    return fail(
        ErrorCode::other_history,
        fmt::format("the state is at revision {}, its journal ends at {}: they do not belong together",
                    state.folded.value(), journal.last.value()));
  }
  if (state.folded < journal.floor) {
    return fail(ErrorCode::other_history,
                fmt::format("the state is at revision {}, its journal begins after {}: restore a backup",
                            state.folded.value(), journal.floor.value()));
  }
  return {};
}

Result<State> open_state(const StoreSettings& settings, const Journal& journal) {
  const bool missing = !directory_exists(settings.dir + "/state");
  if (missing && journal.meta().floor != Revision(0)) {
    return fail(ErrorCode::unavailable,
                "the state is missing and the journal was trimmed: restore a backup into an empty directory");
  }
  auto state = State::open(settings.dir, settings.map_bytes, journal.meta().epoch, settings.state_faults);
  if (!state) return state;
  if (missing && journal.meta().last != Revision(0)) {
    if (const auto done = refold(journal, *state); !done) return unexpected<Error>(done.error());
  }
  return state;
}

Result<void> check_vault(const StoreSettings& settings, const JournalMeta& journal) {
  if (journal.sealed_by == 0) return {};
  if (settings.vault == nullptr) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: values of secret namespaces are sealed there: --security DIRECTORY with the "
                            "stream.master {:016x} is needed",
                            settings.dir, journal.sealed_by));
  }
  if (settings.vault->id() == journal.sealed_by) return {};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("{}: values of secret namespaces are sealed under another stream.master", settings.dir));
}

}  // namespace

Result<void> refold(const Journal& journal, State& state) {
  std::vector<TransactionPtr> batch;
  std::size_t changes = 0, bytes = 0;
  std::optional<FoldFailure> failed;
  const auto fold = [&] {
    if (batch.empty() || failed) return;
    if (const auto folded = state.fold(batch, Wall{}); !folded) failed = folded.error();
    batch.clear();
    changes = bytes = 0;
  };
  auto replayed = journal.replay(Revision(0), [&](TransactionPtr txn) {
    if (failed) return;
    changes += txn->change_count();
    bytes += txn->memory_bytes();
    batch.push_back(std::move(txn));
    if (changes >= kRefoldChanges || bytes >= kRefoldBytes) fold();
  });
  if (!replayed) return replayed;
  fold();
  if (failed) {
    return fail(ErrorCode::unavailable,
                "making the state from the journal: " + lmdb::describe(state.last_fault()));
  }
  return {};
}

Result<Store> Store::open(const StoreSettings& settings) {
  auto lock = DirectoryLock::take(settings.dir);
  if (!lock) return unexpected<Error>(lock.error());
  if (directory_exists(settings.dir + "/state") && !directory_exists(settings.dir + "/journal")) {
    // A new journal beside an old state would begin another history over it.
    return fail(ErrorCode::other_history, "the state has no journal beside it: restore a backup");
  }
  auto journal =
      Journal::open(settings.dir, settings.map_bytes, Epoch(random_u64()), settings.journal_faults);
  if (!journal) return unexpected<Error>(journal.error());
  if (const auto fit = check_vault(settings, journal->meta()); !fit) return unexpected<Error>(fit.error());
  auto state = open_state(settings, *journal);
  if (!state) return unexpected<Error>(state.error());
  if (const auto fit = check_they_belong(journal->meta(), state->meta()); !fit)
    return unexpected<Error>(fit.error());

  Store store{std::move(*lock), std::move(*journal), std::move(*state), {}};
  store.journal.use(settings.vault);
  store.state.use(settings.vault);
  store.tail.reserve(store.journal.meta().last.value() - store.state.meta().folded.value());
  const auto replayed = store.journal.replay(
      store.state.meta().folded, [&store](TransactionPtr txn) { store.tail.push_back(std::move(txn)); });
  if (!replayed) return unexpected<Error>(replayed.error());
  for (TransactionPtr& txn : store.tail) {
    auto opened = with_open_values(std::move(txn), settings.vault.get());
    if (!opened) return unexpected<Error>(opened.error());
    txn = std::move(*opened);
  }
  return store;
}

}  // namespace prismbus
