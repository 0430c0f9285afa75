// What the application reads: an immutable picture of everything a subscriber holds. Taking one and reading
// it uses no lock and no allocation; what is read is consistent across keys (I11: all of a transaction in a
// namespace, or nothing). A View pins its memory while it lives: take it, read, let go; keep seconds-old ones
// only on purpose. A View must not outlive its Subscriber. One View is used by one thread; any number of
// Views at once.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/clock.hpp"
#include "proto/base/strong.hpp"
#include "proto/wire/error.hpp"
#include "subscriber/view/scalar.hpp"

namespace prismbus {

class EpochPins;
struct NamespaceLeaf;
struct ViewRoot;

// One entry's value. Lends: valid while the View it came from lives.
struct ValueView {
  std::string_view bytes;  // one MessagePack value
  Revision rev;            // of its last change
  std::uint64_t version = 0;
  Wall time{};

  // nullopt when the value has another type than T or does not fit it. bool, numbers and std::string_view
  // (lent) are read in place; other types by msgpack-c when "subscriber/native.hpp" is included.
  template <class T>
  [[nodiscard]] std::optional<T> as() const {
    return read_native<T>(bytes);
  }
};

// How a namespace stands.
enum class NamespaceState : std::uint8_t {
  joining,      // nothing is shown yet
  catching_up,  // what is shown is complete up to its seq; newer changes are being fetched
  live,         // connected, nothing is known to be missing
  stale,        // no broker, or it cannot go on (status says why); what is shown is complete up to its seq
};
[[nodiscard]] std::string_view name_of(NamespaceState state);

// Which keys of a namespace: those that begin with `prefix` and match `glob` (PROTOCOL section 4). Empty =
// all.
struct KeyFilter {
  std::string prefix{}, glob{};
};
struct ListedValue {
  std::string_view key;
  ValueView value;
};

// Where what is shown of a namespace came from.
enum class Rung : std::uint8_t {
  memory,  // a broker, in this process
  disk,    // the cache; no broker has confirmed it since
  seed,    // the seed file; no broker has confirmed it since
};
[[nodiscard]] std::string_view name_of(Rung rung);

// One namespace of a View, looked up once. Valid while the View lives.
class NamespaceView {
 public:
  [[nodiscard]] std::optional<ValueView> get(std::string_view key) const;
  template <class T>
  [[nodiscard]] std::optional<T> get(std::string_view key) const {
    const auto value = get(key);
    return value ? value->template as<T>() : std::nullopt;
  }
  template <class T>
  [[nodiscard]] T get_or(std::string_view key, T otherwise) const {
    return get<T>(key).value_or(std::move(otherwise));
  }
  [[nodiscard]] std::string get_or(std::string_view key, const char* otherwise) const {
    return get_or(key, std::string(otherwise));
  }
  // Several at once: out[i] becomes what get(keys[i]) gives, as long as both have room. No allocation.
  void get_many(std::span<const std::string_view> keys, std::span<std::optional<ValueView>> out) const;
  // Sorted by key. Looks at every key of the namespace. invalid_argument: a malformed glob.
  [[nodiscard]] Result<std::vector<ListedValue>> list(const KeyFilter& filter = {}) const;
  // In no particular order.
  void for_each(const std::function<void(std::string_view key, const ValueView& value)>& visit) const;

  [[nodiscard]] std::string_view name() const;
  [[nodiscard]] std::size_t size() const;      // entries
  [[nodiscard]] Seq seq() const;               // complete up to here, but for what a validator refused
  [[nodiscard]] Revision rev() const;          // of the change set with that seq
  [[nodiscard]] std::uint64_t hash() const;    // of the broker's content, what was refused included
  [[nodiscard]] NamespaceState state() const;  // when the View was taken
  [[nodiscard]] Rung rung() const;
  // Since it was last known to be current, as of `now`; 0 when it was live as the View was taken.
  [[nodiscard]] std::chrono::milliseconds age(Steady now) const;

 private:
  friend class View;
  explicit NamespaceView(const NamespaceLeaf& leaf) : leaf_(&leaf) {}
  const NamespaceLeaf* leaf_;
};

class View {
 public:
  View(View&& other) noexcept;
  View& operator=(View&& other) noexcept;
  ~View();

  // nullopt when nothing of the namespace is shown (not followed, still joining, or refused as too old).
  [[nodiscard]] std::optional<NamespaceView> in(std::string_view ns) const;
  [[nodiscard]] std::optional<ValueView> get(std::string_view ns, std::string_view key) const;
  template <class T>
  [[nodiscard]] std::optional<T> get(std::string_view ns, std::string_view key) const {
    const auto value = get(ns, key);
    return value ? value->template as<T>() : std::nullopt;
  }
  // A literal gives a std::string: `get_or(ns, key, "none")`. A string_view as default is lent like the
  // value.
  template <class T>
  [[nodiscard]] T get_or(std::string_view ns, std::string_view key, T otherwise) const {
    return get<T>(ns, key).value_or(std::move(otherwise));
  }
  [[nodiscard]] std::string get_or(std::string_view ns, std::string_view key, const char* otherwise) const {
    return get_or(ns, key, std::string(otherwise));
  }
  void for_each(std::string_view ns,
                const std::function<void(std::string_view key, const ValueView& value)>& visit) const;
  [[nodiscard]] std::vector<std::string> namespaces() const;  // shown ones, sorted
  [[nodiscard]] Epoch epoch() const;                          // the history all of it belongs to
  [[nodiscard]] std::optional<Seq> seq(std::string_view ns) const;
  [[nodiscard]] std::optional<std::uint64_t> hash(std::string_view ns) const;

 private:
  friend class ViewStore;
  View(EpochPins* pins, std::size_t slot, const ViewRoot* root) : pins_(pins), slot_(slot), root_(root) {}
  EpochPins* pins_;
  std::size_t slot_;
  const ViewRoot* root_;
};

}  // namespace prismbus
