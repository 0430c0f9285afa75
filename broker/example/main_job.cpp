// The main job's program: three subscribers hold copies while a writer replays a change log; at "half way"
// the script that runs it (broker/run.sh) kills the broker and starts it again. At the end every copy is
// compared with the broker.
//   prismbus_main_job ENDPOINT ROOT LIVE_NS LOG_NS LOG_FILE SECONDS
// Exit code: 0 all equal, 1 not, 2 could not start.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>

#include "broker/example/proof.hpp"
#include "broker/example/writer.hpp"

namespace prismbus::example {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Job {
  std::string endpoint, root, live_ns, log_ns, log_file;
  std::chrono::milliseconds length{};
};

void say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);  // the script acts on what it reads
}

Result<std::unique_ptr<Subscriber>> follow(const Job& job, const char* name, const std::string& ns,
                                           bool subtree) {
  SubscriberOptions options;
  options.brokers = {job.endpoint};
  options.client.name = name;
  (subtree ? options.subtrees : options.namespaces) = {ns};
  return Subscriber::open(std::move(options));
}

// "12 of 34 namespaces", how far, and whether the broker is there: what an operator would look at.
void say_progress(const Writer& writer, const std::vector<NamedSubscriber>& subscribers,
                  Clock::time_point began) {
  const Writer::Count count = writer.count();
  std::string line = fmt::format("  {:>4.1f} s  {} writes, {} acknowledged;",
                                 std::chrono::duration<double>(Clock::now() - began).count(), count.called,
                                 count.acknowledged);
  for (const NamedSubscriber& who : subscribers) {
    const SubscriberStatus status = who.subscriber->status();
    std::uint64_t seqs = 0;
    for (const NamespaceStatus& ns : status.namespaces) seqs += ns.seq.value();
    line += fmt::format(" {} has {} change sets{};", who.name, seqs, status.connected ? "" : " (no broker)");
  }
  line.back() = '.';
  say(line);
}

// Paces the log over the job's length; the writes of a set are called at its time whether the broker is there
// or not.
void replay(const Job& job, const std::vector<LoggedSet>& log, Writer& writer,
            const std::vector<NamedSubscriber>& subscribers) {
  const auto began = Clock::now();
  auto progress_at = began + 1s;
  for (std::size_t i = 0; i < log.size(); ++i) {
    std::this_thread::sleep_until(began + job.length * i / log.size());
    if (i == log.size() / 2) say("half way");
    writer.write(log[i], i);
    if (Clock::now() >= progress_at) {
      say_progress(writer, subscribers, began);
      progress_at += 1s;
    }
  }
}

int finish(const Verdict& verdict, const Writer::Count& count, std::size_t subscribers) {
  for (const std::string& failure : count.failures) say("not written: " + failure);
  for (const std::string& difference : verdict.differences) say("WRONG: " + difference);
  const bool proven = verdict.differences.empty() && count.failures.empty() &&
                      count.called == count.acknowledged && verdict.equal == verdict.copies &&
                      verdict.copies > subscribers;
  say(fmt::format(
      "{}: {} of {} copies held by {} subscribers equal the broker ({} namespaces, {} values: seq, hash "
      "and digest); {} of {} writes acknowledged, {} differences",
      proven ? "PROVEN" : "FAILED", verdict.equal, verdict.copies, subscribers, verdict.namespaces,
      verdict.values, count.acknowledged, count.called, verdict.differences.size()));
  return proven ? 0 : 1;
}

int cannot_start(const Error& error) {
  std::fputs(("prismbus_main_job: " + error.message + "\n").c_str(), stderr);
  return 2;
}

int run(const Job& job) {
  const auto log = read_change_log(job.log_file);
  if (!log) return cannot_start(log.error());
  PublisherOptions options;
  options.brokers = {job.endpoint};
  options.client.name = "main-job-writer";
  auto publisher = Publisher::open(std::move(options));
  if (!publisher) return cannot_start(publisher.error());
  auto one = follow(job, "main-job-one", job.live_ns, false);
  auto two = follow(job, "main-job-two", job.log_ns, false);
  auto tree = follow(job, "main-job-tree", job.root, true);
  for (const auto* opened : {&one, &two, &tree}) {
    if (!*opened) return cannot_start(opened->error());
  }
  const std::vector<NamedSubscriber> subscribers{
      {"one", one->get()}, {"two", two->get()}, {"subtree", tree->get()}};
  say(fmt::format("  one follows {}, two follows {}, subtree follows {} and everything below", job.live_ns,
                  job.log_ns, job.root));
  for (const NamedSubscriber& who : subscribers) {
    if (!who.subscriber->wait_live(10s)) say("  " + who.name + " is not live yet");
  }

  Writer writer(**publisher, {job.log_ns, job.live_ns, job.root});
  replay(job, *log, writer, subscribers);
  if (!(*publisher)->flush(20s)) say("  some writes have no answer after 20 s");
  say("every copy against a fresh list:");
  const Verdict verdict = prove(**publisher, job.root, subscribers, writer);
  return finish(verdict, writer.count(), subscribers.size());
}

}  // namespace
}  // namespace prismbus::example

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fputs("usage: prismbus_main_job ENDPOINT ROOT LIVE_NS LOG_NS LOG_FILE SECONDS\n", stderr);
    return 2;
  }
  const auto seconds = std::max(1, std::atoi(argv[6]));
  return prismbus::example::run(
      {argv[1], argv[2], argv[3], argv[4], argv[5], std::chrono::milliseconds(1000 * seconds)});
}
