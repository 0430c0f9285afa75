#include "broker/net/admission_agent.hpp"

#include <algorithm>
#include <utility>

namespace prismbus {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kIdle{1000};  // connections that ended untold are looked for this often
constexpr milliseconds kReport{10'000};

}  // namespace

AdmissionAgent::AdmissionAgent(ZapHandler& handler, ConnectionWatch& watch, const AdmissionLinks& links,
                               Waker& waker, LogSink log)
    : handler_(handler), watch_(watch), links_(links), waker_(waker), log_(std::move(log)) {}

std::size_t AdmissionAgent::step(Now now) {
  told_.clear();
  if (links_.limits.drain(told_) > 0) watch_.set_limits(told_.back());
  told_keys_.clear();
  if (links_.keys != nullptr && links_.keys->drain(told_keys_) > 0)
    handler_.set_allowed(std::move(told_keys_.back()));
  const std::size_t done = watch_.step(now.steady) + handler_.step();
  tell_figures();
  if (now.steady >= report_at_) report(now);
  return done;
}

void AdmissionAgent::tell_figures() {
  const WatchCounters& watched = watch_.counters();
  DoorFigures figures;
  figures.connections = watch_.connections();
  figures.refused_connections = watched.over_connections_max;
  figures.refused_address_connections = watched.over_address_max;
  figures.refused_descriptors = handler_.refused();
  figures.refused_keys = handler_.unknown_keys();
  figures.cut_endless = watched.endless;
  figures.cut_crowding = watched.crowding;
  figures.cut_oversubscribed = watched.oversubscribed;
  links_.figures.tell(figures);
}

void AdmissionAgent::wait(Now now) {
  const auto look = watch_.next_look(now.steady);
  waited_.clear();
  waited_.push_back({handler_.handle(), 0, ZMQ_POLLIN, 0});
  waited_.push_back({nullptr, waker_.fd(), ZMQ_POLLIN, 0});
  for (void* const monitor : watch_.monitors()) waited_.push_back({monitor, 0, ZMQ_POLLIN, 0});
  // While a look is due anyway, traffic does not wake.
  if (!look) waited_.push_back({nullptr, watch_.traffic_fd(), ZMQ_POLLIN, 0});
  const auto left = look ? std::chrono::ceil<milliseconds>(*look - now.steady) : kIdle;
  poll_sockets(waited_, std::max(left, milliseconds(0)));
  if (waited_[1].revents != 0) waker_.clear();
}

void AdmissionAgent::report(Now now) {
  report_at_ = now.steady + kReport;
  const WatchCounters& c = watch_.counters();
  const WatchCounters& r = reported_;
  const auto endless = c.endless - r.endless, crowding = c.crowding - r.crowding,
             oversubscribed = c.oversubscribed - r.oversubscribed;
  if (endless + crowding + oversubscribed > 0) {
    log_(LogLevel::warn, LogLine("connections_cut")
                             .with("endless", endless)
                             .with("crowding", crowding)
                             .with("oversubscribed", oversubscribed)
                             .text());
  }
  const auto total = c.over_connections_max - r.over_connections_max,
             address = c.over_address_max - r.over_address_max,
             descriptors = handler_.refused() - reported_refused_,
             keys = handler_.unknown_keys() - reported_unknown_keys_;
  if (total + address + descriptors + keys > 0) {
    log_(LogLevel::warn, LogLine("connections_refused")
                             .with("connections_max", total)
                             .with("address_connections_max", address)
                             .with("descriptors", descriptors)
                             .with("unknown_keys", keys)
                             .text());
  }
  reported_ = c;
  reported_refused_ = handler_.refused();
  reported_unknown_keys_ = handler_.unknown_keys();
}

}  // namespace prismbus
