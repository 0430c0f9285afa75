// The table of connections: a descriptor that was reused is nobody's to cut.
#include "broker/net/connections.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>

using namespace prismbus;

namespace {

std::array<int, 2> socket_pair() {
  std::array<int, 2> fds{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()) == 0);
  return fds;
}

bool is_cut(int fd) {
  char byte = 0;
  return ::recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

}  // namespace

TEST_CASE("drop shuts the connection that was met") {
  Connections connections;
  const auto pair = socket_pair();
  Connection& c = connections.meet(ConnectionId(1), pair[0], "");
  CHECK(connections.find(ConnectionId(1)) == &c);
  CHECK(connections.drop(c));
  CHECK(is_cut(pair[1]));
  for (const int fd : pair) ::close(fd);
}

TEST_CASE("drop leaves a descriptor alone that now belongs to another connection") {
  Connections connections;
  const auto before = socket_pair();
  Connection& c = connections.meet(ConnectionId(1), before[0], "");
  const auto after = socket_pair();
  REQUIRE(::dup2(after[0], before[0]) == before[0]);  // closed, and its number given out again
  CHECK_FALSE(connections.drop(c));
  CHECK_FALSE(is_cut(after[1]));
  for (const int fd : {before[0], before[1], after[0], after[1]}) ::close(fd);
}

TEST_CASE("a descriptor whose peer is not the one of the accept is not remembered") {
  Connections connections;
  Connection& closed = connections.meet(ConnectionId(1), -1, "127.0.0.1");
  CHECK_FALSE(closed.socket.known());
  CHECK_FALSE(connections.drop(closed));
}

TEST_CASE("what is gone is forgotten, what was dropped only after a while") {
  Connections connections;
  const auto one = socket_pair(), two = socket_pair();
  connections.meet(ConnectionId(1), one[0], "");
  Connection& dropped = connections.meet(ConnectionId(2), two[0], "");
  CHECK(connections.drop(dropped));
  for (const int fd : {one[0], one[1], two[0], two[1]}) ::close(fd);
  connections.tend(100);
  CHECK(connections.find(ConnectionId(1)) == nullptr);
  CHECK(connections.find(ConnectionId(2)) != nullptr);
  for (int i = 0; i < 20; ++i) connections.tend(100);
  CHECK(connections.size() == 0);
}
