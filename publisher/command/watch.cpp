// prismbus watch: prints a namespace and its changes as they happen, until INT or TERM.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <map>
#include <memory>

#include "proto/wire/names.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/watch_lines.hpp"

namespace prismbus::command {
namespace {

constexpr int kPollMs = 50;                 // while joining; later only signals and changes wake us
constexpr std::chrono::seconds kSettle{1};  // for the last callbacks of the start to arrive

struct Options {
  std::string ns;
  WatchLook look;
  std::uint64_t count = 0;
};

// INT and TERM as a descriptor. Made before any thread is, so that every thread has them blocked.
class StopSignals {
 public:
  StopSignals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~StopSignals() { ::close(fd_); }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

// One run of the command, after its subscriber was opened.
class Watch {
 public:
  Watch(const Options& options, Invocation& in, Subscriber& subscriber, WatchFeed& feed)
      : options_(options), in_(in), subscriber_(subscriber), feed_(feed), lines_(options.look, in.terminal) {}

  Outcome<void> run(int stop_fd) {
    const auto deadline = std::chrono::steady_clock::now() + in_.globals.timeout;
    for (;;) {
      pollfd fds[] = {{stop_fd, POLLIN, 0}, {feed_.fd(), POLLIN, 0}};
      ::poll(fds, 2, subscribed_ ? -1 : kPollMs);
      if ((fds[0].revents & POLLIN) != 0) return {};
      print_news();
      if (options_.count > 0 && printed_ >= options_.count) return {};
      if (!in_.terminal.out) return {};  // nobody reads any more
      if (!subscribed_ && !live_since_ && std::chrono::steady_clock::now() >= deadline) return not_live();
      if (!subscribed_) check_subscribed();
    }
  }

 private:
  void print_news() {
    const Epoch epoch = subscriber_.view().epoch();
    for (const WatchedItem& item : feed_.take()) {
      if (const auto* set = std::get_if<WatchedSet>(&item)) {
        if (lines_.print(*set, epoch)) ++printed_;
        shown_[set->ns] = set->seq;
      } else if (subscribed_) {
        lines_.print(std::get<WatchedState>(item));
      }
    }
    if (const auto dropped = feed_.take_dropped(); dropped > 0) lines_.print_dropped(dropped);
    in_.terminal.out.flush();
  }

  // Live, and every callback of the start has been printed (they come a little after the state is live).
  void check_subscribed() {
    const auto now = std::chrono::steady_clock::now();
    if (!live_since_ && subscriber_.wait_live(std::chrono::milliseconds(0))) live_since_ = now;
    if (!live_since_) return;
    const SubscriberStatus status = subscriber_.status();
    for (const NamespaceStatus& n : status.namespaces) {
      const bool arrived = n.seq.value() == 0 || shown_[n.ns] >= n.seq;
      if (!arrived && now - *live_since_ < kSettle) return;
    }
    lines_.print_subscribed(status);
    in_.terminal.out.flush();
    subscribed_ = true;
  }

  tl::unexpected<Failure> not_live() const {
    const SubscriberStatus status = subscriber_.status();
    if (!status.connected) return unreachable(in_.globals);
    Error e;
    e.code = ErrorCode::unavailable;
    e.message = "connected, but not in step with the broker in time";
    for (const NamespaceStatus& n : status.namespaces) {
      if (!n.why.empty()) e.message += fmt::format("; {}: {}", n.ns, n.why);
    }
    return failed(e, "watch");
  }

  const Options& options_;
  Invocation& in_;
  Subscriber& subscriber_;
  WatchFeed& feed_;
  WatchLines lines_;
  std::map<std::string, Seq> shown_;
  std::optional<std::chrono::steady_clock::time_point> live_since_;
  bool subscribed_ = false;
  std::uint64_t printed_ = 0;
};

Outcome<void> watch(const Options& o, Invocation& in) {
  const bool everything = o.look.with_namespace && o.ns.empty();
  if (const auto fine = validate_namespace(o.ns, "NS"); !everything && !fine)
    return failed(fine.error(), "watch");
  if (o.look.glob) {
    if (const auto fine = validate_glob(*o.look.glob, "--glob"); !fine) return failed(fine.error(), "watch");
  }
  const StopSignals signals;
  WatchFeed feed;
  SubscriberOptions options;
  options.brokers = in.globals.brokers;
  options.client = command_identity();
  (o.look.with_namespace ? options.subtrees : options.namespaces).push_back(o.ns);
  options.callbacks = feed.callbacks();
  auto subscriber = Subscriber::open(std::move(options));
  if (!subscriber) return failed(subscriber.error(), "watch");
  const auto outcome = Watch(o, in, **subscriber, feed).run(signals.fd());
  (*subscriber)->stop();
  return outcome;
}

}  // namespace

void add_watch(CommandLine line) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = line.app.add_subcommand("watch", "Print a namespace and its changes as they happen");
  sub->fallthrough();
  sub->add_option("NS", o->ns, "Namespace; with --subtree \"\" is everything")->required();
  sub->add_flag("--subtree", o->look.with_namespace, "The namespaces below NS too");
  sub->add_flag("--changes-only", o->look.changes_only, "Do not print what is there at the start");
  sub->add_option("--glob", o->look.glob,
                  "Only keys that match: ? one character, * a run without /, ** any run")
      ->type_name("GLOB");
  sub->add_option("--count", o->count, "End after this many change sets")->type_name("N");
  sub->footer(
      "First what is there (. KEY VALUE), then every change: + added, ~ changed, - deleted. It survives the "
      "broker's\n"
      "restarts; when it had to compare with a new snapshot it says so (= NS resynced). INT and TERM end it, "
      "exit code 0.\n"
      "--json prints one object a line: {\"type\": \"snapshot\" | \"subscribed\" | \"change\" | \"state\" | "
      "\"gap\", ...}.\n\n"
      "Examples:\n"
      "  prismbus watch md.okx\n"
      "  prismbus watch md --subtree --changes-only\n"
      "  prismbus watch md.okx --glob 'symbols/**'\n"
      "  prismbus watch md.okx --json | jq -c 'select(.type == \"change\") | .changes[]'\n");
  sub->callback([o, &chosen = line.chosen] {
    chosen = [o](Invocation& in) {
      o->look.json = in.globals.json;
      return watch(*o, in);
    };
  });
}

}  // namespace prismbus::command
