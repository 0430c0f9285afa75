// What a Handle reads: one value made of one or more keys of a namespace, parsed once per change. The
// subscriber's background thread replaces it (bindings); any number of threads read it, without lock,
// allocation or waiting: a small plain value is one atomic load, anything else an immutable object that pins
// keep alive while it is looked at.
#pragma once

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "subscriber/view/reclaimer.hpp"
#include "subscriber/view/view.hpp"

namespace prismbus {

// Where a bound value comes from.
struct BoundMeta {
  Seq seq;       // of the namespace, in the step that read the value
  Revision rev;  // of its last change; of a struct: the highest of its keys. 0: nothing but defaults
  Wall time{};   // of that change
  std::uint64_t version = 0;  // of one key: writes since it was created; of a struct 0
  bool present = false;       // every key exists and had the type at least once
  Revision refused;  // not 0: an entry of that revision has another type, so the value before it is kept
};

template <class T>
struct Reading {
  T value;
  BoundMeta meta;
};

// One key of a bound value.
template <class T>
struct Field {
  std::string key;
  std::function<bool(T& into, std::string_view encoded)> read;  // false: another type, `into` unchanged
  std::function<void(T& into, const T& from)> copy;
};

// Runs on the background thread, after the picture and every handle show `after`; see SubscriberCallbacks for
// what it must not do. Steps between may have been skipped. Until when: see Handle.
template <class T>
using OnChange = std::function<void(const T& before, const T& after)>;

// The part that knows no type. attach() of Bindings hands it to the background thread, which calls all of the
// second half.
class BoundCell {
 public:
  BoundCell(std::string_view ns, std::shared_ptr<Reclaimer> memory) : ns_(ns), memory_(std::move(memory)) {}
  virtual ~BoundCell() = default;
  BoundCell(const BoundCell&) = delete;
  BoundCell& operator=(const BoundCell&) = delete;

  [[nodiscard]] const std::string& ns() const { return ns_; }
  [[nodiscard]] virtual std::size_t keys() const = 0;
  [[nodiscard]] virtual const std::string& key(std::size_t index) const = 0;
  [[nodiscard]] NamespaceState state() const { return state_.load(std::memory_order_acquire); }

  // ---- any thread, once ----
  // Nobody holds it any more: no hook and no function of a Field begins from now on, and the hook is
  // destroyed. Waits for one under way; inside it, on its own thread, not: then the hook is destroyed when it
  // returns.
  void close();

  // ---- the background thread (before attach(): who makes it, without begin()) ----
  // Around take() and tell(). False: closed, call neither.
  [[nodiscard]] bool begin();
  void end();
  // `found` in the order of the keys; nullopt = absent. Readers get the outcome from now on; what they may
  // still look at goes to `garbage`. Gives how many entries of another type it met for the first time.
  virtual std::size_t take(std::span<const std::optional<ValueView>> found, Seq seq, Garbage& garbage) = 0;
  // Calls the hook if the last take() changed the value; before its garbage is released. May throw what it
  // throws.
  virtual void tell() = 0;
  void set_state(NamespaceState state) { state_.store(state, std::memory_order_release); }
  bool marked = false;  // is to be taken in this step

 protected:
  [[nodiscard]] EpochPins& pins() const { return memory_->pins(); }
  virtual void forget_hook() = 0;

 private:
  static constexpr std::uint32_t kRunning = 1, kClosed = 2, kClosedInside = 4;

  const std::string ns_;
  const std::shared_ptr<Reclaimer> memory_;  // outlives the cell: what it replaced waits there
  std::atomic<NamespaceState> state_{NamespaceState::joining};
  std::atomic<std::uint32_t> use_{0};
  std::atomic<std::thread::id> user_{};  // where it is kRunning
};

template <class T>
class ValueCell final : public BoundCell {
  static_assert(!std::is_same_v<T, std::string_view>,
                "bind std::string: nothing lends the bytes of a handle");
  static constexpr bool small() {
    if constexpr (std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t)) {
      return std::atomic<T>::is_always_lock_free;
    } else {
      return false;
    }
  }

