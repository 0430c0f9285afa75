#include "subscriber/sync/validator_set.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

KeySelection selection_of(const Validator& validator) {
  return {validator.ns, validator.subtree, validator.keys};
}

}  // namespace

Result<void> ValidatorSet::validate(const std::vector<Validator>& validators, const FollowSet& follow) {
  for (std::size_t i = 0; i < validators.size(); ++i) {
    const Validator& validator = validators[i];
    Result<void> valid = selection_of(validator).validate(follow);
    if (!validator.check) valid = fail_field("check", "a validator has a check");
    if (valid) continue;
    Error error = valid.error();
    error.field = "validators[" + std::to_string(i) + "]." + error.field.value_or("");
    return unexpected<Error>(std::move(error));
  }
  return {};
}

ValidatorSet::ValidatorSet(std::vector<Validator> validators) {
  for (Validator& validator : validators) {
    KeySelection selection = selection_of(validator);
    rows_.push_back({std::move(validator), std::move(selection)});
  }
}

bool ValidatorSet::covers(std::string_view ns) const {
  return std::any_of(rows_.begin(), rows_.end(),
                     [&](const Row& row) { return row.selection.covers_namespace(ns); });
}

std::optional<ValidatorSet::Refusal> ValidatorSet::judge(const ProposedChange& change) {
  for (const Row& row : rows_) {
    if (!row.selection.covers_namespace(change.ns) || !row.selection.covers_key(change.key)) continue;
    if (auto reason = ask(row.validator, change)) {
      return Refusal{fit_reason(std::move(*reason)), row.validator.name};
    }
  }
  return std::nullopt;
}

std::optional<std::string> ValidatorSet::ask(const Validator& validator, const ProposedChange& change) {
  std::string what = "not a std::exception";
  try {
    return validator.check(change);
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {  // the application's own type: nothing of it may cross the thread
  }
  ++exceptions_;
  return "the validator threw: " + what;
}

std::string fit_reason(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  if (!is_utf8(text)) {
    for (char& c : text) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
  }
  std::size_t size = std::min(text.size(), limits::kReasonBytes);
  const auto continues = [&] {
    return size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80;
  };
  while (size > 0 && continues()) --size;
  text.resize(size);
  return text.empty() ? std::string("refused") : text;
}

}  // namespace prismbus
