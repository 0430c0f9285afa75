// Files that are believed: what is refused and why, and files that are there whole or not at all.
#include "proto/base/checked_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace prismbus;

namespace {

using Kind = FileFault::Kind;

class Folder {
 public:
  Folder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::string put(const std::string& name, const std::string& text, mode_t mode) const {
    std::string path = *this / name;
    std::ofstream(path, std::ios::binary) << text;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    return path;
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::string path_ = "/tmp/prismbus-files-XXXXXX";
};

FileFault fault_of(const std::string& path, const FileTrust& trust) {
  const auto file = open_checked_file(AT_FDCWD, path.c_str(), trust);
  REQUIRE_FALSE(file);
  return file.error();
}

}  // namespace

TEST_CASE("a file is believed when its kind, owner, mode and size are what was asked for") {
  const Folder folder;
  const FileTrust ours{.refused = kOthersWrite, .size_max = 100},
      mine{.refused = kOthersAnything, .size_max = 100};
  const std::string path = folder.put("file", "text", 0644);
  mode_t mode = 0;
  CHECK(read_secret_file(path, ours, &mode).value().view() == "text");
  CHECK(mode == 0644);
  CHECK(fault_of(path, mine).kind == Kind::open_to_others);
  CHECK(fault_of(folder.put("file", "text", 0620), ours).kind == Kind::open_to_others);
  CHECK(read_secret_file(folder.put("file", "text", 0400), mine));
  CHECK(read_secret_file(folder.put("full", std::string(100, 'x'), 0600), mine));
  const FileFault large = fault_of(folder.put("large", std::string(101, 'x'), 0600), mine);
  CHECK((large.kind == Kind::too_large && large.size == 101 && large.size_max == 100));
  CHECK(read_secret_file(folder.put("empty", "", 0600), mine).value().size() == 0);
}

TEST_CASE("links, directories, pipes, files of others and files that are not there are refused") {
  const Folder folder;
  const FileTrust trust{.size_max = 100};
  const std::string path = folder.put("file", "text", 0600);
  std::filesystem::create_symlink(path, folder / "link");
  const FileFault link = fault_of(folder / "link", trust);
  CHECK((link.kind == Kind::system && link.error_number == ELOOP));
  CHECK(fault_of(folder / "", trust).kind == Kind::no_regular_file);
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(fault_of(folder / "pipe", trust).kind == Kind::no_regular_file);
  CHECK(fault_of(folder / "none", trust).error_number == ENOENT);
  if (::geteuid() != 0) return;
  REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
  CHECK(fault_of(path, trust).kind == Kind::other_owner);
}

TEST_CASE("a private file is written whole, for this user alone, and replaces what was there") {
  const Folder folder;
  REQUIRE(write_private_file(folder / "file", "first"));
  (void)folder.put("other", "kept", 0644);
  std::filesystem::create_symlink(folder / "other", folder / "link");
  REQUIRE(write_private_file(folder / "file", std::string_view("\0second", 7)));
  REQUIRE(write_private_file(folder / "link", "no link any more"));
  mode_t mode = 0;
  const FileTrust mine{.refused = kOthersAnything, .size_max = 100};
  CHECK(read_secret_file(folder / "file", mine, &mode).value().view() == std::string_view("\0second", 7));
  CHECK(mode == 0600);
  CHECK(read_secret_file(folder / "link", mine).value().view() == "no link any more");
  CHECK(read_secret_file(folder / "other", {.size_max = 100}).value().view() == "kept");
  CHECK(folder.files() == 3);
  CHECK(write_private_file(folder / "none/file", "x").error().error_number == ENOENT);
  std::filesystem::create_directory(folder / "directory");
  CHECK_FALSE(write_private_file(folder / "directory", "x"));
  CHECK(folder.files() == 4);  // what was begun is gone
}