 public:
  ValueCell(std::string_view ns, std::vector<Field<T>> fields, T otherwise, OnChange<T> told,
            std::shared_ptr<Reclaimer> memory)
      : BoundCell(ns, std::move(memory)),
        fields_(std::move(fields)),
        otherwise_(std::move(otherwise)),
        told_(std::move(told)),
        rows_(fields_.size()) {}
  ~ValueCell() override { delete current_.load(std::memory_order_relaxed); }

  [[nodiscard]] std::size_t keys() const override { return fields_.size(); }
  [[nodiscard]] const std::string& key(std::size_t index) const override { return fields_[index].key; }

  [[nodiscard]] T get() const {
    if constexpr (small()) {
      return small_.load(std::memory_order_acquire);
    } else {
      return with([](const Reading<T>& now) { return now.value; });
    }
  }
  // `look` gets the present Reading, which lives until it returns.
  template <class Look>
  auto with(Look&& look) const {
    struct Unpin {
      EpochPins& pins;
      std::size_t slot;
      ~Unpin() { pins.unpin(slot); }
    } unpin{pins(), pins().pin()};
    return look(*current_.load(std::memory_order_seq_cst));
  }

  std::size_t take(std::span<const std::optional<ValueView>> found, Seq seq, Garbage& garbage) override {
    const Reading<T>* was = current_.load(std::memory_order_relaxed);
    auto next = std::make_unique<Reading<T>>(Reading<T>{otherwise_, {}});
    next->meta.seq = seq;
    next->meta.present = true;
    std::size_t refused = 0;
    bool moved = false;
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      Row& row = rows_[i];
      const Revision row_before = row.rev;
      if (!found[i]) {
        row = {};
      } else if (fields_[i].read(next->value, found[i]->bytes)) {
        row = {found[i]->rev, found[i]->time, found[i]->version, true, {}};
      } else {
        if (was != nullptr) fields_[i].copy(next->value, was->value);
        // The first look, on the application's thread, counts nothing: the background thread looks again.
        if (was != nullptr && std::exchange(row.refused, found[i]->rev) != found[i]->rev) ++refused;
        next->meta.refused = std::max(next->meta.refused, found[i]->rev);
      }
      moved = moved || row.rev != row_before;
      if (row.rev >= next->meta.rev) {
        next->meta.rev = row.rev;
        next->meta.time = row.time;
      }
      next->meta.present = next->meta.present && row.present;
    }
    if (fields_.size() == 1) next->meta.version = rows_[0].version;
    replace(was, std::move(next), moved, garbage);
    return refused;
  }

  void tell() override {
    const Reading<T>* before = std::exchange(before_, nullptr);
    if (before != nullptr && told_) told_(before->value, current_.load(std::memory_order_relaxed)->value);
  }

 private:
  void forget_hook() override { told_ = nullptr; }

  struct Row {  // of the field's value in force
    Revision rev;
    Wall time{};
    std::uint64_t version = 0;
    bool present = false;
    Revision refused;
  };

  void replace(const Reading<T>* was, std::unique_ptr<const Reading<T>> next, bool moved, Garbage& garbage) {
    // What cannot be compared has changed when an entry behind it did.
    if constexpr (std::equality_comparable<T>) moved = was != nullptr && !(was->value == next->value);
    before_ = moved ? was : nullptr;
    if constexpr (small()) small_.store(next->value, std::memory_order_release);
    current_.store(next.release(), std::memory_order_seq_cst);
    if (was != nullptr) {
      garbage.add(was, [](const void* block) { delete static_cast<const Reading<T>*>(block); });
    }
  }

  struct Nothing {};
  const std::vector<Field<T>> fields_;
  const T otherwise_;
  OnChange<T> told_;  // between begin() and end(), or closed
  std::atomic<const Reading<T>*> current_{nullptr};
  [[no_unique_address]] std::conditional_t<small(), std::atomic<T>, Nothing> small_{};
  // The background thread's.
  std::vector<Row> rows_;
  const Reading<T>* before_ = nullptr;
};

}  // namespace prismbus
