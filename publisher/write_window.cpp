#include "publisher/write_window.hpp"

#include <algorithm>

#include "proto/base/assert.hpp"

namespace prismbus {

using limits::kSessionWrites;

WriteWindow::WriteWindow(std::size_t window, std::string (*make_session)())
    : window_(window), make_session_(make_session), live_((window + kSessionWrites - 1) / kSessionWrites) {
  replace_retired();
}

WriteWindow::Session* WriteWindow::find(std::uint64_t id) const {
  for (const auto& session : sessions_) {
    if (session->id == id) return session.get();
  }
  return nullptr;
}

// Retired sessions stay until their last write is closed; as many fresh ones take their place.
void WriteWindow::replace_retired() {
  std::erase_if(sessions_, [](const auto& s) { return s->retired && s->open == 0; });
  auto usable = static_cast<std::size_t>(
      std::count_if(sessions_.begin(), sessions_.end(), [](const auto& s) { return !s->retired; }));
  for (; usable < live_; ++usable) {
    auto session = std::make_unique<Session>();
    session->id = ++last_id_;
    session->bytes = make_session_();
    sessions_.push_back(std::move(session));
  }
  current_ = 0;
}

std::optional<WriteWindow::Ticket> WriteWindow::admit() {
  if (in_flight_ >= window_) return std::nullopt;
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    Session& s = *sessions_[current_];
    if (!s.retired && s.next_n < s.oldest_open + kSessionWrites) {
      ++s.open;
      ++in_flight_;
      s.closed.reset(s.next_n % kSessionWrites);
      return Ticket{s.id, s.next_n++};
    }
    current_ = (current_ + 1) % sessions_.size();
  }
  return std::nullopt;
}

const std::string& WriteWindow::session_bytes(const Ticket& ticket) const {
  const Session* session = find(ticket.session);
  PRISMBUS_ASSERT(session != nullptr, "a session lives as long as its writes");
  return session->bytes;
}

void WriteWindow::close(const Ticket& ticket, bool answered) {
  Session* session = find(ticket.session);
  PRISMBUS_ASSERT(session != nullptr && !session->closed.test(ticket.n % kSessionWrites),
                  "a write is closed once");
  Session& s = *session;
  s.closed.set(ticket.n % kSessionWrites);
  --s.open;
  --in_flight_;
  while (s.oldest_open < s.next_n && s.closed.test(s.oldest_open % kSessionWrites)) ++s.oldest_open;
  if (!answered) s.retired = true;
  if (s.retired) replace_retired();
}

}  // namespace prismbus
