// One prismbusd on free loopback ports and a temporary directory, which can be killed and started again in
// place.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace prismbus {

class BrokerProcess {
 public:
  // Starts it; throws std::runtime_error when it does not serve in time. `more`: further arguments.
  explicit BrokerProcess(std::vector<std::string> more = {});
  ~BrokerProcess();  // kills it and removes its directory
  BrokerProcess(const BrokerProcess&) = delete;
  BrokerProcess& operator=(const BrokerProcess&) = delete;

  void kill();    // SIGKILL, waits for its end
  void freeze();  // SIGSTOP, waits until all its threads stand: connections stay, nothing answers
  void thaw();
  void start();  // on the same ports and data
  [[nodiscard]] const std::string& requests() const { return requests_; }

 private:
  std::string directory_, requests_ = "tcp://127.0.0.1:0", changes_ = "tcp://127.0.0.1:0";
  std::vector<std::string> more_;
  pid_t pid_ = -1;
};

}  // namespace prismbus
