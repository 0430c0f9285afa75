// The raw limit of a push to many: a byte on any connection makes the server write so many bytes to each of
// them, one after another.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <vector>

#include "perf/raw_servers.hpp"

namespace prismbus::perf {
namespace {

constexpr int kBacklog = 4096;
constexpr int kEvents = 256;

bool write_ready_file(const std::string& path, int listener) {
  sockaddr_in at{};
  socklen_t size = sizeof(at);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size);
  std::ofstream(path + ".new") << R"({"requests":["127.0.0.1:)" << ntohs(at.sin_port) << "\"]}\n";
  return std::rename((path + ".new").c_str(), path.c_str()) == 0;
}

void add(int poll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}

}  // namespace

int run_raw_tcp(const RawServer& server) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof(at)) != 0 ||
      ::listen(listener, kBacklog) != 0 || !write_ready_file(server.ready_file, listener)) {
    std::fprintf(stderr, "no port, or no ready file\n");
    return 1;
  }
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  add(poll, listener);
  const std::string message(server.bytes, 'x');
  std::vector<int> connections;
  std::array<epoll_event, kEvents> events{};
  std::array<char, 256> ignored{};
  for (;;) {
    const int n = ::epoll_wait(poll, events.data(), kEvents, -1);
    for (int i = 0; i < n; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        const int peer = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (peer < 0) continue;
        const int one = 1;
        ::setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        connections.push_back(peer);
        add(poll, peer);
      } else if (::recv(fd, ignored.data(), ignored.size(), 0) > 0) {
        for (const int peer : connections) (void)!::send(peer, message.data(), message.size(), MSG_NOSIGNAL);
      } else {
        std::erase(connections, fd);
        ::close(fd);
      }
    }
  }
}

}  // namespace prismbus::perf
