#include "broker/example/proof.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "proto/base/bytes.hpp"
#include "proto/base/hash.hpp"

namespace prismbus::example {
namespace {

using namespace std::chrono_literals;

// Of one namespace, by key: everything a reader can see of an entry.
struct Held {
  std::string value;
  Revision rev;
  std::uint64_t version = 0;
};
using Copy = std::map<std::string, Held>;

// Over keys, values, revisions and versions, in order of the keys, each with its length.
std::uint64_t digest_of(const Copy& copy) {
  std::string all;
  for (const auto& [key, held] : copy) {
    append_be64(all, key.size());
    all += key;
    append_be64(all, held.value.size());
    all += held.value;
    append_be64(all, held.rev.value());
    append_be64(all, held.version);
  }
  return xxh3_64(all);
}

struct BrokerCopy {
  NamespaceRow row;
  Copy copy;
};

// What the broker holds now: heads and a fresh list of each namespace.
Result<std::map<std::string, BrokerCopy>> ask_broker(Publisher& publisher, const std::string& root) {
  std::map<std::string, BrokerCopy> all;
  const auto rows = publisher.namespaces(root).get();
  if (!rows) return unexpected(rows.error());
  for (const NamespaceRow& row : rows->value) {
    ListCall call;
    call.ns = row.ns;
    const auto entries = publisher.list(call).get();
    if (!entries) return unexpected(entries.error());
    BrokerCopy& mine = all[row.ns];
    mine.row = row;
    for (const Entry& entry : entries->value) mine.copy[entry.key] = {entry.value, entry.rev, entry.version};
  }
  return all;
}

// One namespace as a subscriber shows it, with its head.
struct Shown {
  Seq seq;
  std::uint64_t hash = 0;
  Copy copy;
};
std::optional<Shown> copy_of(const Subscriber& subscriber, const std::string& ns) {
  const View view = subscriber.view();
  const auto in = view.in(ns);
  if (!in) return std::nullopt;
  Shown shown{in->seq(), in->hash(), {}};
  in->for_each([&](std::string_view key, const ValueView& value) {
    shown.copy[std::string(key)] = {std::string(value.bytes), value.rev, value.version};
  });
  return shown;
}

void compare(const NamedSubscriber& who, const std::string& ns, const BrokerCopy& broker, Verdict& verdict) {
  ++verdict.copies;
  const bool arrived = who.subscriber->wait_seq(ns, broker.row.head.seq, 15s);
  const auto shown = copy_of(*who.subscriber, ns);
  const std::uint64_t theirs = digest_of(broker.copy), ours = shown ? digest_of(shown->copy) : 0;
  const bool equal = arrived && shown && shown->seq == broker.row.head.seq &&
                     shown->hash == broker.row.head.hash && ours == theirs &&
                     shown->copy.size() == broker.copy.size();
  if (equal) {
    ++verdict.equal;
    fmt::print("  {:<10} {:<34} seq {:>5}  hash {:016x}  {:>4} keys  digest {:016x}  equal\n", who.name, ns,
               shown->seq.value(), shown->hash, shown->copy.size(), ours);
    return;
  }
  verdict.differences.push_back(fmt::format(
      "{} differs from the broker in {}: seq {} of {}, hash {:016x} of {:016x}, {} keys of {}, digest "
      "{:016x} of {:016x}",
      who.name, ns, shown ? shown->seq.value() : 0, broker.row.head.seq.value(), shown ? shown->hash : 0,
      broker.row.head.hash, shown ? shown->copy.size() : 0, broker.copy.size(), ours, theirs));
}

// Nothing acknowledged is lost and nothing that was removed is back.
void compare_with_writes(const std::map<std::string, BrokerCopy>& broker, const Writer& writer,
                         Verdict& verdict) {
  for (const auto& [name, value] : writer.expected()) {
    const auto ns = broker.find(name.first);
    const auto entry = ns == broker.end() ? Copy::const_iterator{} : ns->second.copy.find(name.second);
    if (ns == broker.end() || entry == ns->second.copy.end() || entry->second.value != value) {
      verdict.differences.push_back(
          fmt::format("an acknowledged write is lost: {} {}", name.first, name.second));
    }
  }
  for (const auto& [ns, held] : broker) {
    for (const auto& [key, entry] : held.copy) {
      if (writer.must_be_gone(ns, key)) {
        verdict.differences.push_back(fmt::format("what was removed is there: {} {}", ns, key));
      }
    }
  }
}

}  // namespace

Verdict prove(Publisher& publisher, const std::string& root, const std::vector<NamedSubscriber>& subscribers,
              const Writer& writer) {
  Verdict verdict;
  const auto broker = ask_broker(publisher, root);
  if (!broker) {
    verdict.differences.push_back("the broker does not answer: " + broker.error().message);
    return verdict;
  }
  verdict.namespaces = broker->size();
  for (const auto& [ns, held] : *broker) verdict.values += held.copy.size();
  for (const NamedSubscriber& who : subscribers) {
    for (const NamespaceStatus& followed : who.subscriber->status().namespaces) {
      const auto it = broker->find(followed.ns);
      if (it != broker->end()) {
        compare(who, followed.ns, it->second, verdict);
      } else {
        verdict.differences.push_back(who.name +
                                      " shows a namespace the broker does not have: " + followed.ns);
      }
    }
  }
  compare_with_writes(*broker, writer, verdict);
  return verdict;
}

}  // namespace prismbus::example
