// A Handle: one configured value, bound once, read at the price of a variable. Made by Subscriber::bind (one
// key) and Subscriber::bind_struct (several keys of a namespace, which change together: all keys of a
// transaction in one step, I11). Parsed once per change, not per read.
//
// What get() gives: the value; the default while the key is absent or its namespace not shown yet. A value of
// another type changes nothing: the one before it is kept (the default if there was none), the broker's entry
// is counted in SubscriberStatus::handle_mismatches, logged, and told by meta().refused. A deleted key is the
// default again. A struct decides so for each of its keys.
//
// Reads: any thread, any number at once; no lock, no allocation (but what copying T allocates: see with()),
// and no waiting for the writer. Two reads of one handle on one thread never give an older value later, when
// both are get() or both look at the whole (with(), read(), meta()): a get() may already give what a read()
// just after it does not, for a moment. Different handles also move one after another, within one step: what
// belongs together is taken with one read(), bound as a struct or read from a View.
//
// A handle may be copied (copies share the value), also to other threads; it may outlive stop() and the
// Subscriber itself, and then keeps what it had last. The value is followed while a copy lives. Who lets the
// last copy go waits for its hook under way, but not inside that hook; afterwards the hook is gone and never
// runs again. So a hook may use the object that owns its handle: make the handle the member that is destroyed
// first, and let go of no handle under a lock that its hook takes.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "proto/base/assert.hpp"
#include "proto/wire/error.hpp"
#include "subscriber/view/bound_cell.hpp"

namespace prismbus {

template <class T>
class Handle {
 public:
  // The first handle of `cell`; others are copies of it.
  explicit Handle(std::shared_ptr<ValueCell<T>> cell) : cell_(closing(std::move(cell))) {}
  // `Handle<double> tick = subscriber.bind(...)`, for names that are part of the program: asserts that it
  // could be bound. A caller with names from elsewhere takes the Result and looks at it.
  template <std::same_as<Result<Handle<T>>> Bound>
  Handle(Bound&& bound) : cell_(sure(bound)) {}

  [[nodiscard]] T get() const { return cell_->get(); }
  // `look` is given the value without copying it; it lives until `look` returns. For strings and larger.
  // While it is inside, everything handles of this Subscriber replace meanwhile stays in memory.
  template <class Look>
  auto with(Look&& look) const {
    static_assert(!std::is_reference_v<decltype(look(std::declval<const T&>()))>, "it would dangle");
    return cell_->with([&](const Reading<T>& now) { return look(now.value); });
  }
  // Value and where it comes from, of one moment.
  [[nodiscard]] Reading<T> read() const {
    return cell_->with([](const Reading<T>& now) { return now; });
  }
  [[nodiscard]] BoundMeta meta() const {
    return cell_->with([](const Reading<T>& now) { return now.meta; });
  }
  // How its namespace stands: `stale` after the Subscriber stopped.
  [[nodiscard]] NamespaceState state() const { return cell_->state(); }
  [[nodiscard]] const std::string& ns() const { return cell_->ns(); }
  [[nodiscard]] const std::string& key() const { return cell_->key(0); }  // of a struct the first one

 private:
  // The background thread also holds the cell, for moments: so the copies have a count of their own.
  static std::shared_ptr<const ValueCell<T>> closing(std::shared_ptr<ValueCell<T>> cell) {
    const ValueCell<T>* const seen = cell.get();
    return {seen, [held = std::move(cell)](const ValueCell<T>*) { held->close(); }};
  }
  static std::shared_ptr<const ValueCell<T>> sure(Result<Handle<T>>& bound) {
    PRISMBUS_ASSERT(bound.has_value(), bound.error().message.c_str());
    return bound->cell_;
  }
  std::shared_ptr<const ValueCell<T>> cell_;
};

// One key of a struct. Absent, it leaves the member as the struct's default has it.
template <class T, class Member>
[[nodiscard]] Field<T> field(std::string key, Member T::*member) {
  return {std::move(key),
          [member](T& into, std::string_view encoded) {
            auto value = read_native<Member>(encoded);
            if (value) into.*member = std::move(*value);
            return value.has_value();
          },
          [member](T& into, const T& from) { into.*member = from.*member; }};
}

// The whole value from one key.
template <class T>
[[nodiscard]] Field<T> whole(std::string_view key) {
  return {std::string(key),
          [](T& into, std::string_view encoded) {
            auto value = read_native<T>(encoded);
            if (value) into = std::move(*value);
            return value.has_value();
          },
          [](T& into, const T& from) { into = from; }};
}

}  // namespace prismbus
