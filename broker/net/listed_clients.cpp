#include "broker/net/listed_clients.hpp"

#include <utility>

#include "broker/net/frame_properties.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kTendClients = 128;  // looked at per call: two system calls each

}  // namespace

ListedClients::ListedClients(KeysPtr keys, BoundedQueue<KeysPtr>& told, LogSink log)
    : keys_(std::move(keys)), told_(told), log_(std::move(log)) {}

bool ListedClients::is_listed(const Client& client) const {
  return keys_ == nullptr || keys_->contains(client.key);
}

bool ListedClients::meet(std::uint64_t number, zmq_msg_t& frame) {
  const auto [at, is_new] = by_number_.try_emplace(number);
  Client& client = at->second;
  if (is_new) {
    client.key = property_of(frame, kClientKeyProperty);
    // Gone already, or somebody else's by now, unless it is the address that libzmq wrote down at the accept.
    const PeerSocket socket = PeerSocket::at(zmq_msg_get(&frame, ZMQ_SRCFD));
    if (socket.known() && (!socket.is_tcp() || socket.ip() == property_of(frame, kPeerAddressProperty)))
      client.socket = socket;
  }
  // Whoever was admitted under a later list than the one here finds it in the queue.
  if (is_listed(client) || (take_list() && is_listed(client))) return true;
  [[maybe_unused]] const bool was_there = client.socket.cut();
  return false;
}

bool ListedClients::take_list() {
  taken_.clear();
  if (told_.drain(taken_) == 0) return false;
  keys_ = std::move(taken_.back());
  to_cut_ = true;
  return true;
}

std::vector<std::uint64_t> ListedClients::tend() {
  std::vector<std::uint64_t> cut;
  take_list();
  if (std::exchange(to_cut_, false)) cut = cut_unlisted();
  forget_gone();
  return cut;
}

std::vector<std::uint64_t> ListedClients::cut_unlisted() {
  std::vector<std::uint64_t> cut;
  for (const auto& [number, client] : by_number_) {
    if (!is_listed(client) && client.socket.cut()) cut.push_back(number);
  }
  if (!cut.empty() && log_)
    log_(LogLevel::warn, LogLine("clients_cut").with("no_longer_listed", cut.size()).text());
  return cut;
}

void ListedClients::forget_gone() {
  std::vector<std::uint64_t> gone;
  std::size_t seen = 0;
  for (std::size_t buckets = by_number_.bucket_count(); buckets > 0 && seen < kTendClients; --buckets) {
    bucket_ = bucket_ + 1 < by_number_.bucket_count() ? bucket_ + 1 : 0;
    for (auto it = by_number_.begin(bucket_); it != by_number_.end(bucket_); ++it, ++seen) {
      if (!it->second.socket.is_there()) gone.push_back(it->first);
    }
  }
  for (const std::uint64_t number : gone) by_number_.erase(number);
}

}  // namespace prismbus
