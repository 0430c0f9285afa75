#include "subscriber/stream/stream_inbox.hpp"

#include <utility>

#include "proto/wire/codec/stream.hpp"

namespace prismbus {
namespace {

constexpr int kFramesPerStep = 256;  // of a lane; then requests and timers have their turn

std::size_t index_of(Lane lane) {
  return static_cast<std::size_t>(lane);
}

}  // namespace

void StreamInbox::open(Lane lane, const std::vector<std::string>& endpoints, const Endpoint& requests,
                       const Curve& curve) {
  auto& socket = sockets_[index_of(lane)];
  socket.reset();
  std::string why = "none told";
  for (const std::string& told : endpoints) {
    const auto endpoint = reachable_endpoint(told, requests);
    if (!endpoint) {
      why = endpoint.error().message;
      continue;
    }
    SocketOptions speaks;
    speaks.curve = curve;
    auto opened = Socket::open(*context_, SocketRole::stream_client, speaks);
    const Result<void> connected =
        opened ? opened->connect(*endpoint) : Result<void>(tl::unexpected<Error>(opened.error()));
    if (connected) {
      socket = std::move(*opened);
      return;
    }
    why = connected.error().message;
  }
  if (log_) log_(LogLevel::error, LogLine("stream_not_opened").with("why", why).text());
}

void StreamInbox::close(Lane lane) {
  sockets_[index_of(lane)].reset();
}

void StreamInbox::subscribe(Lane lane, const std::string& topic) {
  if (auto& socket = sockets_[index_of(lane)]) (void)socket->subscribe(topic);
}

void StreamInbox::unsubscribe(Lane lane, const std::string& topic) {
  if (auto& socket = sockets_[index_of(lane)]) (void)socket->unsubscribe(topic);
}

void* StreamInbox::pollable(Lane lane) const {
  const auto& socket = sockets_[index_of(lane)];
  return socket ? socket->handle() : nullptr;
}

bool StreamInbox::step(SyncState& sync, KeyRing& ring, Now now) {
  bool more = false;
  for (const Lane lane : {Lane::changes, Lane::express}) {
    Frame frame;
    int received = 0;
    // The machine may open the lane anew while it handles a frame: the socket is looked up each time.
    while (sockets_[index_of(lane)] && received < kFramesPerStep) {
      Socket& socket = *sockets_[index_of(lane)];
      if (socket.receive(frame) != Socket::Received::yes) break;
      ++received;
      ++counters_.frames;
      if (frame.more()) {  // a stream message has one frame
        socket.discard_rest(frame);
        ++counters_.dropped;
        continue;
      }
      on_frame(lane, frame.bytes(), sync, ring, now);
    }
    more = more || received == kFramesPerStep;
  }
  take_opened(sync, ring, now);  // what found no room to wait is lost at once
  return more;
}

// What does not decode is dropped and counted; if it held a change, its absence is found as a gap (I6).
void StreamInbox::on_frame(Lane lane, std::string_view frame, SyncState& sync, KeyRing& ring, Now now) {
  const auto split = codec::split_stream_frame(frame);
  if (split && split->kind == codec::StreamFrame::Kind::changes) {
    const KeyRing::Read read = ring.on_frame(lane, frame, now);
    if (read.fate == FrameFate::opened) return on_body(lane, split->ns, read.body, sync, now);
    if (read.fate == FrameFate::waiting) return;
  } else if (split && split->kind == codec::StreamFrame::Kind::heartbeat) {
    if (const auto beat = codec::decode_heartbeat(split->body)) {
      if (beat->period) ring.on_period(Period(*beat->period), now);
      return sync.on_heartbeat(lane, *beat, now);
    }
  } else if (split) {
    if (const auto barrier = codec::decode_barrier(split->body)) {
      return sync.on_barrier(lane, split->topic, *barrier, now);
    }
  }
  ++counters_.dropped;
}

void StreamInbox::on_body(Lane lane, std::string_view ns, std::string_view body, SyncState& sync, Now now) {
  if (auto sets = codec::decode_change_sets(body)) {
    sync.on_sets(lane, ns, std::move(*sets), now);
  } else {
    ++counters_.dropped;
  }
}

void StreamInbox::take_opened(SyncState& sync, KeyRing& ring, Now now) {
  while (const auto opened = ring.take_opened()) on_body(opened->lane, opened->ns, opened->body, sync, now);
  for (const std::string& ns : ring.take_lost()) sync.on_unread(ns, now);
  for (const std::string& ns : ring.take_unreadable()) sync.on_unread(ns, now);
}

}  // namespace prismbus
