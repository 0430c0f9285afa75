// The audit file: it goes on where it stopped, over restarts, torn lines and new files; and what its agent
// answers.
#include "broker/security/audit_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "broker/security/audit_agent.hpp"
#include "broker/security/audit_listing.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "prismbus-audit-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name + "/audit";
  }
  ~Folder() { std::filesystem::remove_all(std::filesystem::path(path).parent_path()); }
  [[nodiscard]] AuditFile open(std::uint64_t rotate = AuditFile::kRotateBytes) const {
    auto file = AuditFile::open(
        path, [](LogLevel, std::string_view) {}, rotate);
    REQUIRE(file);
    return std::move(*file);
  }
  std::string path;
};

AuditEntry entry(std::uint64_t micros, std::string by = "x") {
  AuditEntry e;
  e.what = "login";
  e.time = from_micros(micros);
  e.by = std::move(by);
  return e;
}

void append(AuditFile& file, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t n = from; n <= to; ++n) {
    const AuditEntry e = entry(n);
    REQUIRE(file.append({&e, 1}));
  }
}

std::vector<std::uint64_t> numbers(AuditFileReader& reader, std::uint64_t from, std::size_t at_most) {
  const auto lines = reader.read(from, at_most);
  REQUIRE(lines);
  std::vector<std::uint64_t> out;
  for (const AuditLine& line : *lines) out.push_back(line.chain.n);
  return out;
}

}  // namespace

TEST_CASE("an audit file goes on behind its last line, and cuts off a torn one") {
  const Folder folder;
  {
    AuditFile file = folder.open();
    append(file, 1, 3);
    REQUIRE(file.sync());
  }
  const std::string path = audit_file_path(folder.path, 1);
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
  std::ofstream(path, std::ios::app) << R"({"n":4,"time":)";
  AuditFile file = folder.open();
  CHECK(file.chain().n == 3);
  append(file, 4, 5);
  const auto report = verify_audit_files(folder.path);
  REQUIRE(report);
  CHECK(report->findings.empty());
  CHECK(report->lines == 5);
  CHECK(report->end == file.chain());
}

TEST_CASE("files are turned, each named by its first line, and read as one; the oldest may be put away") {
  const Folder folder;
  {
    AuditFile file = folder.open(1000);
    append(file, 1, 10);
  }
  AuditFile file = folder.open(1000);
  append(file, 11, 20);
  const auto files = list_audit_files(folder.path);
  REQUIRE(files);
  REQUIRE(files->size() > 3);
  CHECK(verify_audit_files(folder.path)->findings.empty());
  AuditFileReader reader(folder.path);
  CHECK(numbers(reader, 1, 100).size() == 20);
  CHECK(numbers(reader, 7, 5) == std::vector<std::uint64_t>{7, 8, 9, 10, 11});
  CHECK(numbers(reader, 12, 3) == std::vector<std::uint64_t>{12, 13, 14});
  CHECK(numbers(reader, 3, 1) == std::vector<std::uint64_t>{3});
  CHECK(numbers(reader, 21, 5).empty());
  append(file, 21, 21);
  CHECK(numbers(reader, 21, 5) == std::vector<std::uint64_t>{21});
  for (std::uint64_t n = 1; n <= 21; ++n) CHECK(*reader.first_since(from_micros(n)) == n);
  CHECK(*reader.first_since(from_micros(50)) == 22);
  std::filesystem::remove(files->front().path);
  CHECK(verify_audit_files(folder.path)->findings.empty());
  CHECK(numbers(reader, 1, 100).front() == (*files)[1].first);
  std::filesystem::remove((*files)[2].path);
  CHECK_FALSE(verify_audit_files(folder.path)->findings.empty());
}

TEST_CASE("a file that was begun and holds nothing yet goes on with the chain before it") {
  const Folder folder;
  {
    AuditFile file = folder.open();
    append(file, 1, 3);
  }
  std::ofstream(audit_file_path(folder.path, 4)).flush();
  AuditFile file = folder.open();
  CHECK(file.chain().n == 3);
  append(file, 4, 4);
  CHECK(verify_audit_files(folder.path)->findings.empty());
}

TEST_CASE("a last line that is none is no start, and names the file") {
  const Folder folder;
  {
    AuditFile file = folder.open();
    append(file, 1, 2);
  }
  std::ofstream(audit_file_path(folder.path, 1), std::ios::app) << "{}\n";
  const auto opened = AuditFile::open(folder.path, [](LogLevel, std::string_view) {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.find(audit_file_path(folder.path, 1)) != std::string::npos);
}

TEST_CASE("the agent answers an operation when its line is on the disk, and says why not when it cannot be") {
  const Folder folder;
  BoundedQueue<AuditOrder> in(8, nullptr);
  BoundedQueue<AuditOutcome> out(8, nullptr);
  AuditAgent agent(folder.open(1), in, out, [](LogLevel, std::string_view) {});
  const Now now{Steady(1h), from_micros(1)};
  REQUIRE(agent.begin(now));
  AuditOrder noted{{entry(2), entry(3)}, 0};
  AuditOrder held{{entry(4, "admin")}, 7};
  REQUIRE(in.try_push(std::move(noted)));
  REQUIRE(in.try_push(std::move(held)));
  CHECK(agent.step(now) == 2);
  std::vector<AuditOutcome> outcomes;
  REQUIRE(out.drain(outcomes) == 1);
  CHECK(outcomes[0].ticket == 7);
  CHECK_FALSE(outcomes[0].refused);
  CHECK(agent.chain().n == 4);

  // The next file cannot be made: the directory is gone.
  std::filesystem::rename(folder.path, folder.path + ".away");
  AuditOrder lost{{entry(5), entry(6)}, 0}, refused{{entry(7, "admin")}, 8};
  REQUIRE(in.try_push(std::move(lost)));
  REQUIRE(in.try_push(std::move(refused)));
  CHECK(agent.step(now) == 2);
  outcomes.clear();
  REQUIRE(out.drain(outcomes) == 1);
  REQUIRE(outcomes[0].refused);
  CHECK(outcomes[0].refused->code == ErrorCode::unavailable);
  CHECK(agent.chain().n == 4);

  std::filesystem::rename(folder.path + ".away", folder.path);
  AuditOrder again{{entry(8, "admin")}, 9};
  REQUIRE(in.try_push(std::move(again)));
  agent.end(now);
  outcomes.clear();
  REQUIRE(out.drain(outcomes) == 1);
  CHECK_FALSE(outcomes[0].refused);
  AuditFileReader reader(folder.path);
  const auto lines = reader.read(5, 10);
  REQUIRE(lines);
  REQUIRE(lines->size() == 3);
  CHECK((*lines)[0].record.what == "lost");
  CHECK((*lines)[0].record.times == 2);
  CHECK((*lines)[2].record.what == "stopped");
  CHECK(verify_audit_files(folder.path)->findings.empty());
}

}  // namespace prismbus
