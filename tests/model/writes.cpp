#include "tests/model/writes.hpp"

#include <algorithm>

namespace prismbus::model {
namespace {

constexpr std::uint64_t kHour = 3'600'000'000;
constexpr std::uint64_t kSurelyRemembered = 3'000'000'000;  // the clock goes back now and then
constexpr std::uint64_t kRemembered = 1024;

const std::vector<std::string> kNamespaces{"a", "a.b", "a.b.c", "a-b", "a.b-", "b", "B.x_1", "z.z"};
const std::vector<std::string> kKeys{"k", "k1", "k/2", "k/2/x", "k/\xc3\xa4", "x*y", "~"};

// Requests lend their strings: `write` outlives what is built here.
Request request_of(const Write& write, const WriteOptions& options) {
  static const Item kNone;
  const Item& first = write.items.empty() ? kNone : write.items.front();
  std::optional<Revision> if_rev;
  if (write.kind != Kind::txn && !write.conditions.empty()) if_rev = Revision(write.conditions.front().rev);
  if (write.kind == Kind::put)
    return {{}, {}, {}, PutRequest{first.ns, first.key, first.value, if_rev, options}};
  if (write.kind == Kind::del) return {{}, {}, {}, DeleteRequest{first.ns, first.key, if_rev, options}};
  if (write.kind == Kind::rollback) {
    RollbackRequest rollback{write.ns, {}, Revision(write.to), options};
    if (!write.key.empty()) rollback.key = write.key;
    return {{}, {}, {}, rollback};
  }
  TxnRequest txn;
  for (const Item& item : write.items) {
    txn.changes.push_back({item.put ? ChangeOp::put : ChangeOp::del, item.ns, item.key, item.value});
  }
  for (const Condition& c : write.conditions) txn.conditions.push_back({c.ns, c.key, Revision(c.rev)});
  txn.write = options;
  return {{}, {}, {}, std::move(txn)};
}

void check_outcome(const Outcome& outcome, const ReplyHeader& reply, bool duplicate) {
  if (outcome.kind == Kind::put) {
    const auto put = codec::decode_put_reply(reply);
    demand(put && put->seq.value() == outcome.seqs.begin()->second, "a put's seq");
    demand(put->version == outcome.versions.front(), "a put's version");
    return demand(put->duplicate == duplicate, "I7: a repeat says so, a first one does not");
  }
  if (outcome.kind == Kind::del) {
    const auto del = codec::decode_delete_reply(reply);
    demand(del && del->seq.value() == outcome.seqs.begin()->second, "a delete's seq");
    return demand(del->duplicate == duplicate, "I7: a repeat says so, a first one does not");
  }
  if (outcome.kind == Kind::rollback) {
    const auto rollback = codec::decode_rollback_reply(reply);
    demand(rollback && rollback->seq.value() == outcome.seqs.begin()->second, "a rollback's seq");
    demand(rollback->changes == outcome.versions.size(), "how much a rollback changed");
    return demand(rollback->duplicate == duplicate, "I7: a repeat says so, a first one does not");
  }
  const auto txn = codec::decode_txn_reply(reply);
  demand(txn && txn->versions == outcome.versions, "a transaction's versions in `do` order");
  demand(txn->seqs.size() == outcome.seqs.size(), "a transaction's seqs, a namespace each");
  for (const auto& [ns, seq] : txn->seqs) {
    const auto it = outcome.seqs.find(ns);
    demand(it != outcome.seqs.end() && it->second == seq.value(), "a transaction's seqs");
  }
  demand(txn->duplicate == duplicate, "I7: a repeat says so, a first one does not");
}

}  // namespace

std::string random_namespace(World& world) {
  return kNamespaces[world.pick(kNamespaces.size())];
}
std::string random_key(World& world) {
  return world.chance(40) ? std::string(255, 'L') : kKeys[world.pick(kKeys.size())];
}

std::string Writes::random_value() {
  const std::string text = std::to_string(world_.random());
  if (!world_.chance(20)) return static_cast<char>(0xa0 | text.size()) + text;
  const std::size_t size = 300 + world_.pick(6000);  // some need overflow pages
  std::string value{'\xc5', static_cast<char>(size >> 8), static_cast<char>(size & 0xff)};  // bin 16
  value += text;
  value.resize(3 + size, 'v');
  return value;
}

Condition Writes::random_condition(std::string ns, std::string key) {
  const Version* found = world_.model.find(ns, key, world_.model.last());
  std::uint64_t rev = found == nullptr ? 0 : found->rev;
  if (world_.chance(4)) rev = world_.pick(world_.model.last() + 3);
  return {std::move(ns), std::move(key), rev};
}

std::vector<Item> Writes::random_items(Kind kind) {
  std::vector<Item> items;
  const std::size_t count = kind == Kind::txn ? 1 + world_.pick(5) : 1;
  while (items.size() < count) {
    Item item{kind == Kind::put || (kind == Kind::txn && !world_.chance(4)),
              random_namespace(world_),
              random_key(world_),
              {}};
    if (world_.chance(60)) item.ns = "_system.other";
    if (item.put) item.value = random_value();
    const bool twice = std::any_of(items.begin(), items.end(),
                                   [&](const Item& i) { return i.ns == item.ns && i.key == item.key; });
    if (!twice) items.push_back(std::move(item));
  }
  return items;
}

Write Writes::random_rollback() {
  Write write;
  write.kind = Kind::rollback;
  write.ns = world_.chance(60) ? "_system.other" : random_namespace(world_);
  if (world_.chance(3)) write.key = random_key(world_);
  write.to = 1 + world_.pick(world_.model.last() + (world_.chance(4) ? 3 : 1));
  return write;
}

Write Writes::random_write() {
  const std::uint64_t dice = world_.pick(12);
  if (dice >= 10) return random_rollback();
  Write write;
  write.kind = dice < 5 ? Kind::put : dice < 7 ? Kind::del : Kind::txn;
  write.items = random_items(write.kind);
  if (write.kind != Kind::txn) {
    if (world_.chance(3)) write.conditions.push_back(random_condition(write.items[0].ns, write.items[0].key));
    return write;
  }
  for (std::uint64_t n = world_.pick(4); n > 0; --n) {
    const bool same = world_.chance(2);
    const Item& item = write.items[world_.pick(write.items.size())];
    write.conditions.push_back(same ? random_condition(item.ns, item.key)
                                    : random_condition(random_namespace(world_), random_key(world_)));
  }
  return write;
}

std::optional<Writes::Req> Writes::random_req() {
  if (world_.chance(3)) return std::nullopt;
  if (!used_.empty() && world_.chance(3))
    return used_[used_.size() - 1 - world_.pick(std::min<std::size_t>(used_.size(), 12))];
  const std::string name = "sessio" + std::to_string(10 + world_.pick(3));
  Session& session = sessions_[name];
  if (world_.chance(40)) session.next_n += world_.pick(1100);
  used_.emplace_back(name, session.next_n++);
  return used_.back();
}

void Writes::send_random() {
  send(random_write(), random_req());
}

void Writes::send_put(const std::string& ns, const std::string& key) {
  send({Kind::put, {{true, ns, key, random_value()}}, {}, {}}, std::nullopt);
}

void Writes::send(Write write, std::optional<Req> req) {
  const std::string note = "w" + std::to_string(attempts_.size());
  write.note = note;
  Attempt& attempt =
      attempts_.emplace(note, Attempt{std::move(write), std::move(req), Fate::open}).first->second;
  WriteOptions options;
  options.note = attempt.write.note;
  if (attempt.req) {
    options.session = attempt.req->first;
    options.n = attempt.req->second;
  }
  Ask ask;
  ask.what = "write";
  ask.is_write = true;
  if (attempt.req) {
    ask.far_ahead = attempt.req->second >= sessions_[attempt.req->first].highest + kRemembered;
  }
  for (const Condition& c : attempt.write.conditions) ask.waits_for = std::max(ask.waits_for, c.rev);
  ask.waits_for = std::max(ask.waits_for, attempt.write.to);
  ask.check = [this, note](const Ask& asked, const ReplyHeader& reply) {
    check(note, reply, asked.last_when_sent);
  };
  if (world_.tracing) {
    for (const Item& i : attempt.write.items)
      world_.trace("  " + note + (i.put ? " put " : " del ") + i.ns + " " + i.key);
    for (const Condition& c : attempt.write.conditions)
      world_.trace("  if " + c.ns + " " + c.key + " " + std::to_string(c.rev));
    if (attempt.req) world_.trace("  req " + attempt.req->first + " " + std::to_string(attempt.req->second));
  }
  world_.send(request_of(attempt.write, options), std::move(ask));
}

void Writes::lost(const Ask& ask) {
  if (!ask.is_write) return;
  // The check of a lost ask is never run; its attempt stays open, which is what unknown means from now on.
  for (auto& [note, attempt] : attempts_) {
    if (attempt.fate == Fate::open) attempt.fate = Fate::unknown;
  }
}

void Writes::check(const std::string& note, const ReplyHeader& reply, std::uint64_t last_when_sent) {
  Attempt& attempt = attempts_.at(note);
  demand(attempt.fate == Fate::open, "an attempt is answered once");
  if (!reply.error) {
    check_success(attempt, reply, last_when_sent);
    return;
  }
  attempt.fate = reply.error->code == ErrorCode::timeout ? Fate::unknown : Fate::refused;
  check_refusal(attempt, reply, last_when_sent);
}

// True when a rollback says that it changed nothing: then that was so at its revision.
bool Writes::check_nothing_differs(Attempt& attempt, const ReplyHeader& reply, std::uint64_t last_when_sent) {
  const auto rollback = codec::decode_rollback_reply(reply);
  // A repeated request id gets what its first write got, of whatever kind that was.
  if (!rollback || rollback->changes != 0) return false;
  const std::uint64_t rev = reply.rev.value();
  demand(rev <= world_.model.last(), "I2: that nothing differs rests on what is durable");
  demand(rev >= last_when_sent && rev >= attempt.write.to, "I9: it is not told of an older revision");
  demand(world_.model.items_of(attempt.write, rev).empty(), "nothing differed at its revision");
  const auto head = world_.model.head(attempt.write.ns, rev);
  demand(rollback->seq.value() == (head ? head->seq : 0) && !rollback->duplicate,
         "a rollback without changes tells the present seq");
  attempt.fate = Fate::refused;
  return true;
}

void Writes::check_success(Attempt& attempt, const ReplyHeader& reply, std::uint64_t last_when_sent) {
  const std::uint64_t rev = reply.rev.value();
  if (attempt.write.kind == Kind::rollback && check_nothing_differs(attempt, reply, last_when_sent)) return;
  if (rev == world_.model.last() + 1) {
    demand(rev <= world_.broker->store.journal.meta().last.value(),
           "I2: nothing is acknowledged before it is durable");
    demand(attempt.fate == Fate::open, "what was refused is never applied");
    learn(attempt, rev, stream_.take(rev));
    check_outcome(world_.model.outcome(rev), reply, false);
    ++acknowledged_;
    if (world_.journal_disk.mood == FakeDisk::Mood::sound) world_.read_only_possible = false;
    return;
  }
  demand(attempt.req.has_value(), "I1: a new write gets exactly the next revision");
  const Session& session = sessions_[attempt.req->first];
  const auto first = session.applied.find(attempt.req->second);
  demand(first != session.applied.end(), "I7: only a request id that was applied is a duplicate");
  demand(first->second == rev, "I7: a repeat gets the first one's revision");
  check_outcome(world_.model.outcome(rev), reply, true);
  attempt.fate = Fate::refused;  // it was not this attempt that was applied
}

void Writes::learn(Attempt& attempt, std::uint64_t rev, const std::vector<NamedSet>& sets) {
  demand(!sets.empty(), "a transaction has change sets");
  const std::uint64_t time = to_micros(sets.front().second.time);
  world_.model.apply(attempt.write, time);
  demand_sets(world_, rev, sets);
  attempt.fate = Fate::applied;
  ++applied_;
  if (rev > 1) {
    const std::string& ns = world_.model.outcome(rev).seqs.begin()->first;
    const Set* before = world_.model.set(ns, world_.model.head_seq(ns) - 1);
    demand(before == nullptr || before->time <= time, "time never decreases");
  }
  if (attempt.req) remember(*attempt.req, rev, time);
}

void Writes::remember(const Req& req, std::uint64_t rev, std::uint64_t time) {
  Session& session = sessions_[req.first];
  if (session.last_write != 0 && session.last_write + kHour < time) {
    // Over; unless one of its writes was under way all the time.
    for (const auto& [n, first] : session.applied) session.maybe_forgotten.insert(n);
  }
  const std::uint64_t n = req.second;
  demand(session.applied.count(n) == 0 || session.maybe_forgotten.count(n) != 0,
         "I7: a request id is applied once");
  session.applied[n] = rev;
  session.maybe_forgotten.erase(n);
  session.highest = std::max(session.highest, n);
  session.last_write = time;
}

void Writes::check_refusal(const Attempt& attempt, const ReplyHeader& reply,
                           std::uint64_t last_when_sent) const {
  const Error& error = *reply.error;
  const std::uint64_t rev = reply.rev.value();
  switch (error.code) {
    case ErrorCode::conflict:
    case ErrorCode::not_found: {
      demand(rev <= world_.model.last(), "I2: a refusal rests on what is durable");
      demand(rev >= last_when_sent, "I9: a refusal is not of an older revision");
      demand(attempt.write.kind != Kind::rollback, "a rollback has no conditions and deletes what is there");
      const auto refusal = world_.model.judge(attempt.write, rev);
      demand(refusal.has_value(), "a refused write is refused by the reference too");
      demand(refusal->conflict == (error.code == ErrorCode::conflict),
             "conflicts are judged before not_found");
      demand(error.ns == refusal->ns && error.key == refusal->key, "a refusal names the first failing key");
      if (refusal->conflict) demand(error.rev == refusal->rev, "a conflict names the key's present revision");
      if (attempt.write.kind == Kind::txn) demand(error.index == refusal->index, "a refusal names the index");
      return;
    }
    case ErrorCode::unsupported: {
      const auto& items = attempt.write.items;
      if (attempt.write.kind == Kind::rollback)
        return demand(attempt.write.ns[0] == '_', "only the broker's own namespaces are unsupported");
      return demand(std::any_of(items.begin(), items.end(), [](const Item& i) { return i.ns[0] == '_'; }),
                    "only the broker's own namespaces are unsupported");
    }
    case ErrorCode::invalid_argument: {
      demand(error.field == "req" && attempt.req, "a well-formed write is refused for its request id only");
      const Session& session = sessions_.find(attempt.req->first)->second;
      const auto first = session.applied.find(attempt.req->second);
      const bool trimmed = first != session.applied.end() && world_.may_be_gone(first->second);
      return demand(trimmed || session.highest >= attempt.req->second + kRemembered,
                    "I7: outcomes of n > M - 1,024 are kept");
    }
    default:
      return;
  }
}

void Writes::recover(std::uint64_t rev, const std::vector<NamedSet>& sets, bool restored) {
  demand(rev == world_.model.last() + 1, "I1: what is recovered continues densely");
  demand(!sets.empty() && sets.front().second.note.has_value(), "what is recovered carries its note");
  const auto it = attempts_.find(*sets.front().second.note);
  demand(it != attempts_.end(), "what is recovered was written");
  const Fate fate = it->second.fate;
  demand(fate == Fate::unknown || (restored && fate == Fate::applied),
         "only a write that was under way is recovered");
  learn(it->second, rev, sets);
}

void Writes::went_back() {
  for (auto& [name, session] : sessions_) session = Session{{}, {}, 0, 0, session.next_n};
  for (std::uint64_t rev = 1; rev <= world_.model.last(); ++rev) {
    const auto& [ns, seq] = *world_.model.outcome(rev).seqs.begin();
    const Set& set = *world_.model.set(ns, seq);
    if (const auto& req = attempts_.at(set.note).req) remember(*req, rev, set.time);
  }
}

void Writes::repeat_all() {
  const std::uint64_t now = to_micros(world_.now.wall);
  for (const auto& [name, session] : sessions_) {
    if (session.last_write + kSurelyRemembered < now) continue;
    for (const auto& [n, rev] : session.applied) {
      if (session.maybe_forgotten.count(n) == 0 && n + kRemembered > session.highest) repeat({name, n}, rev);
    }
  }
}

void Writes::repeat(const Req& req, std::uint64_t rev) {
  const WriteOptions options{req.first, req.second, {}};
  const Write again{Kind::put, {{true, "a", "k", "\xc0"}}, {}, {}};
  world_.ask_aside(request_of(again, options), [&](const ReplyHeader& reply) {
    if (reply.error) {
      demand(reply.error->field == "req" && world_.may_be_gone(rev),
             "I7: the outcome of a remembered request id is kept above the floor");
      return;
    }
    demand(reply.rev.value() == rev, "I7: a repeat gets the first one's revision");
    check_outcome(world_.model.outcome(rev), reply, true);
  });
}

}  // namespace prismbus::model
