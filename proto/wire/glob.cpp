// Globs over keys. The pattern is stepped as a set of positions, one code point of the key at a time, so that
// no pattern costs more than its length times the key's: there is nothing to backtrack.
#include <algorithm>
#include <array>

#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

// Bytes of the code point at the front; keys are UTF-8 already, other bytes count one by one.
std::size_t code_point_size(std::string_view rest) {
  const auto lead = static_cast<std::uint8_t>(rest.front());
  const std::size_t size = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return std::min(size, rest.size());
}

struct Step {
  enum class Kind : std::uint8_t { literal, one, run, any_run } kind;  // x ? * **
  std::string_view code_point;                                         // literal
};

struct Pattern {
  std::array<Step, limits::kGlobBytes> steps;
  std::size_t size = 0;
};

// False when the pattern is none: too long, or it ends in a lone '\'.
bool split_glob(std::string_view glob, Pattern& pattern) {
  if (glob.size() > limits::kGlobBytes) return false;
  while (!glob.empty()) {
    Step& step = pattern.steps[pattern.size++];
    std::size_t used = 1;
    if (glob.front() == '*') {
      used = std::min(glob.find_first_not_of('*'), glob.size());
      step.kind = used == 1 ? Step::Kind::run : Step::Kind::any_run;
    } else if (glob.front() == '?') {
      step.kind = Step::Kind::one;
    } else {
      if (glob.front() == '\\') glob.remove_prefix(1);
      if (glob.empty()) return false;
      used = code_point_size(glob);
      step.kind = Step::Kind::literal;
      step.code_point = glob.substr(0, used);
    }
    glob.remove_prefix(used);
  }
  return true;
}

bool repeats(const Step& step) {
  return step.kind == Step::Kind::run || step.kind == Step::Kind::any_run;
}

bool passes(const Step& step, std::string_view code_point) {
  switch (step.kind) {
    case Step::Kind::literal:
      return step.code_point == code_point;
    case Step::Kind::one:
    case Step::Kind::run:
      return code_point != "/";
    case Step::Kind::any_run:
      return true;
  }
  return false;
}

}  // namespace

Result<void> validate_glob(std::string_view glob, std::string_view field) {
  if (glob.size() > limits::kGlobBytes) return fail_field(std::string(field), "a glob has at most 512 bytes");
  if (!is_utf8(glob)) return fail_field(std::string(field), "a glob is UTF-8");
  Pattern pattern;
  if (!split_glob(glob, pattern)) return fail_field(std::string(field), "a glob does not end in a lone '\\'");
  return {};
}

bool glob_matches(std::string_view glob, std::string_view key) {
  Pattern pattern;
  if (!split_glob(glob, pattern)) return false;
  std::size_t fixed = 0;  // literals in front decide most keys without the walk below
  while (fixed < pattern.size && pattern.steps[fixed].kind == Step::Kind::literal) {
    const auto literal = pattern.steps[fixed].code_point;
    if (!key.starts_with(literal)) return false;
    key.remove_prefix(literal.size());
    ++fixed;
  }
  // here[p]: the key so far can be matched by steps [0, p). A run may match nothing, so p also stands for p
  // + 1.
  std::array<bool, limits::kGlobBytes + 1> here{};
  here[fixed] = true;
  for (std::size_t p = fixed; p < pattern.size && repeats(pattern.steps[p]); ++p) here[p + 1] = true;
  while (!key.empty()) {
    const auto code_point = key.substr(0, code_point_size(key));
    key.remove_prefix(code_point.size());
    bool alive = false;
    bool before =
        false;  // was here[p - 1] and step p - 1 passed this code point, as a step that takes just one
    bool epsilon = false;  // position p is reached because p - 1 is and step p - 1 may match nothing
    for (std::size_t p = fixed; p <= pattern.size; ++p) {
      const bool was = here[p];
      const bool stays =
          was && p < pattern.size && repeats(pattern.steps[p]) && passes(pattern.steps[p], code_point);
      here[p] = before || epsilon || stays;
      alive = alive || here[p];
      before = was && p < pattern.size && !repeats(pattern.steps[p]) && passes(pattern.steps[p], code_point);
      epsilon = here[p] && p < pattern.size && repeats(pattern.steps[p]);
    }
    if (!alive) return false;
  }
  return here[pattern.size];
}

}  // namespace prismbus
