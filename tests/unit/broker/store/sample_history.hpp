// What the store's tests feed it: a history kept in plain maps, which hands out each step as the transaction
// that the pipeline would have built. Versions, seqs, figures and hashes are computed here anew (XXH3 from
// its own library); only the change set's encoding is the product's. Also a temporary directory and the
// comparison of views with maps.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "broker/store/read_view.hpp"
#include "broker/store/store.hpp"

namespace prismbus::test {

struct SampleEntry {
  std::string value, by;
  std::uint64_t rev = 0, created = 0, version = 0, time = 0;
};
struct SampleNamespace {
  std::map<std::string, SampleEntry> entries;
  std::uint64_t seq = 0, rev = 0, time = 0, hash = 0, bytes = 0;
};
using SampleWorld = std::map<std::string, SampleNamespace>;

struct SampleItem {
  std::string ns, key;
  std::optional<std::string> value;  // none: delete
};

class SampleHistory {
 public:
  explicit SampleHistory(Epoch epoch) : epoch_(epoch) {}

  struct Options {
    std::string by = "anonymous";
    std::optional<std::string> note;
    std::optional<RequestId> req;
    std::uint64_t micros_later = 1000;
  };
  // The next transaction. Every (ns, key) once; what is deleted is there.
  TransactionPtr commit(const std::vector<SampleItem>& items, const Options& options);
  TransactionPtr commit(const std::vector<SampleItem>& items) { return commit(items, Options()); }
  TransactionPtr put(const std::string& ns, const std::string& key, std::string_view text);
  TransactionPtr remove(const std::string& ns, const std::string& key) {
    return commit({{ns, key, std::nullopt}});
  }
  TransactionPtr random(std::mt19937_64& rng);  // 1..8 changes over a few namespaces and keys

  // The same past under another epoch, as a restore leaves it. Both epochs are above 2^32 (9 bytes on the
  // wire).
  [[nodiscard]] SampleHistory in_epoch(Epoch epoch) const;

  [[nodiscard]] const SampleWorld& world() const { return world_; }
  [[nodiscard]] Revision last() const { return Revision(rev_); }
  // The encoded change sets of a namespace, seq 1 first.
  [[nodiscard]] const std::vector<std::string>& sets(const std::string& ns) { return sets_[ns]; }

 private:
  Epoch epoch_;
  SampleWorld world_;
  std::map<std::string, std::vector<std::string>> sets_;
  std::uint64_t rev_ = 0, time_ = 1'700'000'000'000'000;
};

[[nodiscard]] std::string text_value(std::string_view text);  // a MessagePack string

class TemporaryDirectory {
 public:
  TemporaryDirectory();  // memory-backed where there is /dev/shm
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline constexpr std::size_t kTestMap = std::size_t{1} << 30;

// REQUIREs inside: the view holds exactly `world`: each entry by find and by scan, each head, figures, no
// more.
void require_view_equals(const ReadView& view, const SampleWorld& world);
// A sound store, by audit().
void require_sound(const Journal& journal, const State& state);
void require_sound(const std::string& dir);

}  // namespace prismbus::test
