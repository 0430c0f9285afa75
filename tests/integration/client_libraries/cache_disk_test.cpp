// What a cache leaves on the disk, for whom, and for how long: encryption, secret namespaces, files nobody
// follows.
#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "subscriber/cache/cache_directory.hpp"
#include "subscriber/cache/seed_file.hpp"
#include "tests/integration/client_libraries/cache_bench.hpp"

using namespace prismbus;
using namespace prismbus::test;
using namespace std::chrono_literals;

TEST_CASE(
    "an encrypted cache starts like a plain one, and the disk shows neither names, keys nor values (I5)") {
  Scratch scratch;
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  REQUIRE(publisher->put("fees", "canary-key", std::string("canary-value")).get());
  put(*publisher, "limits", "max", 5);
  auto options = options_of(*broker, scratch);
  options.cache.key_file = key_file(scratch, 'a');
  {
    auto first = Subscriber::open(options).value();
    REQUIRE(first->wait_live(kPatience));
    REQUIRE(first->wait_seq("fees", put(*publisher, "fees", "canary-late", 51), kPatience));
    CHECK(first->status().cache.encrypted);
  }
  for (const char* word : {"canary", "fees", "limits", "max"}) CHECK_FALSE(on_disk(scratch, word));
  broker->stop();
  {
    auto second = Subscriber::open(options).value();
    CHECK(second->status().cache.loaded == 2);
    CHECK(second->view().get_or<std::string>("fees", "canary-key", "") == "canary-value");
    CHECK(second->view().get<std::uint64_t>("fees", "canary-late") == 51u);
    CHECK(second->view().in("fees")->rung() == Rung::disk);
  }

  LogLines log;
  options.log = log.sink();
  SECTION("another key finds no cache, says so, and begins its own when the broker is back") {
    options.cache.key_file = key_file(scratch, 'b');
    {
      auto third = Subscriber::open(options).value();
      CHECK(third->status().cache.dropped == 2);
      CHECK_FALSE(third->view().in("fees"));
    }
    CHECK(log.has("event=cache_file_dropped"));
    CHECK(log.has("the key in cache.key_file does not open it"));
    REQUIRE(broker->resume());
    run_once(options);
    broker->stop();
    auto fourth = Subscriber::open(options).value();
    CHECK(fourth->view().get_or<std::string>("fees", "canary-key", "") == "canary-value");
  }
  SECTION("no key finds no cache and leaves it alone until it has something to write") {
    auto plain = options;
    plain.cache.key_file.clear();
    {
      auto third = Subscriber::open(plain).value();
      CHECK(third->status().cache.dropped == 2);
      CHECK_FALSE(third->view().in("fees"));
    }
    CHECK(log.has("it is encrypted, and there is no cache.key_file"));
    CHECK(Subscriber::open(options).value()->status().cache.loaded == 2);
  }
  CHECK_FALSE(log.has("canary"));
}

TEST_CASE("encryption turned on later: what is there unencrypted is no cache, and leaves the disk") {
  Scratch scratch;
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  put(*publisher, "fees", "canary", 1);
  put(*publisher, "limits", "canary", 5);
  auto options = options_of(*broker, scratch);
  run_once(options);
  CHECK(on_disk(scratch, "canary"));
  broker->stop();
  options.cache.key_file = key_file(scratch, 'a');
  auto second = Subscriber::open(options).value();
  CHECK(second->status().cache.dropped == 2);
  CHECK_FALSE(second->view().in("fees"));
  CHECK_FALSE(on_disk(scratch, "canary"));
}

