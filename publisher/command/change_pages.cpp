#include "publisher/command/change_pages.hpp"

#include <fmt/format.h>

#include <charconv>

#include "proto/json/json_value.hpp"

namespace prismbus::command {
namespace {

constexpr std::string_view kSeqMark = "seq:";
constexpr const char* kAnyKey = "-";  // of a read that is about its revision only

}  // namespace

Outcome<Since> parse_since(std::string_view text, std::string_view flag) {
  Since since;
  if (!text.starts_with(kSeqMark)) {
    auto moment = parse_start(text, flag);
    if (!moment) return tl::unexpected<Failure>(moment.error());
    since.moment = *moment;
    return since;
  }
  const std::string_view digits = text.substr(kSeqMark.size());
  std::uint64_t n = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (digits.empty() || code != std::errc() || end != digits.data() + digits.size()) {
    return misused(std::string(flag), json_quoted(text) + " is not a seq; seq:12 is");
  }
  since.seq = Seq(n);
  return since;
}

Outcome<Revision> revision_at(Session& session, const std::string& ns, const Moment& moment) {
  if (moment.rev) return *moment.rev;
  if (moment.is_now()) return session.rev();
  ReadCall call = session.read();
  call.at_time = *moment.time;
  const auto answer = session.wait(session.publisher().mget(ns, {kAnyKey}, std::move(call)), ns);
  if (!answer) return tl::unexpected<Failure>(answer.error());
  return answer->at.value_or(answer->rev);
}

Outcome<Revision> revision_reached_at(Session& session, const std::string& ns, const Moment& moment,
                                      std::string_view flag) {
  auto rev = revision_at(session, ns, moment);
  if (rev && rev->value() == 0) return misused(std::string(flag), "there was nothing yet");
  return rev;
}

Outcome<ChangePages> ChangePages::open(Session& session, std::string ns, bool subtree, const Since& since) {
  ChangePages pages(session, std::move(ns));
  pages.subtree_ = subtree;
  if (since.seq) {
    if (subtree)
      return misused("--since", "a seq is of one namespace; with --subtree give a revision or a time");
    pages.call_.since = {{pages.ns_, *since.seq}};
    return pages;
  }
  // Times are looked up in a name; a subtree's own need not exist, any valid one serves.
  const auto rev = revision_at(session, pages.ns_.empty() ? "-" : pages.ns_, since.moment);
  if (!rev) return tl::unexpected<Failure>(rev.error());
  if (*rev > session.rev()) {
    const auto reached = session.await_revision(*rev, pages.ns_.empty() ? "-" : pages.ns_, kAnyKey);
    if (!reached) return tl::unexpected<Failure>(reached.error());
  }
  pages.call_.under = pages.ns_;
  pages.call_.since_rev = *rev;
  return pages;
}

Outcome<std::optional<ChangesReply>> ChangePages::next() {
  if (over_) return std::optional<ChangesReply>();
  session_->start_over();
  ChangesCall call = call_;
  call.read = session_->read();
  if (begun_) call.read.epoch = epoch_;
  auto answer = session_->wait(session_->publisher().changes(std::move(call)), ns_);
  if (!answer) return tl::unexpected<Failure>(answer.error());
  begun_ = true;
  epoch_ = answer->epoch;
  rev_ = answer->rev;
  ChangesReply& page = answer->value;
  if (!page.failed.empty()) return failed(page.failed.front().second, page.failed.front().first);
  call_.after = page.after;
  over_ = !page.more || !page.after;
  if (!subtree_) std::erase_if(page.sets, [this](const auto& set) { return set.first != ns_; });
  return std::optional<ChangesReply>(std::move(page));
}

}  // namespace prismbus::command
