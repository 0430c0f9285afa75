#include "perf/raw_servers.hpp"

#include <unistd.h>
#include <zmq.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "perf/raw_disk.hpp"
#include "proto/base/random.hpp"

namespace prismbus::perf {
namespace {

// The sockets of one raw server, with the broker's options where they matter: no high-water mark for input.
class Sockets {
 public:
  Sockets() : context_(zmq_ctx_new()), router_(open(ZMQ_ROUTER)), xpub_(open(ZMQ_XPUB)) {}
  ~Sockets() {
    zmq_close(router_);
    zmq_close(xpub_);
    zmq_ctx_term(context_);
  }
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;
  void* router() const { return router_; }
  void* xpub() const { return xpub_; }

 private:
  void* open(int type) {
    void* socket = zmq_socket(context_, type);
    const int unlimited = 0;
    zmq_setsockopt(socket, ZMQ_RCVHWM, &unlimited, sizeof(unlimited));
    zmq_setsockopt(socket, ZMQ_SNDHWM, &unlimited, sizeof(unlimited));
    zmq_setsockopt(socket, ZMQ_LINGER, &unlimited, sizeof(unlimited));
    zmq_bind(socket, "tcp://127.0.0.1:*");
    return socket;
  }
  void* context_;
  void *router_, *xpub_;
};

std::string bound_endpoint(void* socket) {
  std::array<char, 256> name{};
  std::size_t size = name.size();
  zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, name.data(), &size);
  return name.data();
}

bool write_ready_file(const std::string& path, const Sockets& sockets) {
  const nlohmann::json ready = {{"pid", ::getpid()},
                                {"requests", {bound_endpoint(sockets.router())}},
                                {"changes", {bound_endpoint(sockets.xpub())}},
                                {"express", nlohmann::json::array()}};
  const std::string unfinished = path + ".new";
  std::ofstream(unfinished) << ready.dump() << '\n';
  return std::rename(unfinished.c_str(), path.c_str()) == 0;
}

// Subscriptions are handed up by the XPUB: take them, so that they do not pile up.
void drain(void* xpub) {
  std::array<char, 256> ignored{};
  while (zmq_recv(xpub, ignored.data(), ignored.size(), ZMQ_DONTWAIT) >= 0) {
  }
}

// `answer` empty: the payload goes back as it came.
void echo(void* router, const std::string& answer) {
  zmq_msg_t part;
  zmq_msg_init(&part);
  while (zmq_msg_recv(&part, router, 0) >= 0) {
    const int more = zmq_msg_more(&part);
    if (more == 0 && !answer.empty()) {
      zmq_msg_close(&part);
      zmq_msg_init_size(&part, answer.size());
      answer.copy(static_cast<char*>(zmq_msg_data(&part)), answer.size());
    }
    if (zmq_msg_send(&part, router, more != 0 ? ZMQ_SNDMORE : 0) < 0) zmq_msg_close(&part);
    zmq_msg_init(&part);
  }
}

// One request: routing id, empty frame, payload; false when interrupted.
struct Asked {
  std::array<char, 256> routing_id{};
  std::size_t routing_id_size = 0;
  std::string payload;
};

bool receive(void* router, Asked& asked, int flags) {
  const int id = zmq_recv(router, asked.routing_id.data(), asked.routing_id.size(), flags);
  if (id < 0) return false;
  asked.routing_id_size = static_cast<std::size_t>(id);
  std::array<char, 4096> buffer{};
  asked.payload.clear();
  for (int more = 1; more != 0;) {
    const int got = zmq_recv(router, buffer.data(), buffer.size(), 0);
    if (got < 0) return false;
    asked.payload.assign(buffer.data(), std::min(static_cast<std::size_t>(got), buffer.size()));
    std::size_t size = sizeof(more);
    zmq_getsockopt(router, ZMQ_RCVMORE, &more, &size);
  }
  return true;
}

void answer(void* router, const Asked& asked) {
  zmq_send(router, asked.routing_id.data(), asked.routing_id_size, ZMQ_SNDMORE);
  zmq_send(router, "", 0, ZMQ_SNDMORE);
  zmq_send(router, "ok", 2, 0);
}

void publish(void* xpub, std::string_view topic, std::string_view body) {
  zmq_msg_t message;
  zmq_msg_init_size(&message, topic.size() + body.size());
  char* data = static_cast<char*>(zmq_msg_data(&message));
  topic.copy(data, topic.size());
  body.copy(data + topic.size(), body.size());
  if (zmq_msg_send(&message, xpub, 0) < 0) zmq_msg_close(&message);
}

void flood(const Sockets& sockets, const RawServer& server) {
  // One byte says "an array of one set" to the receivers, which count sets.
  const std::string body = '\x91' + std::string(server.bytes - 1, 'x');
  Asked asked;
  while (receive(sockets.router(), asked, 0)) {
    drain(sockets.xpub());
    for (long left = std::atol(asked.payload.c_str()); left > 0; --left)
      publish(sockets.xpub(), server.topic, body);
    answer(sockets.router(), asked);
  }
}

int durable(const Sockets& sockets, const RawServer& server) {
  auto log = RawLog::open(server.data_dir);
  if (!log) {
    std::fprintf(stderr, "%s\n", log.error().c_str());
    return 1;
  }
  Asked asked;
  while (receive(sockets.router(), asked, 0)) {
    drain(sockets.xpub());
    if (!log->append(asked.payload, 1)) return 1;
    publish(sockets.xpub(), server.topic, asked.payload);
    answer(sockets.router(), asked);
  }
  return 0;
}

}  // namespace

int run_raw_server(const RawServer& server) {
  if (server.kind == RawServer::Kind::tcp) return run_raw_tcp(server);
  seed_libc_random();
  const Sockets sockets;
  if (!write_ready_file(server.ready_file, sockets)) {
    std::fprintf(stderr, "%s cannot be written\n", server.ready_file.c_str());
    return 1;
  }
  switch (server.kind) {
    case RawServer::Kind::echo:
      echo(sockets.router(), {});
      return 0;
    case RawServer::Kind::answer:
      echo(sockets.router(), std::string(server.bytes, 'x'));
      return 0;
    case RawServer::Kind::flood:
      flood(sockets, server);
      return 0;
    case RawServer::Kind::durable:
      return durable(sockets, server);
    case RawServer::Kind::tcp:
      break;
  }
  return 0;
}

}  // namespace prismbus::perf
