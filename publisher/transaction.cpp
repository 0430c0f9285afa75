#include "publisher/transaction.hpp"

namespace prismbus {

Transaction& Transaction::put(std::string_view ns, std::string_view key, EncodedValue value) {
  bytes_ += key.size() + value.bytes.size();
  changes_.push_back({ChangeOp::put, std::string(ns), std::string(key), std::move(value.bytes)});
  return *this;
}

Transaction& Transaction::remove(std::string_view ns, std::string_view key) {
  bytes_ += key.size();
  changes_.push_back({ChangeOp::del, std::string(ns), std::string(key), {}});
  return *this;
}

Transaction& Transaction::require(std::string_view ns, std::string_view key, Revision rev) {
  requirements_.push_back({std::string(ns), std::string(key), rev});
  return *this;
}

Transaction& Transaction::note(std::string_view text) {
  note_ = std::string(text);
  return *this;
}

}  // namespace prismbus
