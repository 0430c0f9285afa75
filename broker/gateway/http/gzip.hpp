// A body made smaller on its way, piece by piece, as RFC 1952 says; zlib does it. One object a body.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace prismbus {

class Gzip {
 public:
  Gzip();
  ~Gzip();
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  enum class More : bool { no, yes };
  // All of `text` can be read from what was given out so far; with More::no the end as well.
  [[nodiscard]] std::string add(std::string_view text, More more);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whether `Accept-Encoding` takes gzip.
[[nodiscard]] bool accepts_gzip(std::string_view header);

}  // namespace prismbus
