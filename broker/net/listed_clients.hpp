// Which connections came with which CURVE key, and that none stays whose key is no longer on the list of
// clients. The admission writes the key beside the connection's number (zap_handler.hpp); a door tells of a
// connection at its first message, and cuts it when it came in under a former list. A connection that never
// sent anything is in no door's hands: it is served nothing and told nothing. Bus thread.
#pragma once

#include <zmq.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/net/peer_socket.hpp"
#include "proto/base/bounded_queue.hpp"
#include "proto/base/log.hpp"

namespace prismbus {

class ListedClients {
 public:
  using Keys = std::unordered_set<std::string>;  // public ones as Z85
  using KeysPtr = std::shared_ptr<const Keys>;   // null: any key

  // By `told` come other lists, before the admission goes by them; it outlives this.
  ListedClients(KeysPtr keys, BoundedQueue<KeysPtr>& told, LogSink log);

  // A frame of the connection `number`, which speaks CURVE. False: its key is not on the list, and it is cut.
  [[nodiscard]] bool meet(std::uint64_t number, zmq_msg_t& frame);
  // Now and then: takes another list, cuts who is not on it and gives their numbers, forgets who is gone.
  std::vector<std::uint64_t> tend();
  [[nodiscard]] std::size_t size() const { return by_number_.size(); }

 private:
  struct Client {
    PeerSocket socket;
    std::string key;
  };
  [[nodiscard]] bool is_listed(const Client& client) const;
  bool take_list();  // false: there was no other one
  [[nodiscard]] std::vector<std::uint64_t> cut_unlisted();
  void forget_gone();

  KeysPtr keys_;
  bool to_cut_ = false;  // it was taken, and tend() has not looked at everybody since
  BoundedQueue<KeysPtr>& told_;
  const LogSink log_;
  std::unordered_map<std::uint64_t, Client> by_number_;  // bounded by the process's descriptors
  std::vector<KeysPtr> taken_;                           // reused
  std::size_t bucket_ = 0;                               // where tend() goes on
};

}  // namespace prismbus
