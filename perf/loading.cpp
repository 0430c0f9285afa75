#include "perf/loading.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "perf/zmq_asker.hpp"
#include "proto/wire/codec/request.hpp"

namespace prismbus::perf {
namespace {

constexpr std::uint64_t kPerCall = 100'000, kPerTransaction = 500;
constexpr std::size_t kWindow = 4;
constexpr std::chrono::milliseconds kOverloadedPause{20};

// Requests carry no id here: a group of which one was refused is sent again whole; they are idempotent puts.
Result<void, std::string> send_all(ZmqAsker& asker, const std::vector<std::string>& payloads) {
  std::string why;
  for (std::size_t next = 0; next < payloads.size();) {
    const std::size_t group = std::min(kWindow, payloads.size() - next);
    for (std::size_t i = 0; i < group; ++i) asker.send(payloads[next + i]);
    std::size_t answered = 0, refused = 0, failed = 0;
    while (answered < group) {
      const std::size_t more = asker.receive(ZmqAsker::Wait::yes, [&](std::string_view reply) {
        const Verdict verdict = judge_reply(reply, why);
        refused += verdict == Verdict::overloaded;
        failed += verdict == Verdict::failed;
      });
      if (more == 0) return tl::unexpected(std::string("no answer while loading"));
      answered += more;
    }
    if (failed > 0) return tl::unexpected("loading: " + why);
    refused > 0 ? std::this_thread::sleep_for(kOverloadedPause) : void(next += group);
  }
  return {};
}

}  // namespace

std::vector<std::string> loading_transactions(const KeySpace& space, std::uint64_t first, std::uint64_t count,
                                              std::size_t per_txn) {
  const std::string value = encoded_value(kValueBytes);
  std::vector<std::string> payloads;
  for (std::uint64_t from = first; from < first + count; from += per_txn) {
    std::vector<std::string> keys;
    for (std::uint64_t i = from; i < std::min(from + per_txn, first + count); ++i)
      keys.push_back(key_name(i));
    TxnRequest txn;
    for (const std::string& key : keys)
      txn.changes.push_back({.op = ChangeOp::put, .ns = space.ns, .key = key, .value = value});
    payloads.push_back(codec::encode_request({.id = {}, .token = {}, .epoch = {}, .body = std::move(txn)}));
  }
  return payloads;
}

Result<void, std::string> load_keys(const std::string& endpoint, const KeySpace& space,
                                    const Credentials& credentials) {
  auto asker = ZmqAsker::connect(endpoint, credentials);
  if (!asker) return tl::unexpected(asker.error());
  for (std::uint64_t first = 0; first < space.keys; first += kPerCall) {
    const std::uint64_t count = std::min(kPerCall, space.keys - first);
    if (auto sent = send_all(*asker, loading_transactions(space, first, count, kPerTransaction)); !sent)
      return tl::unexpected(endpoint + ": " + sent.error());
  }
  return {};
}

}  // namespace prismbus::perf
