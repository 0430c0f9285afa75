// What a broker with security on starts from, and what a client shows to it: made by `prismbus init` and
// `prismbus token issue`, as an operator would. In a directory that its owner removes. One thread.
#pragma once

#include <string>
#include <vector>

#include "proto/base/result.hpp"
#include "proto/transport/credentials.hpp"

namespace prismbus::perf {

class SecurityDirectory {
 public:
  // `command` is the path of prismbus; the directory is <parent>/security-<name>. Blocks while the command
  // runs. Errors: what the command said.
  [[nodiscard]] static Result<SecurityDirectory, std::string> make(const std::string& command,
                                                                   const std::string& parent,
                                                                   const std::string& name);

  [[nodiscard]] const std::string& path() const { return path_; }  // for --security
  // The broker's key, and a token that may read and write every namespace.
  [[nodiscard]] const Credentials& credentials() const { return credentials_; }
  // `n` tokens of principals "follower-0".. that may read `pattern`, signed here: a process each would take
  // minutes. Errors: a pattern that is none, what the key file said.
  [[nodiscard]] Result<std::vector<std::string>, std::string> tokens(std::size_t n,
                                                                     const std::string& pattern) const;

 private:
  std::string path_;
  Credentials credentials_;
};

}  // namespace prismbus::perf
