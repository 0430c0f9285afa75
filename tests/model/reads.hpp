// Random reads, each page held against the reference at the page's own revision; and requests that cannot be
// served: malformed, of an unknown op, of the past. A read of several pages goes on through the world's
// follow-ups while writes go on.
#pragma once

#include <memory>
#include <string>

#include "tests/model/world.hpp"

namespace prismbus::model {

class Reads {
 public:
  explicit Reads(World& world) : world_(world) {}

  void send_random();
  void send_malformed();
  void send_everything();  // a list of each namespace
  [[nodiscard]] std::uint64_t pages() const { return pages_; }

 private:
  // Of which moment a read is; what it asks for and what the reply's `at` says must agree.
  struct Past {
    std::optional<std::uint64_t> at, at_time, used;
  };
  struct List;
  struct MGet;
  struct Names;
  struct Since;
  struct Under;
  struct History;
  struct Diff;

  [[nodiscard]] std::optional<std::uint64_t> random_limit();
  [[nodiscard]] std::optional<Revision> random_min_rev(Ask& ask);
  [[nodiscard]] Ask ask_for(const char* what, Ask::Check check);
  template <class Chain, class Reply>
  void go_on(const std::shared_ptr<Chain>& chain, const Reply& reply,
             void (Reads::*send)(std::shared_ptr<Chain>));

  void send_get();
  void send_list(std::shared_ptr<List> list);
  void send_mget(std::shared_ptr<MGet> mget);
  void send_namespaces(std::shared_ptr<Names> names);
  void send_since(std::shared_ptr<Since> since);
  void send_under(std::shared_ptr<Under> under);
  [[nodiscard]] Past random_past();
  static void ask_of(const Past& past, ReadOptions& read, Ask& ask);
  [[nodiscard]] std::uint64_t revision_read(Past& past, const ReplyHeader& header) const;
  void send_history(std::shared_ptr<History> history);
  void send_diff(std::shared_ptr<Diff> diff);
  void start_history();
  void start_diff();
  void check_history(History& history, const HistoryReply& reply, std::uint64_t rev);
  void check_diff(Diff& diff, const DiffReply& reply);
  void send_odd();
  void start_since();
  void start_under();
  [[nodiscard]] static bool for_another_reason(const Ask& asked, const ReplyHeader& header);
  // The change set after `seq` may have been taken by retention.
  [[nodiscard]] bool is_gone_after(const std::string& ns, std::uint64_t seq) const;
  [[nodiscard]] std::uint64_t seq_at(const std::string& ns, std::uint64_t rev) const;
  void check_list(List& list, const EntriesReply& reply, std::uint64_t rev);
  void check_since(Since& since, const ChangesReply& reply, std::uint64_t rev);
  void check_under(Under& under, const ChangesReply& reply, std::uint64_t rev);

  World& world_;
  std::uint64_t pages_ = 0;
};

template <class Chain, class Reply>
void Reads::go_on(const std::shared_ptr<Chain>& chain, const Reply& reply,
                  void (Reads::*send)(std::shared_ptr<Chain>)) {
  demand(reply.more == reply.after.has_value(), "`after` comes with `more` and only then");
  if (!reply.more) return;
  chain->cursor = reply.after;
  world_.later([this, chain, send] { (this->*send)(chain); });
}

// Demands that an entry is what the reference holds at that revision.
void demand_entry(const Entry& entry, const LiveEntry& expected);
void demand_head(const Head& head, const HeadAt& expected);

}  // namespace prismbus::model
