// Which request id the next write may carry. Pure, one thread.
// Rule of the contract (I7): n is sent only when every m <= n - 1,024 of its session has its final answer, so
// that the broker still remembers the outcome of whatever is repeated. A window above 1,024 uses several
// sessions. A session in which a write was given up without an answer is not used for new writes: nobody
// waits for that outcome any more.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/wire/limits.hpp"

namespace prismbus {

class WriteWindow {
 public:
  struct Ticket {
    std::uint64_t session = 0;  // which of ours
    std::uint64_t n = 0;
  };

  // `window` writes in flight at most. `make_session` gives 8 random bytes.
  WriteWindow(std::size_t window, std::string (*make_session)());

  // A fresh id, or nullopt: wait for an answer. session_bytes(ticket) is valid until it is closed.
  [[nodiscard]] std::optional<Ticket> admit();
  [[nodiscard]] const std::string& session_bytes(const Ticket& ticket) const;
  // `answered`: its final answer came. False: given up.
  void close(const Ticket& ticket, bool answered);
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }

 private:
  struct Session {
    std::uint64_t id = 0;
    std::string bytes;
    std::uint64_t next_n = 1, oldest_open = 1;
    std::size_t open = 0;
    std::bitset<limits::kSessionWrites> closed;  // by n modulo 1,024, of those from oldest_open on
    bool retired = false;
  };
  [[nodiscard]] Session* find(std::uint64_t id) const;
  void replace_retired();

  const std::size_t window_;
  std::string (*const make_session_)();
  std::vector<std::unique_ptr<Session>> sessions_;
  std::size_t live_ = 0, current_ = 0, in_flight_ = 0;
  std::uint64_t last_id_ = 0;
};

}  // namespace prismbus
