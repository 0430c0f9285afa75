#include "tests/unit/broker/store/sample_history.hpp"

#include <xxhash.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "proto/wire/codec/stream.hpp"

namespace prismbus::test {
namespace {

std::uint64_t term(const std::string& key, std::uint64_t rev) {
  std::string bytes = key;
  bytes.push_back('\0');
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(rev >> shift));
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace

std::string text_value(std::string_view text) {
  std::string out;
  if (text.size() < 32) {
    out.push_back(static_cast<char>(0xa0 | text.size()));
  } else {
    out.push_back('\xda');
    out.push_back(static_cast<char>(text.size() >> 8));
    out.push_back(static_cast<char>(text.size()));
  }
  return out.append(text);
}

TransactionPtr SampleHistory::put(const std::string& ns, const std::string& key, std::string_view text) {
  return commit({{ns, key, text_value(text)}});
}

TransactionPtr SampleHistory::commit(const std::vector<SampleItem>& items, const Options& options) {
  auto txn = std::make_shared<StoredTransaction>();
  txn->rev = Revision(++rev_);
  time_ += options.micros_later;
  txn->time = from_micros(time_);
  txn->by = options.by;
  txn->note = options.note;
  txn->req = options.req;
  txn->op = items.size() > 1 ? WriteOp::txn : items[0].value ? WriteOp::put : WriteOp::del;
  std::map<std::string, std::vector<const SampleItem*>> by_ns;
  for (const SampleItem& item : items) by_ns[item.ns].push_back(&item);
  if (by_ns.size() > 1) {
    for (const SampleItem& item : items) {
      txn->order.push_back(static_cast<std::uint16_t>(std::distance(by_ns.begin(), by_ns.find(item.ns))));
    }
  }
  for (const auto& [name, changes] : by_ns) {
    SampleNamespace& ns = world_[name];
    auto set = std::make_unique<StoredSet>();
    set->ns = name;
    set->seq = Seq(++ns.seq);
    ns.rev = rev_;
    ns.time = time_;
    std::vector<codec::ChangeView> views;
    for (const SampleItem* item : changes) {
      const auto old = ns.entries.find(item->key);
      const bool there = old != ns.entries.end();
      if (there) {
        ns.hash -= term(item->key, old->second.rev);
        ns.bytes -= item->key.size() + old->second.value.size();
      }
      StoredChange stored;
      if (item->value) {
        stored.op = ChangeOp::put;
        stored.version = there ? old->second.version + 1 : 1;
        stored.created = there ? Revision(old->second.created) : Revision(rev_);
        ns.hash += term(item->key, rev_);
        ns.bytes += item->key.size() + item->value->size();
        ns.entries[item->key] = {*item->value,           options.by,     rev_,
                                 stored.created.value(), stored.version, time_};
        views.push_back({ChangeOp::put, item->key, *item->value, stored.version});
      } else {
        REQUIRE(there);
        stored.op = ChangeOp::del;
        ns.entries.erase(old);
        views.push_back({ChangeOp::del, item->key, {}, 0});
      }
      set->changes.push_back(stored);
    }
    set->after = {ns.hash, ns.entries.size(), ns.bytes};
    std::vector<codec::ChangeOffsets> places;
    codec::ChangeSetHead head{epoch_, txn->rev, set->seq, txn->time, txn->by, std::nullopt};
    if (txn->note) head.note = *txn->note;
    codec::encode_change_set(set->encoded, head, views, places);
    for (std::size_t i = 0; i < places.size(); ++i) {
      const std::string_view encoded = set->encoded;
      set->changes[i].key = encoded.substr(places[i].key_at, places[i].key_size);
      set->changes[i].value = encoded.substr(places[i].value_at, places[i].value_size);
    }
    sets_[name].push_back(set->encoded);
    txn->sets.push_back(std::move(set));
  }
  return txn;
}

SampleHistory SampleHistory::in_epoch(Epoch epoch) const {
  const auto number = [](Epoch of) {
    REQUIRE(of.value() > UINT32_MAX);
    std::string bytes = "\xcf";
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(of.value() >> shift));
    return bytes;
  };
  SampleHistory out = *this;
  out.epoch_ = epoch;
  for (auto& [ns, sets] : out.sets_) {
    for (std::string& set : sets) {
      REQUIRE(set.compare(7, 9, number(epoch_)) == 0);  // behind the map's head and "epoch"
      set.replace(7, 9, number(epoch));
    }
  }
  return out;
}

TransactionPtr SampleHistory::random(std::mt19937_64& rng) {
  static const std::vector<std::string> names = {"a", "a.b", "a-b", "market.binance", "market.okx", "z"};
  const auto below = [&rng](std::uint64_t n) { return rng() % n; };
  std::map<std::pair<std::string, std::string>, SampleItem> chosen;
  for (std::uint64_t n = 1 + below(below(4) == 0 ? 8 : 1); n > 0; --n) {
    const std::string& ns = names[below(names.size())];
    const std::string key = "key/" + std::to_string(below(below(2) == 0 ? 5 : 60));
    SampleItem item{ns, key, std::nullopt};
    const auto known = world_.find(ns);
    const bool there = known != world_.end() && known->second.entries.contains(key);
    if (!there || below(4) != 0) item.value = text_value(std::string(below(below(10) == 0 ? 5000 : 40), 'x'));
    chosen[{ns, key}] = item;
  }
  std::vector<SampleItem> items;
  items.reserve(chosen.size());
  for (auto& [name, item] : chosen) items.push_back(item);
  std::shuffle(items.begin(), items.end(), rng);
  Options options;
  options.by = below(3) == 0 ? "alice" : "anonymous";
  if (below(5) == 0) options.note = "because " + std::to_string(below(100));
  if (below(2) == 0) {
    options.req = RequestId{std::string("session") + static_cast<char>('0' + below(3)), rev_ * 2 + 1};
  }
  options.micros_later = below(1000);
  return commit(items, options);
}

TemporaryDirectory::TemporaryDirectory() {
  const char* base = std::getenv("TMPDIR");
  const std::string root = std::filesystem::exists("/dev/shm") ? "/dev/shm"
                           : base != nullptr                   ? std::string(base)
                                                               : std::string("/tmp");
  path_ = root + "/prismbus-store-XXXXXX";
  REQUIRE(::mkdtemp(path_.data()) != nullptr);
}
TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

namespace {

void require_entry(const EntryView& entry, const std::string& ns, const std::string& key,
                   const SampleEntry& wanted) {
  REQUIRE(entry.ns == ns);
  REQUIRE(entry.key == key);
  REQUIRE(entry.value == wanted.value);
  REQUIRE(entry.rev.value() == wanted.rev);
  REQUIRE(entry.created.value() == wanted.created);
  REQUIRE(entry.version == wanted.version);
  REQUIRE(to_micros(entry.time) == wanted.time);
  REQUIRE(entry.by == wanted.by);
}

void require_head(const RecentHead& head, const SampleNamespace& wanted) {
  REQUIRE(head.head.seq.value() == wanted.seq);
  REQUIRE(head.head.rev.value() == wanted.rev);
  REQUIRE(to_micros(head.head.time) == wanted.time);
  REQUIRE(head.head.hash == wanted.hash);
  REQUIRE(head.figures == NamespaceFigures{wanted.hash, wanted.entries.size(), wanted.bytes});
}

}  // namespace

void require_view_equals(const ReadView& view, const SampleWorld& world) {
  std::vector<std::pair<std::string, std::string>> scanned;
  REQUIRE(view.scan("", "", [&](std::string_view ns, std::string_view key, const EntryView* entry) {
    if (entry == nullptr) return true;
    const auto known = world.find(std::string(ns));
    REQUIRE(known != world.end());
    const auto wanted = known->second.entries.find(std::string(key));
    REQUIRE(wanted != known->second.entries.end());
    require_entry(*entry, std::string(ns), std::string(key), wanted->second);
    scanned.emplace_back(ns, key);
    return true;
  }));
  std::vector<std::pair<std::string, std::string>> expected;
  for (const auto& [name, ns] : world) {
    for (const auto& [key, entry] : ns.entries) {
      expected.emplace_back(name, key);
      const auto found = view.find(name, key);
      REQUIRE(found);
      REQUIRE(*found);
      require_entry(**found, name, key, entry);
    }
    const auto head = view.find_head(name);
    REQUIRE(head);
    REQUIRE(*head);
    require_head(**head, ns);
  }
  REQUIRE(scanned == expected);

  auto next = world.begin();
  REQUIRE(view.scan_namespaces("", [&](std::string_view ns, const RecentHead& head) {
    REQUIRE(next != world.end());
    REQUIRE(ns == next->first);
    require_head(head, next->second);
    ++next;
    return true;
  }));
  REQUIRE(next == world.end());
}

void require_sound(const Journal& journal, const State& state) {
  const auto report = audit(journal, state);
  REQUIRE(report);
  CHECK(report->findings == std::vector<std::string>());
}

void require_sound(const std::string& dir) {
  const auto report = audit(dir);
  REQUIRE(report);
  CHECK(report->findings == std::vector<std::string>());
}

}  // namespace prismbus::test
