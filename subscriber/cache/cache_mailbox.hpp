// The way from the subscriber's background thread to the thread that writes the cache: per namespace what has
// to be written, coalesced. Bounded (I8) by the number of namespaces and by bytes: steps over the limit are
// let go and the namespace is written whole instead. Any thread.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/waker.hpp"
#include "subscriber/cache/cache_writer.hpp"

namespace prismbus {

struct CacheMail {
  std::string ns;
  bool picture = false;  // the newest picture first; then steps it does not hold yet
  bool gone = false;     // nothing is to be kept of it
  std::vector<CacheStep> steps;
};

class CacheMailbox {
 public:
  // `waker` belongs to the reader and outlives this.
  CacheMailbox(std::size_t bytes_max, Waker* waker) : bytes_max_(bytes_max), waker_(waker) {}

  void step(std::string_view ns, CacheStep step);
  void picture(std::string_view ns);
  void gone(std::string_view ns);
  [[nodiscard]] std::vector<CacheMail> drain();

 private:
  CacheMail& mail_of(std::string_view ns);  // the lock is held
  void drop_steps(CacheMail& mail);

  const std::size_t bytes_max_;
  Waker* const waker_;
  std::mutex mutex_;
  std::map<std::string, CacheMail, std::less<>> mail_;
  std::size_t bytes_ = 0;
};

}  // namespace prismbus
