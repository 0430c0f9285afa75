#include "broker/net/bus_agent.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kRequestsPerStep = 256;  // about 1 ms of work at the slowest kind of request
// One transaction of the largest size, or many small ones.
constexpr std::size_t kRequestBytesPerStep = 4u << 20;
constexpr std::size_t kSubscriptionsPerStep = 256;
// While requests keep the agent awake; asleep, the streams' descriptors wake it.
constexpr milliseconds kLookAtStreams{1};
constexpr milliseconds kTend{100};
constexpr milliseconds kReport{10'000};
constexpr std::size_t kLanesMax = 2;

}  // namespace

BusAgent::BusAgent(Pipeline& pipeline, RequestRates& rates, RequestDoor& requests, StreamDoors& streams,
                   Waker& waker, LogSink log, ListedClients* clients)
    : pipeline_(pipeline),
      rates_(rates),
      requests_(requests),
      streams_(streams),
      waker_(waker),
      log_(std::move(log)),
      clients_(clients) {
  PRISMBUS_ASSERT(streams.all().size() <= kLanesMax, "there are two lanes");
}

std::size_t BusAgent::step(Now now) {
  now_ = now;
  std::size_t done = pipeline_.step(now);
  done += requests_.receive(kRequestsPerStep, kRequestBytesPerStep, *this);
  if (gateway_ != nullptr) {
    done += gateway_->receive(kRequestsPerStep, kRequestBytesPerStep, *this);
    pipeline_.tell(*pulse_, now);
  }
  pipeline_.flush(now);
  if (done == 0 || now.steady >= streams_at_) {
    streams_at_ = now.steady + kLookAtStreams;
    for (const auto& door : streams_.all()) done += door->receive(kSubscriptionsPerStep, *this);
  }
  if (now.steady >= tend_at_) tend();
  return done;
}

void BusAgent::reconfigure(const LiveSettings& settings) {
  pipeline_.reconfigure(settings);
  rates_.set(settings.rates);
}

void BusAgent::on_request(const ReplyTo& from, std::string_view payload) {
  if (rates_.entered(from.connection, now_)) pipeline_.on_request(from, payload, now_);
  rates_.left();
}
void BusAgent::on_malformed(const ReplyTo& from, std::string_view why) {
  if (rates_.entered(from.connection, now_)) pipeline_.on_malformed(from, why, now_);
  rates_.left();
}
void BusAgent::on_gone(ConnectionId connection) {
  pipeline_.on_gone(connection, now_);
}
void BusAgent::on_subscription(Lane lane, std::string_view handed_up) {
  pipeline_.on_subscription(lane, handed_up);
}

void BusAgent::wait(Now now) {
  if (requests_.has_input()) return;
  std::array<pollfd, 2 + kLanesMax> waited{{{requests_.fd(), POLLIN, 0}, {waker_.fd(), POLLIN, 0}}};
  nfds_t count = 2;
  for (const auto& door : streams_.all()) {
    if (door->has_input()) return;
    waited[count++] = {door->fd(), POLLIN, 0};
  }
  const Steady until = std::min(pipeline_.next_deadline(now), now.steady + kTend);
  const auto left = std::chrono::ceil<milliseconds>(until - now.steady);
  if (left.count() <= 0) return;
  if (::poll(waited.data(), count, static_cast<int>(left.count())) > 0 && waited[1].revents != 0)
    waker_.clear();
}

void BusAgent::tend() {
  tend_at_ = now_.steady + kTend;
  // What they had queued is thrown away.
  for (const std::uint64_t number : clients_ == nullptr ? std::vector<std::uint64_t>() : clients_->tend())
    requests_.drop(ConnectionId(number));
  requests_.tend(*this);
  if (now_.steady >= report_at_) report();
}

// Repeats are counted and told every ten seconds, so that a flood of bad peers is not a flood of lines.
void BusAgent::report() {
  report_at_ = now_.steady + kReport;
  const RequestDoorCounters& c = requests_.counters();
  const auto dropped = (c.no_envelope - reported_.no_envelope) + (c.not_admitted - reported_.not_admitted);
  if (dropped > 0) {
    log_(LogLevel::warn, LogLine("messages_without_envelope").with("dropped", dropped).text());
  }
  const auto flooding = c.peers_flooding - reported_.peers_flooding;
  const auto not_reading = c.peers_not_reading - reported_.peers_not_reading;
  if (flooding + not_reading > 0) {
    log_(LogLevel::warn,
         LogLine("peers_dropped").with("flooding", flooding).with("not_reading", not_reading).text());
  }
  reported_ = c;
  const RateCounters& rates = rates_.counters();
  const auto of_address = rates.of_address - reported_rates_.of_address;
  const auto of_principal = rates.of_principal - reported_rates_.of_principal;
  if (of_address + of_principal > 0) {
    log_(LogLevel::warn, LogLine("requests_over_rate")
                             .with("of_address", of_address)
                             .with("of_principal", of_principal)
                             .with("connections_cut", rates.cut - reported_rates_.cut)
                             .text());
  }
  reported_rates_ = rates;
}

}  // namespace prismbus
