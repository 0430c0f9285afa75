// The subscriber library from a decoded change set to what the application reads, without sockets: the
// machine that applies, the picture, the handles. feed() is what its background thread does for one change.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "subscriber/delivery/bindings.hpp"
#include "subscriber/handle.hpp"
#include "subscriber/sync/sync_state.hpp"
#include "subscriber/view/view_store.hpp"

namespace prismbus::perf {

class FedView final : public SyncActions {
 public:
  static constexpr std::string_view kNs = "perf.market";
  // Live with keys 0..keys-1 (key_name); the first `numbers` of them hold a double, the others `bytes` bytes.
  FedView(std::uint64_t keys, std::uint64_t numbers, std::size_t bytes, std::uint64_t seed);
  ~FedView() override;

  // A decoded set with one change of a random key.
  [[nodiscard]] std::vector<ChangeSet> next_set();
  void feed(std::vector<ChangeSet> sets);  // applied, shown, and what it replaced let go
  [[nodiscard]] Handle<double> bind(std::uint64_t index);
  [[nodiscard]] Handle<std::string> bind_text(std::uint64_t index);
  [[nodiscard]] const ViewStore& store() const { return store_; }
  [[nodiscard]] bool live() const;
  [[nodiscard]] Seq seq() const { return seq_; }

  void open_lane(Lane, const std::vector<std::string>&) override {}
  void close_lane(Lane) override {}
  void subscribe(Lane lane, const std::string& topic) override;
  void unsubscribe(Lane, const std::string&) override {}
  void ask(std::uint64_t tag, const RequestBody&) override { asked_.push_back(tag); }
  void say_hello() override {}
  void move_on(const Error&) override {}
  void log(LogLevel, const LogLine&) override {}

 private:
  void join();
  void answer(SyncReply reply);
  void show();
  template <class T>
  Handle<T> attach(Field<T> field, T otherwise);

  std::uint64_t keys_, numbers_;
  std::string text_;
  std::vector<std::string> names_;
  std::mt19937_64 random_;
  std::vector<std::uint64_t> asked_;
  std::string barrier_;
  Now now_;
  Seq seq_;
  ViewStore store_;
  Bindings bindings_;
  SyncState sync_;
};

}  // namespace prismbus::perf
