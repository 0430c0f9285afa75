#include "broker/net/connection_watch.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kEventsPerStep = 1024;  // of one monitor
constexpr std::size_t kTrafficPerCall = 256;
constexpr std::size_t kTendConnections = 256;  // a second, looked at for being there still: two calls each
constexpr std::chrono::seconds kTend{1};

bool is_looked_at(const PeerSocket& socket) {
  return socket.is_tcp() && DoorMeter::covers(socket.fd());
}

int open_epoll() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  PRISMBUS_ASSERT(fd >= 0, "opened first of all");
  return fd;
}

}  // namespace

ConnectionWatch::ConnectionWatch(Context& context, const DoorMeter& meter, ConnectionLimits limits,
                                 Hooks hooks)
    : context_(context), meter_(meter), limits_(limits), hooks_(std::move(hooks)), traffic_(open_epoll()) {}

ConnectionWatch::~ConnectionWatch() {
  ::close(traffic_);
}

void ConnectionWatch::observe(const BoundSocket& socket, Door door) {
  const int number = static_cast<int>(observed_.size());
  observed_.push_back({door, std::make_unique<SocketMonitor>(context_, socket, number)});
}

std::vector<void*> ConnectionWatch::monitors() const {
  std::vector<void*> handles;
  for (const Observed& one : observed_) handles.push_back(one.monitor->handle());
  return handles;
}

std::size_t ConnectionWatch::step(Steady now) {
  std::size_t done = 0;
  for (std::size_t which = 0; which < observed_.size(); ++which) {
    for (std::size_t n = 0; n < kEventsPerStep; ++n, ++done) {
      const auto event = observed_[which].monitor->next();
      if (!event) break;
      event->kind == SocketMonitor::Event::Kind::accepted ? on_accepted(which, event->fd)
                                                          : on_disconnected(which, event->fd);
    }
  }
  if (now >= look_at_) {
    look_at_ = now + kLook;
    done += look();
  }
  if (now >= tend_at_) {
    tend_at_ = now + kTend;
    tend();
  }
  return done;
}

std::optional<Steady> ConnectionWatch::next_look(Steady now) const {
  if (!follow_.empty() || now < look_at_) return look_at_;
  return std::nullopt;
}

// ---- who is there

void ConnectionWatch::on_accepted(std::size_t observed, int fd) {
  ++counters_.accepted;
  forget(fd);  // another one had that number
  PeerSocket socket = PeerSocket::at(fd);
  if (!socket.known()) return;
  Watched& watched = by_fd_[fd];
  watched.socket = socket;
  watched.observed = observed;
  watched.address = socket.ip();
  admit(watched);
  if (!watched.live || !is_looked_at(socket)) return;
  epoll_event wanted{};
  // What arrived is told only if the socket is ready for something when we ask: libzmq may have read it by
  // then, but it can be written to. tend() looks at the rest.
  wanted.events = EPOLLIN | EPOLLOUT | EPOLLET;
  wanted.data.fd = fd;
  // It fails when the connection ended meanwhile. One that ends later takes itself out.
  ::epoll_ctl(traffic_, EPOLL_CTL_ADD, fd, &wanted);
  // Or the number had become another descriptor's just before: that is not ours to watch.
  if (!socket.is_there()) ::epoll_ctl(traffic_, EPOLL_CTL_DEL, fd, nullptr);
}

void ConnectionWatch::admit(Watched& watched) {
  std::size_t& of_address = of_address_[watched.address];
  const bool too_many = limits_.connections_max != 0 && live_ >= limits_.connections_max;
  const bool too_many_there = !watched.address.empty() && limits_.address_connections_max != 0 &&
                              of_address >= limits_.address_connections_max;
  watched.live = true;
  ++live_;
  ++of_address;
  if (too_many || too_many_there) {
    cut(watched, too_many ? counters_.over_connections_max : counters_.over_address_max);
  }
}

// Doors tell in their own order: by now the number may be of a connection of another one.
void ConnectionWatch::on_disconnected(std::size_t observed, int fd) {
  const auto at = by_fd_.find(fd);
  if (at != by_fd_.end() && at->second.observed == observed) forget(fd);
}

void ConnectionWatch::cut(Watched& watched, std::uint64_t& counter) {
  if (watched.socket.cut()) ++counter;
  leave(watched);
}

void ConnectionWatch::leave(Watched& watched) {
  watched.unfinished = 0;
  if (!watched.live) return;
  watched.live = false;
  --live_;
  const auto at = of_address_.find(watched.address);
  if (at != of_address_.end() && --at->second == 0) of_address_.erase(at);
}

