#include "broker/daemon/composition.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <optional>
#include <utility>

#include "broker/core/doors.hpp"
#include "broker/core/pipeline.hpp"
#include "broker/core/reader_agent.hpp"
#include "broker/daemon/descriptors.hpp"
#include "broker/daemon/first_policy.hpp"
#include "broker/daemon/queues.hpp"
#include "broker/daemon/ready_file.hpp"
#include "broker/daemon/room_settings.hpp"
#include "broker/daemon/secured.hpp"
#include "broker/daemon/threads.hpp"
#include "broker/gateway/gateway.hpp"
#include "broker/net/admission_agent.hpp"
#include "broker/net/bus_agent.hpp"
#include "broker/net/process_memory.hpp"
#include "broker/sequencer/local.hpp"
#include "broker/store/store.hpp"
#include "proto/base/assert.hpp"
#include "proto/base/secret_bytes.hpp"

namespace prismbus {
namespace {

constexpr std::chrono::minutes kReaderCheck{1};
constexpr std::uint64_t kCommonIoThread = 1, kExpressIoThread = 2;  // ZMQ_AFFINITY: a bit a thread

template <class Door>
Result<void> bind_all(Door& door, const std::vector<std::string>& endpoints) {
  for (const std::string& text : endpoints) {
    const auto endpoint = Endpoint::parse(text, Endpoint::Use::bind);
    if (!endpoint) return unexpected(endpoint.error());
    if (auto bound = door.bind(*endpoint); !bound) return unexpected(bound.error());
  }
  return {};
}

const char* name_of(BusEnd end) {
  switch (end) {
    case BusEnd::drained:
      return "drained";
    case BusEnd::drain_timeout:
      return "drain_timeout";
    case BusEnd::fatal_journal:
      return "journal";
    case BusEnd::fatal_state:
      break;
  }
  return "state";
}

}  // namespace

// In the order they are made; destroyed the other way round, sockets before their context, users before the
// used.
struct Composition::Parts {
  Parts(const Settings& chosen, LogSink sink, Store opened)
      : settings(chosen),
        log(std::move(sink)),
        store(std::move(opened)),
        queues(settings, wakers),
        sequencer(sequencer_settings(settings), store.journal.meta().last, queues.to_journal,
                  queues.from_journal, log) {}

  Result<void> open_doors();
  Result<void> open_gateway();
  Result<void> open_stream(Lane lane, const StreamDoorSettings& stream,
                           const std::vector<std::string>& endpoints);
  Result<void> put_together();
  [[nodiscard]] BusEnd supervise(const SignalInbox* signals, const Reload& reload);
  void obey(SignalInbox::What what, const Reload& reload);
  void log_serving(const ReadyNotice& notice) const;
  void warn_when_insecure();

  const Settings settings;
  const LogSink log;
  std::optional<std::string> first_policy;
  std::atomic<bool> stopping = false;
  Store store;
  Wakers wakers;
  Queues queues;
  std::unique_ptr<Secured> secured;  // null: no security
  LocalSequencer sequencer;
  TrimGate trim_gate;

  DoorMeter meter;
  AdmissionFigures admission_figures;

