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

// Trivial on purpose: a pattern is split for every key it is asked about, and its room is not worth clearing.
struct Step {
  enum class Kind : std::uint8_t { literal, one, run, any_run } kind;  // x ? * **
  std::uint8_t size;  // literal: its code point, where in the glob
  std::uint16_t at;
};

struct Pattern {
  std::string_view glob;
  std::array<Step, limits::kGlobBytes> steps;
  std::size_t size = 0;

  explicit Pattern(std::string_view from) : glob(from) {}
  [[nodiscard]] std::string_view literal(const Step& step) const { return glob.substr(step.at, step.size); }
};

// False when the pattern is none: too long, or it ends in a lone '\'.
bool split_glob(Pattern& pattern) {
  const auto glob = pattern.glob;
  if (glob.size() > limits::kGlobBytes) return false;
  std::size_t at = 0;
  while (at < glob.size()) {
    Step& step = pattern.steps[pattern.size++];
    if (glob[at] == '*') {
      const auto end = std::min(glob.find_first_not_of('*', at), glob.size());
      step.kind = end - at == 1 ? Step::Kind::run : Step::Kind::any_run;
      at = end;
    } else if (glob[at] == '?') {
      step.kind = Step::Kind::one;
      ++at;
    } else {
      if (glob[at] == '\\' && ++at == glob.size()) return false;
      step.kind = Step::Kind::literal;
      step.at = static_cast<std::uint16_t>(at);
      step.size = static_cast<std::uint8_t>(code_point_size(glob.substr(at)));
      at += step.size;
    }
  }
  return true;
}

bool repeats(const Step& step) {
  return step.kind == Step::Kind::run || step.kind == Step::Kind::any_run;
}

bool passes(const Pattern& pattern, const Step& step, std::string_view code_point) {
  switch (step.kind) {
    case Step::Kind::literal:
      return pattern.literal(step) == code_point;
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
  Pattern pattern(glob);
  if (!split_glob(pattern)) return fail_field(std::string(field), "a glob does not end in a lone '\\'");
  return {};
}

bool glob_matches(std::string_view glob, std::string_view key) {
  Pattern pattern(glob);
  if (!split_glob(pattern)) return false;
  std::size_t fixed = 0;  // literals in front decide most keys without the walk below
  while (fixed < pattern.size && pattern.steps[fixed].kind == Step::Kind::literal) {
    const auto literal = pattern.literal(pattern.steps[fixed]);
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
      const bool stays = was && p < pattern.size && repeats(pattern.steps[p]) &&
                         passes(pattern, pattern.steps[p], code_point);
      here[p] = before || epsilon || stays;
      alive = alive || here[p];
      before = was && p < pattern.size && !repeats(pattern.steps[p]) &&
               passes(pattern, pattern.steps[p], code_point);
      epsilon = here[p] && p < pattern.size && repeats(pattern.steps[p]);
    }
    if (!alive) return false;
  }
  return here[pattern.size];
}

}  // namespace prismbus