TEST_CASE("secret namespaces are on disk only when it is encrypted, and never come from a seed") {
  Scratch scratch;
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  put(*publisher, "fees", "plain-key", 1);
  put(*publisher, "limits", "canary-key", 5);
  auto options = options_of(*broker, scratch);
  run_once(options);  // before anybody said that it is secret
  CHECK(on_disk(scratch, "canary"));
  LogLines log;
  options.log = log.sink();
  options.cache.secret = {"limits.**"};
  {
    auto second = Subscriber::open(options).value();
    CHECK(log.has("why=\"cache.secret names it, and it is not encrypted\""));
    CHECK_FALSE(on_disk(scratch, "canary"));
    REQUIRE(second->wait_live(kPatience));
    REQUIRE(second->wait_seq("limits", put(*publisher, "limits", "canary-late", 6), kPatience));
  }
  CHECK(on_disk(scratch, "plain-key"));
  CHECK_FALSE(on_disk(scratch, "canary"));
  broker->stop();
  SECTION("without a key they are not there at the next start") {
    auto third = Subscriber::open(options).value();
    CHECK(third->view().get<std::uint64_t>("fees", "plain-key") == 1u);
    CHECK_FALSE(third->view().in("limits"));
  }
  SECTION("with one they are") {
    options.cache.key_file = key_file(scratch, 'a');
    REQUIRE(broker->resume());
    run_once(options);
    broker->stop();
    auto third = Subscriber::open(options).value();
    CHECK(third->view().get<std::uint64_t>("limits", "canary-late") == 6u);
    CHECK_FALSE(on_disk(scratch, "canary"));
  }
  SECTION("a seed that has them all the same is not believed") {
    std::string bytes;
    SeedSection section(bytes, Epoch(1), "limits");
    section.add("max", std::string("\x05"), Revision(1), 1, {});
    section.end({Seq(1), Revision(1), {}, 0, read_clock().wall});
    options.seed_file = scratch.path + "/seed";
    options.cache.directory.clear();
    std::ofstream(options.seed_file, std::ios::binary) << bytes;
    auto third = Subscriber::open(options).value();
    CHECK_FALSE(third->view().in("limits"));
    CHECK(log.has("event=seed_namespace_dropped ns=limits"));
  }
  SECTION("a pattern of another form is an error that names the option") {
    options.cache.secret = {"limits.*"};
    const auto third = Subscriber::open(options);
    REQUIRE_FALSE(third);
    CHECK(third.error().field == "cache.secret");
  }
}

TEST_CASE("a key file that others can read, or a key without a cache, is an error that names the option") {
  Scratch scratch;
  auto broker = testing::Broker::start().value();
  auto options = options_of(*broker, scratch);
  options.cache.key_file = key_file(scratch, 'a');
  SECTION("readable by the group") {
    std::filesystem::permissions(options.cache.key_file, std::filesystem::perms::group_read,
                                 std::filesystem::perm_options::add);
  }
  SECTION("no cache") {
    options.cache.directory.clear();
  }
  const auto opened = Subscriber::open(options);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::invalid_argument);
  CHECK(opened.error().field == "cache.key_file");
}

TEST_CASE("a cache that cannot be had is an error that names the option") {
  Scratch scratch;
  auto broker = testing::Broker::start().value();
  auto options = options_of(*broker, scratch);
  const std::string nowhere = options.cache.directory + "/no/such";
  std::string field;
  SECTION("a directory whose parent is not there") {
    options.cache.directory = nowhere;
    field = "cache.directory";
  }
  SECTION("a seed file that is not there") {
    options.seed_file = nowhere;
    field = "seed_file";
  }
  SECTION("a preloaded namespace that is not followed") {
    options.subtrees.clear();
    options.namespaces = {"fees"};
    options.cache.preload = {"feees"};
    field = "cache.preload";
  }
  const auto opened = Subscriber::open(options);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().field == field);
}

TEST_CASE("a file that nobody has followed for long is removed by the next start that writes, others stay") {
  Scratch scratch;
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  for (const char* ns : {"fees", "limits", "other"}) put(*publisher, ns, "max", 5);
  auto options = options_of(*broker, scratch);
  options.namespaces = {"fees", "limits", "other"};
  run_once(options);
  broker->stop();
  const auto file = [&](const char* ns) { return scratch.path + "/cache/" + cache_file_name(ns); };
  const auto now = std::filesystem::file_time_type::clock::now();
  const auto days = [](int n) { return std::chrono::hours(24 * n); };
  std::filesystem::last_write_time(file("fees"), now - days(31));
  std::filesystem::last_write_time(file("limits"), now - days(31));
  std::filesystem::last_write_time(file("other"), now - days(29));
  options.namespaces = {"fees"};
  SECTION("all read at once") {}
  SECTION("preloaded") {
    options.cache.preload = {"fees"};
  }
  auto writer = Subscriber::open(options).value();
  auto reader = Subscriber::open(options).value();  // removes nothing
  CHECK(writer->view().get<std::uint64_t>("fees", "max") == 5u);
  writer->stop();
  CHECK(std::filesystem::exists(file("fees")));
  CHECK_FALSE(std::filesystem::exists(file("limits")));
  CHECK(std::filesystem::exists(file("other")));
  reader.reset();
  writer.reset();

  options.cache.keep_unfollowed = 0h;
  CHECK(Subscriber::open(options).has_value());
  CHECK_FALSE(std::filesystem::exists(file("other")));
  CHECK(std::filesystem::exists(file("fees")));
  options.cache.keep_unfollowed = -1h;
  const auto wrong = Subscriber::open(options);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().field == "cache.keep_unfollowed");
}
