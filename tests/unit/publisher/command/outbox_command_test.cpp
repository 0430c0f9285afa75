// prismbus outbox on directories that hold nothing, or cannot be read. No broker is asked.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "publisher/command/command.hpp"
#include "publisher/outbox/outbox_store.hpp"
#include "tests/unit/publisher/outbox_folder.hpp"

using namespace prismbus;
using namespace prismbus::command;

namespace {

constexpr uid_t kNobody = 65534;

struct Ran {
  int code = 0;
  std::string out, err;
};

Ran outbox(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "outbox");
  std::istringstream in;
  std::ostringstream out, err;
  Terminal terminal{in, out, err};
  const auto nothing_set = [](std::string_view) { return std::optional<std::string>(); };
  const int code = run(std::move(arguments), nothing_set, terminal);
  return {code, out.str(), err.str()};
}

// Who may read everything is somebody else meanwhile.
struct WithoutPrivilege {
  const bool changed = ::geteuid() == 0 && ::seteuid(kNobody) == 0;
  ~WithoutPrivilege() {
    if (changed) (void)!::seteuid(0);
  }
};

}  // namespace

TEST_CASE("an outbox with nothing in it says so, and lists nothing as JSON") {
  const OutboxFolder folder;
  REQUIRE(OutboxStore::open(folder.box(), {100, 1u << 20, nullptr}));
  CHECK(outbox({folder.box()}).out == "nothing is waiting, and there are no outcomes\n");
  CHECK(outbox({folder.box(), "--json"}).out == "{\"ok\":true,\"pending\":[],\"outcomes\":[]}\n");
  CHECK(outbox({folder.box(), "--acknowledge-all"}).code == 0);
}

TEST_CASE("a directory without an outbox is not found, and none is made there") {
  const OutboxFolder folder;
  for (const std::string& directory : {folder.path, folder.box()}) {
    for (const bool acknowledges : {false, true}) {
      const Ran ran = acknowledges ? outbox({directory, "--acknowledge-all"}) : outbox({directory});
      CHECK(ran.code == 4);
      CHECK(ran.err == "prismbus: outbox: not_found: no outbox in " + directory + "\n");
    }
  }
  CHECK(std::filesystem::is_empty(folder.path));
}

TEST_CASE("an outbox that cannot be read is told with its path and the reason") {
  const OutboxFolder folder;
  REQUIRE(OutboxStore::open(folder.box(), {100, 1u << 20, nullptr}));
  REQUIRE(::chmod(folder.box().c_str(), 0) == 0);
  Ran ran, acknowledging;
  Result<OutboxListing> listing;
  {
    const WithoutPrivilege nobody;
    ran = outbox({folder.box()});
    acknowledging = outbox({folder.box(), "--acknowledge-all"});
    listing = OutboxStore::read(folder.box());
  }
  REQUIRE(::chmod(folder.box().c_str(), 0700) == 0);
  const std::string why = folder.box() + ": cannot read: Permission denied";
  CHECK(ran.code == 13);
  CHECK(ran.err == "prismbus: " + why + "\n");
  CHECK(acknowledging.err == ran.err);
  REQUIRE_FALSE(listing);
  CHECK(listing.error().code == ErrorCode::unavailable);
  CHECK(listing.error().message == why);

  const std::string file = folder.path + "/file";
  std::ofstream(file) << "text";
  CHECK(outbox({file}).err == "prismbus: " + file + ": cannot read: Not a directory\n");
}
