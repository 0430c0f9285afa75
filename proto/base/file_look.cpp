#include "proto/base/file_look.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

namespace prismbus {
namespace {

std::string identity_of(const std::string& path) {
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0) return "none";
  return fmt::format("{}.{}.{}.{}.{}", s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec,
                     s.st_ctim.tv_nsec);
}

}  // namespace

FileLook::FileLook(std::string path) : path_(std::move(path)), seen_(identity_of(path_)), taken_(seen_) {}

bool FileLook::changed(Now now) {
  if (now.steady < look_at_) return false;
  look_at_ = now.steady + kEvery;
  seen_ = identity_of(path_);
  return seen_ != taken_;
}

}  // namespace prismbus
