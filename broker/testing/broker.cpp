#include "broker/testing/broker.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "broker/daemon/composition.hpp"

namespace prismbus::testing {
namespace {

// On memory where the system has some to mount, else where temporary files go.
Result<std::string> make_directory() {
  std::error_code error;
  const bool shared_memory = std::filesystem::is_directory("/dev/shm", error);
  std::string path =
      (shared_memory ? std::string("/dev/shm") : std::filesystem::temp_directory_path().string()) +
      "/prismbus-testing-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return tl::unexpected(error_of(ErrorCode::unavailable, "no temporary directory " + path));
  }
  return path;
}

Result<Settings> settings_for(const BrokerOptions& options, const std::string& dir) {
  const SaidSettings said{{"--data-dir", {dir}},
                          {"--requests", {"tcp://127.0.0.1:0"}},
                          {"--changes", {"tcp://127.0.0.1:0"}},
                          {"--map-bytes", {fmt::format("{}", options.map_bytes)}},
                          {"--free-space-floor", {"0"}},  // memory-backed file systems are small
                          {"--heartbeat-ms", {fmt::format("{}", options.heartbeat.count())}}};
  auto outcome = merge_settings(
      {}, [](std::string_view) { return std::nullopt; }, said);
  if (!outcome.mistakes.empty()) {
    return tl::unexpected(error_of(ErrorCode::invalid_argument, outcome.mistakes.front()));
  }
  return std::move(outcome.settings);
}

}  // namespace

class Broker::Impl {
 public:
  Impl(Settings chosen, std::string dir, LogSink sink)
      : settings_(std::move(chosen)),
        root_(std::move(dir)),
        log_(sink ? std::move(sink) : LogSink([](LogLevel, std::string_view) {})) {}
  ~Impl() {
    stop();
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> serve() {
    if (running_) return {};
    auto opened = Composition::open(settings_, log_);
    if (!opened) return tl::unexpected(opened.error());
    running_ = std::move(*opened);
    const ReadyNotice bound = running_->bound();
    settings_.requests = bound.requests;  // the same ones after a restart
    settings_.changes = bound.changes;
    thread_ = std::thread([this] { failed_ = running_->run(nullptr, nullptr) != 0; });
    return {};
  }

  void stop() {
    if (!running_) return;
    running_->stop();
    thread_.join();
    // After a fault of the store a thread may still wait for the disk: what it uses has to stay.
    if (failed_) (void)running_.release();
    running_.reset();
  }

  Result<void> wipe() {
    stop();
    std::error_code error;
    std::filesystem::remove_all(settings_.data_dir, error);
    if (error) return tl::unexpected(error_of(ErrorCode::unavailable, error.message()));
    return {};
  }

  [[nodiscard]] const Settings& settings() const { return settings_; }

 private:
  Settings settings_;
  const std::string root_;
  const LogSink log_;
  std::unique_ptr<Composition> running_;
  std::thread thread_;
  bool failed_ = false;  // of the last run(); thread_ writes it, who joined it reads
};

Broker::Broker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Broker::~Broker() = default;

Result<std::unique_ptr<Broker>> Broker::start(BrokerOptions options) {
  auto dir = make_directory();
  if (!dir) return tl::unexpected(dir.error());
  auto settings = settings_for(options, *dir + "/data");
  if (!settings) {
    ::rmdir(dir->c_str());
    return tl::unexpected(settings.error());
  }
  auto impl = std::make_unique<Impl>(std::move(*settings), *dir, std::move(options.log));
  if (auto served = impl->serve(); !served) return tl::unexpected(served.error());
  return std::unique_ptr<Broker>(new Broker(std::move(impl)));
}

const std::string& Broker::requests() const {
  return impl_->settings().requests.front();
}
const std::string& Broker::changes() const {
  return impl_->settings().changes.front();
}
void Broker::stop() {
  impl_->stop();
}
Result<void> Broker::resume() {
  return impl_->serve();
}
Result<void> Broker::start_over() {
  if (auto wiped = impl_->wipe(); !wiped) return wiped;
  return impl_->serve();
}

}  // namespace prismbus::testing
