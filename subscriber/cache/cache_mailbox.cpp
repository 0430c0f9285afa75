#include "subscriber/cache/cache_mailbox.hpp"

#include <utility>

namespace prismbus {

CacheMail& CacheMailbox::mail_of(std::string_view ns) {
  auto found = mail_.find(ns);
  if (found == mail_.end()) {
    found = mail_.emplace(std::string(ns), CacheMail{}).first;
    found->second.ns = found->first;
  }
  return found->second;
}

void CacheMailbox::drop_steps(CacheMail& mail) {
  for (const CacheStep& step : mail.steps) bytes_ -= step.body.size() + sizeof(CacheStep);
  mail.steps.clear();
}

void CacheMailbox::step(std::string_view ns, CacheStep step) {
  {
    const std::lock_guard lock(mutex_);
    CacheMail& mail = mail_of(ns);
    const std::size_t size = step.body.size() + sizeof(CacheStep);
    if (bytes_ + size > bytes_max_) {
      drop_steps(mail);
      mail.picture = true;  // it will hold this step: what is told here is shown already
    } else {
      bytes_ += size;
      mail.steps.push_back(std::move(step));
    }
  }
  waker_->wake();
}

void CacheMailbox::picture(std::string_view ns) {
  {
    const std::lock_guard lock(mutex_);
    CacheMail& mail = mail_of(ns);
    drop_steps(mail);
    mail.picture = true;
    mail.gone = false;
  }
  waker_->wake();
}

void CacheMailbox::gone(std::string_view ns) {
  {
    const std::lock_guard lock(mutex_);
    CacheMail& mail = mail_of(ns);
    drop_steps(mail);
    mail.picture = false;
    mail.gone = true;
  }
  waker_->wake();
}

std::vector<CacheMail> CacheMailbox::drain() {
  std::vector<CacheMail> out;
  const std::lock_guard lock(mutex_);
  out.reserve(mail_.size());
  for (auto& [ns, mail] : mail_) out.push_back(std::move(mail));
  mail_.clear();
  bytes_ = 0;
  return out;
}

}  // namespace prismbus
