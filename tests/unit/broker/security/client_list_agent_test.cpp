// clients.allow while a broker serves: taken when it changes, and told, taken or not.
#include "broker/security/client_list_agent.hpp"

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

namespace prismbus {
namespace {

using namespace std::chrono_literals;

const std::string kKey = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "prismbus-clients-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
    file = path + "/clients.allow";
    write("");
  }
  ~Folder() { std::filesystem::remove_all(path); }
  // Another file in its place, as whoever writes with care does.
  void write(const std::string& text) const {
    std::ofstream(file + ".new") << text;
    std::filesystem::permissions(file + ".new", std::filesystem::perms(0600));
    std::filesystem::rename(file + ".new", file);
  }
  std::string path, file;
};

}  // namespace

TEST_CASE("a list that changed is handed on, and the audit is told how many keys it has") {
  const Folder folder;
  BoundedQueue<AllowedClientsPtr> bus(1, nullptr), admission(1, nullptr);
  BoundedQueue<AuditEntry> news(4, nullptr);
  ClientListAgent agent(folder.file, {&bus, &admission}, news, LogSink());
  Now now{Steady(1h), Wall(1h)};
  const auto step = [&] {
    now.steady += FileLook::kEvery;
    return agent.step(now);
  };
  const auto told = [&news] {
    std::vector<AuditEntry> entries;
    news.drain(entries);
    REQUIRE(entries.size() == 1);
    CHECK(entries[0].what == "client_list");
    CHECK(entries[0].by == "_broker");
    return entries[0];
  };
  CHECK(step() == 0);
  CHECK(news.size() == 0);

  folder.write(kKey + "\n");
  CHECK(step() == 1);
  CHECK(told().note == "read anew, 1 key");
  std::vector<AllowedClientsPtr> lists;
  bus.drain(lists);
  REQUIRE(lists.size() == 1);
  CHECK(lists[0]->contains(kKey));

  // The admission has not taken the list before yet: both are told again later, and the audit once.
  folder.write("# nobody\n");
  CHECK(step() == 0);
  CHECK(news.size() == 0);
  admission.drain(lists);
  bus.drain(lists);
  CHECK(step() == 1);
  CHECK(told().note == "read anew, 0 keys");

  folder.write("nonsense\n");
  CHECK(step() == 0);
  const AuditEntry refused = told();
  CHECK(refused.code == "invalid_argument");
  CHECK(refused.note == folder.file + ":1: a CURVE key is 40 characters of Z85");
  std::filesystem::remove(folder.file);
  CHECK(step() == 0);
  CHECK(told().code == "not_found");
}

}  // namespace prismbus
