#include "tests/integration/client_libraries/broker_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

namespace prismbus {
namespace {

// The first endpoint of a list in the ready file, which the broker writes whole or not at all.
std::string first_endpoint(const std::string& json, const std::string& name) {
  const auto at = json.find("\"" + name + "\":[\"");
  if (at == std::string::npos) throw std::runtime_error("no " + name + " in " + json);
  const auto from = at + name.size() + 5;
  return json.substr(from, json.find('"', from) - from);
}

}  // namespace

BrokerProcess::BrokerProcess(std::vector<std::string> more) : more_(std::move(more)) {
  const char* tmp = ::getenv("TMPDIR");
  std::string pattern = std::string(tmp != nullptr ? tmp : "/dev/shm") + "/client_libraries.XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
  directory_ = pattern;
  start();
}

BrokerProcess::~BrokerProcess() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void BrokerProcess::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void BrokerProcess::freeze() {
  ::kill(pid_, SIGSTOP);
  // Threads on other cores run on until the signal reaches them; this returns when the last has stopped.
  int status = 0;
  if (::waitpid(pid_, &status, WUNTRACED) != pid_ || !WIFSTOPPED(status)) {
    throw std::runtime_error("the broker ended where it was to stop");
  }
}
void BrokerProcess::thaw() {
  ::kill(pid_, SIGCONT);
}

void BrokerProcess::start() {
  const std::string ready = directory_ + "/ready.json", data = directory_ + "/data",
                    log = directory_ + "/log";
  ::unlink(ready.c_str());
  std::vector<std::string> words{PRISMBUSD, "--data-dir",   data,  "--requests",  requests_,   "--changes",
                                 changes_,  "--ready-file", ready, "--map-bytes", "1073741824"};
  words.insert(words.end(), more_.begin(), more_.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (::access(ready.c_str(), R_OK) != 0) {
    if (std::chrono::steady_clock::now() > end || ::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      throw std::runtime_error("the broker does not serve, see " + log);
    }
    ::poll(nullptr, 0, 2);
  }
  std::ifstream file(ready);
  const std::string json((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  requests_ = first_endpoint(json, "requests");
  changes_ = first_endpoint(json, "changes");
}

}  // namespace prismbus