void ConnectionWatch::forget(int fd) {
  const auto at = by_fd_.find(fd);
  if (at == by_fd_.end()) return;
  leave(at->second);
  by_fd_.erase(at);
}

// An end that nobody told, and traffic that nobody told: some of them, round and round.
void ConnectionWatch::tend() {
  std::vector<int> some;
  std::size_t seen = 0;
  for (std::size_t buckets = by_fd_.bucket_count(); buckets > 0 && seen < kTendConnections; --buckets) {
    bucket_ = bucket_ + 1 < by_fd_.bucket_count() ? bucket_ + 1 : 0;
    for (auto it = by_fd_.begin(bucket_); it != by_fd_.end(bucket_); ++it, ++seen) {
      some.push_back(it->first);
    }
  }
  for (const int fd : some) {
    const PeerSocket& socket = by_fd_.find(fd)->second.socket;
    if (!socket.is_there()) {
      forget(fd);
    } else if (is_looked_at(socket)) {
      look_at(fd);
    }
  }
}

// ---- what they send

std::size_t ConnectionWatch::look() {
  std::size_t seen = 0;
  ++looks_;
  following_.clear();
  following_.swap(follow_);
  if (following_.empty()) memory_before_ = 0;
  for (const int fd : following_) look_at(fd);
  std::array<epoll_event, kTrafficPerCall> events{};
  int count = 0;
  do {
    count = ::epoll_wait(traffic_, events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) look_at(events[static_cast<std::size_t>(i)].data.fd);
    seen += static_cast<std::size_t>(std::max(count, 0));
  } while (count == static_cast<int>(events.size()) && seen < by_fd_.size());  // more comes all the time
  bound_the_total();
  if (!follow_.empty()) hooks_.ask_door();
  return seen;
}

void ConnectionWatch::look_at(int fd) {
  const auto at = by_fd_.find(fd);
  if (at == by_fd_.end() || !at->second.live) return;
  Watched& watched = at->second;
  if (watched.looks == looks_) return;  // followed, and with traffic
  watched.looks = looks_;
  const std::uint64_t dry = meter_.dry(), messages = meter_.messages();
  const auto traffic = watched.socket.traffic();
  if (!traffic) return forget(fd);
  if (observed_[watched.observed].door == Door::requests) {
    look_at_request(fd, watched, {traffic->received, traffic->read(), 0, messages, dry});
  } else if (traffic->received > kSubscriptionBytesMax) {
    cut(watched, counters_.oversubscribed);
  }
}

void ConnectionWatch::look_at_request(int fd, Watched& watched, Look now) {
  // After the others: a door that ran dry by then has told of all it took before.
  now.taken = meter_.taken(fd, watched.socket.inode());
  const Look before = std::exchange(watched.last, now);
  // libzmq gives a message of each connection in turn: who had nothing in more turns than there are
  // connections has no whole message, even while others keep the door from running dry.
  const bool was_passed_over =
      now.taken == before.taken && now.messages - before.messages > meter_.connections();
  if (watched.followed && (now.dry != before.dry || was_passed_over)) {
    watched.unfinished = before.read > now.taken ? before.read - now.taken : 0;
  } else if (now.taken != before.taken) {
    watched.unfinished = 0;
  }
  // Also what the kernel still has: libzmq reads it without telling anybody.
  watched.followed = now.received > now.taken + kFollowedBytes;
  if (watched.unfinished > kUnfinishedBytesMax) return cut(watched, counters_.endless);
  if (watched.followed) follow_.push_back(fd);
}

void ConnectionWatch::bound_the_total() {
  for (;;) {
    unfinished_ = 0;
    Watched* largest = nullptr;
    for (const int fd : follow_) {
      Watched& watched = by_fd_.find(fd)->second;
      unfinished_ += watched.unfinished;
      if (largest == nullptr || watched.unfinished > largest->unfinished) largest = &watched;
    }
    if (largest == nullptr || (unfinished_ <= kUnfinishedTotalMax && !grew_too_much(*largest))) return;
    cut(*largest, counters_.crowding);  // which leaves it nothing to count
  }
}

// Something else may have grown meanwhile: then a large message was cut for nothing, and is sent again.
bool ConnectionWatch::grew_too_much(const Watched& largest) {
  const std::uint64_t memory = hooks_.memory();
  if (memory_before_ == 0) memory_before_ = memory;
  if (largest.unfinished < kSomeSize || memory < memory_before_ + kGrowthMax) return false;
  memory_before_ = memory;
  return true;
}

}  // namespace prismbus
