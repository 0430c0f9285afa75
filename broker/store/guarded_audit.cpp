#include "broker/store/guarded_audit.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>

#include "broker/store/page_walk.hpp"
#include "broker/store/record_bytes.hpp"

namespace prismbus {
namespace {

constexpr rlim_t kSecondsLeast = 60;  // of processor time ...
// ... and a second more for each 4 MiB: damage may be a ring.
constexpr std::uint64_t kBytesPerSecond = 4u << 20;

// ---- what a child tells, as bytes

void append_text(std::string& out, std::string_view text) {
  append_be32(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

std::string encode_report(const Result<AuditReport>& report) {
  std::string out;
  append_u8(out, report ? 1 : 0);
  if (!report) {
    append_u8(out, static_cast<std::uint8_t>(report.error().code));
    append_text(out, report.error().message);
    return out;
  }
  for (const std::uint64_t figure :
       {report->records, report->entries, report->namespaces, report->sessions, report->last.value(),
        report->folded.value(), report->journal_floor.value(), report->state_floor.value(),
        report->sealed_by}) {
    append_be64(out, figure);
  }
  append_be32(out, static_cast<std::uint32_t>(report->findings.size()));
  for (const std::string& finding : report->findings) append_text(out, finding);
  return out;
}

// nullopt: not all of it came.
std::optional<Result<AuditReport>> decode_report(std::string_view bytes) {
  RecordReader in(bytes);
  if (in.u8() == 0) {
    const auto code = static_cast<ErrorCode>(in.u8());
    const std::string_view message = in.bytes(in.be32());
    if (!in.done()) return std::nullopt;
    return fail(code, std::string(message));
  }
  AuditReport report;
  for (std::uint64_t* figure : {&report.records, &report.entries, &report.namespaces, &report.sessions}) {
    *figure = in.be64();
  }
  report.last = Revision(in.be64());
  report.folded = Revision(in.be64());
  report.journal_floor = Revision(in.be64());
  report.state_floor = Revision(in.be64());
  report.sealed_by = in.be64();
  for (std::uint32_t left = in.be32(); left > 0 && in.ok(); --left) {
    report.findings.emplace_back(in.bytes(in.be32()));
  }
  if (!in.done()) return std::nullopt;
  return report;
}

// ---- the child

void limit_child(std::uint64_t bytes_on_disk) {
  const rlim_t seconds = kSecondsLeast + static_cast<rlim_t>(bytes_on_disk / kBytesPerSecond);
  const rlimit processor{seconds, seconds + 1}, no_core{0, 0};
  ::setrlimit(RLIMIT_CPU, &processor);
  ::setrlimit(RLIMIT_CORE, &no_core);
  // LMDB prints what it asserts; the parent says it in one line.
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGXCPU}) std::signal(number, SIG_DFL);
}

[[noreturn]] void run_child(int out, std::uint64_t bytes_on_disk, const std::function<std::string()>& work) {
  limit_child(bytes_on_disk);
  const std::string text = work();
  std::string_view left = text;
  while (!left.empty()) {
    const ssize_t n = ::write(out, left.data(), left.size());
    if (n < 0 && errno != EINTR) std::_Exit(1);
    if (n > 0) left.remove_prefix(static_cast<std::size_t>(n));
  }
  std::_Exit(0);
}

struct ChildEnd {
  std::string told;
  int signal = 0;  // that ended it; 0 = none did
};

Result<ChildEnd> run_in_child(std::uint64_t bytes_on_disk, const std::function<std::string()>& work) {
  const auto failed = [](const char* what) {
    return fail(ErrorCode::unavailable, fmt::format("{}: {}", what, std::strerror(errno)));
  };
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return failed("pipe");
  const pid_t child = ::fork();
  if (child == 0) run_child(pipe[1], bytes_on_disk, work);
  ::close(pipe[1]);
  ChildEnd end;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t n = child < 0 ? 0 : ::read(pipe[0], buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    end.told.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::close(pipe[0]);
  if (child < 0) return failed("fork");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  return end;
}

std::uint64_t bytes_in(const std::string& dir) {
  std::uint64_t bytes = 0;
  for (const char* env : {"/journal/data.mdb", "/state/data.mdb"}) {
    std::error_code failed;
    const auto size = std::filesystem::file_size(dir + env, failed);
    if (!failed) bytes += size;
  }
  return bytes;
}

std::string how(int signal) {
  if (signal == SIGXCPU || signal == SIGKILL) return "the check did not come to an end";
  return fmt::format("reading them ended the check with signal {} ({})", signal, ::strsignal(signal));
}

// Which environment's pages do that? Each is walked alone, in a child of its own.
std::string name_damage(const std::string& dir, std::uint64_t bytes_on_disk, int signal) {
  for (const char* env : {"journal", "state"}) {
    const auto walk = run_in_child(bytes_on_disk, [&] {
      const auto walked = walk_pages(dir + "/" + env);
      return walked ? std::string() : walked.error().message;
    });
    if (!walk || (walk->signal == 0 && walk->told.empty())) continue;
    const std::string what = walk->signal != 0 ? how(walk->signal) : walk->told;
    const bool is_state = env == std::string_view("state");
    return fmt::format("the {}'s LMDB pages are damaged: {}; {}restore a backup", env, what,
                       is_state ? "rebuild the state (prismbusd rebuild) or " : "");
  }
  return fmt::format("the journal's or the state's LMDB pages are damaged: {}; restore a backup",
                     how(signal));
}

}  // namespace

Result<AuditReport> guarded_audit(const std::string& dir) {
  const std::uint64_t bytes = bytes_in(dir);
  const auto end = run_in_child(bytes, [&dir] { return encode_report(audit(dir)); });
  if (!end) return unexpected<Error>(end.error());
  if (end->signal == 0) {
    if (auto report = decode_report(end->told)) return std::move(*report);
    return fail(ErrorCode::internal, "the checking process ended without a report");
  }
  AuditReport report;
  report.findings.push_back(name_damage(dir, bytes, end->signal));
  return report;
}

}  // namespace prismbus
