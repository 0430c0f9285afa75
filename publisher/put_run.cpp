#include "publisher/put_run.hpp"

#include <algorithm>

namespace prismbus {

bool PutRun::add(const Put& put, const Limits& limits, Steady now) {
  if (size_ == 0) {
    until_ = now + window_;
    first_deadline_ = deadline_ = put.deadline;
  }
  const auto apart =
      put.deadline > first_deadline_ ? put.deadline - first_deadline_ : first_deadline_ - put.deadline;
  const bool fits = size_ == 0 || (size_ < limits.changes && bytes_ + put.bytes <= limits.bytes &&
                                   apart <= kDeadlinesApart && !keys_.contains(put.key));
  if (closed_ || !fits) {
    closed_ = true;
    return false;
  }
  ++size_;
  bytes_ += put.bytes;
  keys_.insert(put.key);
  deadline_ = std::min(deadline_, put.deadline);
  closed_ = size_ >= limits.changes || bytes_ >= limits.bytes;
  return true;
}

void PutRun::clear() {
  keys_.clear();
  size_ = bytes_ = 0;
  hurried_ = closed_ = false;
}

}  // namespace prismbus