  std::optional<Context> context;
  std::unique_ptr<ZapHandler> zap;
  std::optional<RequestDoor> requests;
  StreamDoors streams;
  BusPulse pulse;
  std::optional<GatewayDoor> gateway_door;  // with `gateway`
  std::unique_ptr<Gateway> gateway;         // null: none
  std::optional<Doors> doors;
  std::optional<ConnectionWatch> watch;
  std::optional<AdmissionAgent> admission;
  std::optional<RequestRates> rates;
  std::optional<Pipeline> pipeline;
  std::optional<BusAgent> bus;
  std::optional<JournalAgent> journal;
  std::optional<FoldAgent> fold;
  std::optional<ReaderAgent> reader;
  std::optional<BackupAgent> backup;
  std::optional<SpaceAgent> space;
  std::optional<BrokerThreads> threads;
  Steady warn_at{};  // of a broker that was told to be insecure
};

Result<void> Composition::Parts::open_doors() {
  const std::uint64_t descriptors = raise_descriptor_limit();
  log(descriptors < kDescriptorsFew ? LogLevel::warn : LogLevel::info,
      LogLine("descriptor_limit").with("descriptors", descriptors).text());
  // Express has an I/O thread of its own: what fills the other one does not stand in its way.
  const bool has_express = !settings.express.empty();
  context.emplace(has_express ? 2 : 1);
  auto handler =
      ZapHandler::bind(*context, descriptors,
                       secured ? secured->files().allowed : nullptr);  // before any socket that asks it
  if (!handler) return unexpected(handler.error());
  zap = std::move(*handler);
  watch.emplace(*context, meter, connection_limits(settings),
                ConnectionWatch::Hooks{[this] { wakers.bus.wake(); }, anonymous_bytes});
  const AdmissionLinks links{queues.to_admission, secured ? &secured->lists_to_admission() : nullptr,
                             admission_figures};
  admission.emplace(*zap, *watch, links, wakers.admission, log);
  RequestDoorSettings door{
      .io_thread_affinity = kCommonIoThread, .meter = &meter, .figures = &admission_figures};
  if (secured) {
    door.curve_secret = secured->files().curve.secret_key;
    door.clients = &secured->clients();
  }
  requests.emplace(*context, door);
  watch->observe(requests->socket(), ConnectionWatch::Door::requests);
  if (auto bound = bind_all(*requests, settings.requests); !bound) return bound;
  StreamDoorSettings stream;
  stream.subscriber_frames_max = static_cast<int>(settings.subscriber_frames_max);
  stream.io_thread_affinity = kCommonIoThread;
  if (secured && settings.stream_curve) {
    stream.curve_secret = secured->files().curve.secret_key;
    stream.clients = &secured->clients();
  }
  auto bound = open_stream(Lane::changes, stream, settings.changes);
  if (!bound || !has_express) return bound;
  stream.io_thread_affinity = kExpressIoThread;
  return open_stream(Lane::express, stream, settings.express);
}

Result<void> Composition::Parts::open_stream(Lane lane, const StreamDoorSettings& stream,
                                             const std::vector<std::string>& endpoints) {
  StreamDoor& door = streams.add(*context, lane, stream);
  watch->observe(door.socket(), ConnectionWatch::Door::stream);
  return bind_all(door, endpoints);
}

Result<void> Composition::Parts::open_gateway() {
  if (settings.gateway.empty()) return {};
  auto opened =
      Gateway::open(gateway_settings(settings), {queues.to_bus_from_gateway, queues.to_gateway, queues.live},
                    pulse, wakers.gateway, log);
  if (!opened) return unexpected(opened.error());
  gateway = std::move(*opened);
  gateway_door.emplace(queues.to_bus_from_gateway, queues.to_gateway);
  return {};
}

Result<void> Composition::Parts::put_together() {
  BackupQueues backups;
  if (!settings.backup_dir.empty()) backups = {&queues.to_backup, &queues.from_backup};
  const PipelineQueues pipes{queues.to_fold,
                             queues.from_fold,
                             queues.to_trim,
                             queues.to_reader,
                             queues.from_reader,
                             backups,
                             secured ? secured->audit_queues() : AuditQueues{},
                             &queues.space,
                             gateway ? &queues.live : nullptr};
  doors.emplace(*requests, gateway_door ? &*gateway_door : nullptr);
  rates.emplace(secured ? secured->authoriser(*doors) : std::make_unique<OpenAuthoriser>(), *doors,
                [this](ConnectionId connection) { return doors->drop(connection); });
  rates->set(live_settings(settings).rates);
  pipeline.emplace(pipeline_settings(settings, streams, secured ? &secured->files() : nullptr), store,
                   sequencer, pipes, *doors, streams, *rates, log);
  if (pipeline->fatal() != Fatal::none)
    return fail(ErrorCode::internal, "the store is damaged: prismbusd check tells what is wrong");
  if (first_policy) pipeline->on_request({kBrokerItself, {}, {}}, *first_policy, read_clock());
  bus.emplace(*pipeline, *rates, *requests, streams, wakers.bus, log,
              secured ? &secured->clients() : nullptr);
  if (gateway) bus->add_gateway(*gateway_door, pulse);
  journal.emplace(store.journal, queues.to_journal, queues.from_journal,
                  TrimOrders{queues.to_trim, trim_gate});
  fold.emplace(store.state, fold_settings(settings), queues.to_fold, queues.from_fold, &queues.to_retention);
  backup.emplace(store, BackupSettings{settings.backup_dir, settings.free_space_floor}, trim_gate,
                 queues.to_backup, queues.from_backup);
  space.emplace(store.journal.env(), store.state.env(), queues.space);
  ReaderSettings reading;
  reading.express = !settings.express.empty();
  reading.cached_chunks_bytes_max = settings.cached_chunks_bytes_max;
  reading.cached_changes_bytes_max = settings.cached_changes_bytes_max;
  if (secured) {
    reading.stream_master = secured->files().stream_master;
    reading.audit = &secured->audit_lines();
  }
  reader.emplace(reading, store, queues.to_reader, queues.from_reader);
  return {};
}

// Until the bus thread has ended.
BusEnd Composition::Parts::supervise(const SignalInbox* signals, const Reload& reload) {
  const int signal_fd = signals == nullptr ? -1 : signals->fd();  // poll leaves out what is negative
  std::array<pollfd, 2> waited{{{signal_fd, POLLIN, 0}, {wakers.supervisor.fd(), POLLIN, 0}}};
  std::vector<BusEnd> ends;
  while (queues.ended.drain(ends) == 0) {
    warn_when_insecure();
    store.journal.env()->check_readers();
    store.state.env()->check_readers();
    ::poll(waited.data(), waited.size(), static_cast<int>(std::chrono::milliseconds(kReaderCheck).count()));
    if (waited[1].revents != 0) wakers.supervisor.clear();
    while (const auto what = signals == nullptr ? std::nullopt : signals->take()) obey(*what, reload);
    if (stopping) threads->drain_bus();
  }
  return ends.front();
}

void Composition::Parts::obey(SignalInbox::What what, const Reload& reload) {
  if (what == SignalInbox::What::stop) {
    log(LogLevel::info, LogLine("stopping").text());
    stopping = true;
    return;
  }
  const auto now = reload();
  if (!now) return;
  const bool bus_told = queues.to_bus.try_push(live_settings(*now));
  const bool door_told = queues.to_admission.try_push(connection_limits(*now));
  const bool handed = queues.to_retention.try_push(retention_settings(*now)) && bus_told && door_told;
  log(handed ? LogLevel::info : LogLevel::warn, LogLine("reloaded").with("in_force", handed).text());
}

// Said again each minute: who looks at the log today did not see it start.
void Composition::Parts::warn_when_insecure() {
  const Steady now = read_clock().steady;
  if (!settings.insecure || now < warn_at) return;
  warn_at = now + kReaderCheck;
  log(LogLevel::warn,
      LogLine("insecure").with("why", "anybody who reaches it may read and write everything").text());
}

void Composition::Parts::log_serving(const ReadyNotice& notice) const {
  LogLine line("serving");
  for (const std::string& endpoint : notice.requests) line.with("requests", endpoint);
  for (const std::string& endpoint : notice.changes) line.with("changes", endpoint);
  for (const std::string& endpoint : notice.express) line.with("express", endpoint);
  for (const std::string& endpoint : notice.gateway) line.with("gateway", endpoint);
  line.with("security", secured != nullptr).with("rev", store.journal.meta().last.value());
  log(LogLevel::info, line.text());
}

Composition::Composition(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Composition::~Composition() = default;

Result<std::unique_ptr<Composition>> Composition::open(const Settings& settings, LogSink log) {
  std::optional<SecurityFiles> security;
  if (!settings.security.empty() || !settings.gateway_tls_key.empty()) forbid_core_dumps();
  if (!settings.security.empty()) {
    auto files = SecurityFiles::load(settings.security);
    if (!files) return unexpected(files.error());
    security = std::move(*files);
  }
  StoreSettings where;
  where.dir = settings.data_dir;
  where.map_bytes = settings.map_bytes;
  if (security) where.vault = std::make_shared<const ValueVault>(security->stream_master);
  auto store = Store::open(where);
  if (!store) return unexpected(store.error());
  std::optional<std::string> first_policy;
  if (security) {
    auto request = first_policy_request(settings.security, *store);
    if (!request) return unexpected(request.error());
    first_policy = std::move(*request);
  }
  auto parts = std::make_unique<Parts>(settings, std::move(log), std::move(*store));
  if (security) {
    auto secured = Secured::open(settings, std::move(*security), parts->wakers, parts->log);
    if (!secured) return unexpected(secured.error());
    parts->secured = std::move(*secured);
  }
  parts->first_policy = std::move(first_policy);
  if (auto opened = parts->open_doors(); !opened) return unexpected(opened.error());
  if (auto opened = parts->open_gateway(); !opened) return unexpected(opened.error());
  if (auto made = parts->put_together(); !made) return unexpected(made.error());
  return std::unique_ptr<Composition>(new Composition(std::move(parts)));
}

ReadyNotice Composition::bound() const {
  ReadyNotice notice{
      ::getpid(), parts_->requests->endpoints(), parts_->streams.all().front()->endpoints(), {}, {}};
  if (!parts_->settings.express.empty()) notice.express = parts_->streams.all().back()->endpoints();
  if (parts_->gateway) notice.gateway.push_back(parts_->gateway->endpoint());
  return notice;
}

void Composition::stop() {
  parts_->stopping = true;
  parts_->wakers.supervisor.wake();
}

int Composition::run(const SignalInbox* signals, const Reload& reload) {
  Parts& p = *parts_;
  const ReadyNotice notice = bound();
  p.log_serving(notice);
  p.threads.emplace(
      Agents{*p.pipeline, *p.bus, *p.journal, *p.fold, *p.reader, *p.backup, *p.space, *p.admission,
             p.secured ? &p.secured->tokens() : nullptr, p.secured ? &p.secured->client_list() : nullptr,
             p.secured ? &p.secured->audit() : nullptr, p.gateway.get()},
      p.wakers, p.queues.to_bus, p.queues.ended);
  if (!p.settings.ready_file.empty()) {
    if (auto written = write_ready_file(p.settings.ready_file, notice); !written) {
      p.log(LogLevel::error, LogLine("no_ready_file").with("reason", written.error().message).text());
    }
  }
  const BusEnd end = p.supervise(signals, reload);
  p.threads->stop_doors();
  const bool died = end == BusEnd::fatal_journal || end == BusEnd::fatal_state;
  remove_ready_file(p.settings.ready_file);
  if (died) {
    p.log(LogLevel::error, LogLine("store_failed").with("environment", name_of(end)).text());
    p.threads->abandon_disk();
    // The last answers are still on their way: closing the sockets gives them their bounded linger.
    p.bus.reset();
    p.pipeline.reset();
    p.rates.reset();
    p.admission.reset();
    p.watch.reset();  // before the sockets it watches
    p.requests.reset();
    p.streams = StreamDoors();
    p.zap.reset();
    p.context.reset();
    return 1;
  }
  p.threads->stop_disk();
  p.log(LogLevel::info, LogLine("stopped").with("bus", name_of(end)).text());
  return 0;
}

}  // namespace prismbus
