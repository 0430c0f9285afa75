// prismbus import: makes a namespace hold what a document says.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "proto/json/json_value.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/difference_lines.hpp"
#include "publisher/command/document_file.hpp"
#include "publisher/command/document_format.hpp"
#include "publisher/command/import_plan.hpp"
#include "publisher/command/namespace_picture.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/secret_values.hpp"

namespace prismbus::command {
namespace {

constexpr int kAttempts = 3;  // when somebody changes the same keys meanwhile: compare again
constexpr std::chrono::seconds kQuiet{2};

struct Options {
  std::string file, ns, note;
  std::optional<std::string> format, as;
  bool flat = false, dry_run = false, prune = false, chunked = false, yes = false, reveal = false;
};

struct Written {
  Epoch epoch;
  Revision rev;
  Seq seq;
  std::size_t transactions = 0;
};

// What the file wants, and whether its keys were made by joining nested names.
struct Wanted {
  KeyValues keys;
  Nesting nesting = Nesting::flat;
};

Outcome<Wanted> keys_of(const Options& o, const Value& document, Format format) {
  if (o.as) return Wanted{{{*o.as, document}}, Nesting::flat};
  const Nesting nesting = o.flat || format_row(format).flat ? Nesting::flat : Nesting::by_slashes;
  auto keys = nesting == Nesting::flat ? split_top_level(document) : flatten(document);
  if (keys) return Wanted{std::move(*keys), nesting};
  return misused(o.file == "-" ? "standard input" : o.file, keys.error().message);
}

Outcome<Wanted> read_keys(const Options& o, Terminal& terminal) {
  const auto format = format_of(o.file, o.format);
  if (!format) return tl::unexpected<Failure>(format.error());
  const auto text = read_text(o.file, terminal.in);
  if (!text) return tl::unexpected<Failure>(text.error());
  const auto document = parse_document(o.file, *text, *format);
  if (!document) return tl::unexpected<Failure>(document.error());
  return keys_of(o, *document, *format);
}

std::string_view op_of(DifferenceKind kind) {
  return kind == DifferenceKind::added ? "added" : kind == DifferenceKind::changed ? "changed" : "removed";
}

Value difference_value(const Difference& d, Shown shown) {
  const bool masked = shown == Shown::masked;
  Fields f;
  f.field("change", op_of(d.kind)).field("key", d.key);
  if (d.before) f.field("before", masked ? Value::text(kMask) : *d.before);
  if (d.after) f.field("after", masked ? Value::text(kMask) : *d.after);
  if (masked) f.field("masked", true);
  return f.take();
}

void report(const Options& o, const ImportPlan& plan, const Written& written, Shown shown, Invocation& in) {
  if (in.globals.json) {
    Fields reply = ok_reply(written.epoch, written.rev);
    reply.field("seq", written.seq.value()).field("dry_run", o.dry_run);
    reply.field("transactions", std::uint64_t{written.transactions});
    reply.field("added", std::uint64_t{plan.added}).field("changed", std::uint64_t{plan.changed});
    reply.field("removed", std::uint64_t{plan.removed}).field("unchanged", std::uint64_t{plan.unchanged});
    reply.field("kept", std::uint64_t{plan.kept});
    if (o.dry_run) {
      Value::Array changes;
      for (const Difference& d : plan.changes) changes.push_back(difference_value(d, shown));
      reply.field("changes", Value::array(std::move(changes)));
    }
    print_json(in.terminal, reply.take());
    return;
  }
  if (o.dry_run) print_differences(plan.changes, shown, in.terminal);
  std::string line = fmt::format("{} added, {} changed, {} removed, {} unchanged", plan.added, plan.changed,
                                 plan.removed, plan.unchanged);
  if (plan.kept > 0) line += fmt::format("; {} only at the broker kept (--prune deletes)", plan.kept);
  if (o.dry_run) line += "; nothing written (--dry-run)";
  if (written.transactions > 0)
    line += fmt::format("; rev {}  seq {}", written.rev.value(), written.seq.value());
  if (written.transactions > 1) line += fmt::format("  in {} transactions", written.transactions);
  in.terminal.out << line << '\n';
}

tl::unexpected<Failure> too_large(const ImportPlan& plan, const std::vector<Transaction>& parts,
                                  const TransactionLimits& limits) {
  std::size_t bytes = 0;
  for (const Transaction& t : parts) bytes += t.bytes();
  Error e;
  e.code = ErrorCode::too_large;
  e.message = fmt::format(
      "{} changes of {} bytes do not fit one transaction ({} changes, {} bytes); nothing was written. "
      "--chunked writes "
      "{} transactions, which readers see one after the other",
      plan.changes.size(), bytes, limits.changes, limits.bytes, parts.size());
  return failed(e, "import");
}

// Writes the parts in order. `written` counts what was applied, also when a later part fails.
Outcome<void> write_parts(const Options& o, std::vector<Transaction> parts, Session& session, Invocation& in,
                          Written& written) {
  const auto start = std::chrono::steady_clock::now();
  const std::size_t all = parts.size();
  for (std::size_t i = 0; i < all; ++i) {
    session.start_over();
    if (!o.note.empty()) parts[i].note(o.note);
    const auto done =
        session.wait(session.publisher().commit(std::move(parts[i]), session.write()), "import");
    if (!done) return tl::unexpected<Failure>(done.error());
    written.epoch = done->epoch;
    written.rev = done->rev;
    written.seq = done->seq;
    ++written.transactions;
    const bool long_enough = std::chrono::steady_clock::now() - start > kQuiet;
    if (long_enough && !in.globals.json)
      in.terminal.err << fmt::format("import: {} of {} written\n", i + 1, all);
  }
  return {};
}

tl::unexpected<Failure> partly(Failure f, const Written& written) {
  if (written.transactions > 0) {
    f.error.message +=
        fmt::format("; {} transactions were applied, up to rev {}: the same command again writes the rest",
                    written.transactions, written.rev.value());
  }
  return tl::unexpected<Failure>(std::move(f));
}

// Compares and writes. Its transactions hold only if nobody changed those keys in between; then it compares
// again.
Outcome<void> bring_up_to_date(const Options& o, const Wanted& wanted, Session& session, Invocation& in) {
  const TransactionLimits limits{session.hello().limits.txn_changes, session.hello().limits.txn_bytes};
  const Prune prune = o.prune ? Prune::yes : Prune::no;
  SecretValues secrets(session, {"import", o.ns, o.reveal}, in.terminal);
  Written written;
  for (int attempt = 1;; ++attempt) {
    session.start_over();
    const auto picture = read_namespace(session, o.ns);
    if (!picture) return partly(picture.error(), written);
    auto current = picture->keys;
    if (o.as) std::erase_if(current, [&o](const auto& item) { return item.first != *o.as; });
    const auto plan = plan_import(current, wanted.keys, prune, wanted.nesting);
    if (!plan) return partly(plan.error(), written);
    if (written.transactions == 0) written = {picture->epoch, picture->rev, picture->seq, 0};
    auto parts = cut_into_transactions(o.ns, plan->changes, limits);
    if (parts.size() > 1 && !o.chunked && !o.dry_run) return too_large(*plan, parts, limits);
    const auto done = o.dry_run ? Outcome<void>{} : write_parts(o, std::move(parts), session, in, written);
    if (done) {
      const bool shows = o.dry_run && !plan->changes.empty();
      report(o, *plan, written, shows ? secrets.shown(o.ns) : Shown::masked, in);
      return {};
    }
    const bool overtaken = done.error().exit == Exit::conflict && attempt < kAttempts;
    if (!overtaken) return partly(done.error(), written);
  }
}

// Most often what was to make the document has failed.
Outcome<void> confirm_emptying(const Options& o, const Wanted& wanted, Terminal& terminal) {
  if (!wanted.keys.empty() || !o.prune || o.dry_run || o.yes) return {};
  if (!terminal.asks) {
    return misused("--yes",
                   fmt::format("needed where nobody can be asked: the document is empty, and --prune "
                               "would delete every key of {}",
                               o.ns));
  }
  const auto question = fmt::format("the document is empty: delete every key of {}? [y/N] ", printable(o.ns));
  if (terminal.confirm(question, Terminal::Default::no)) return {};
  return misused("import", "not confirmed; nothing was deleted");
}

Outcome<void> import_document(const Options& o, Invocation& in) {
  if (o.as && o.prune)
    return misused("--prune", "not with --as: the other keys of the namespace are not the file's");
  const auto wanted = read_keys(o, in.terminal);
  if (!wanted) return tl::unexpected<Failure>(wanted.error());
  if (auto fine = confirm_emptying(o, *wanted, in.terminal); !fine) return fine;
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  return bring_up_to_date(o, *wanted, *session, in);
}

constexpr const char* kExplanation =
    "Nested maps become keys joined by slashes: {api: {rate: 5}} is the key api/rate. Lists and empty maps "
    "are values.\n"
    "--flat takes only the top level apart; --as KEY imports the document as the one value of KEY.\n"
    "${ENV:-default} stays as it is, in every format:\n"
    "  yaml        1.2 with its core types (yes and 12:30 are strings), anchors and << merges resolved\n"
    "  json        as \"HTTP and WebSocket\" in proto/PROTOCOL.md says ({\"$bin\": ...})\n"
    "  toml        1.0; dates and times are strings\n"
    "  env         NAME=text, NAME='text', NAME=\"text\"; always flat; every value is a string, 8080 too\n"
    "  properties  Java's; always flat, dots stay; every value is a string\n"
    "Equal keys are not written again. What is written is one transaction, and only on top of what was "
    "compared: keys\n"
    "changed by others meanwhile are compared again. Nothing is deleted without --prune.\n"
    "--dry-run shows ******** in place of values of a namespace that the policy calls secret, or that has "
    "never been\n"
    "written at a broker with security on, which does not say; --reveal shows them.\n\n"
    "Examples:\n"
    "  prismbus import collector.yaml md.collector --dry-run\n"
    "  prismbus import collector.yaml md.collector --dry-run --reveal\n"
    "  prismbus import collector.yaml md.collector --note 'release 4.2'\n"
    "  prismbus import collector.yaml md.collector --prune      # delete what the file lacks\n"
    "  prismbus import collector.yaml services --as collector   # one value\n"
    "  prismbus import tiers.json risk.tiers --flat --chunked   # more than 1,000 keys: not one transaction\n"
    "  prismbus import gateway.toml md.gateway\n"
    "  prismbus import .env md.gateway.env\n"
    "  render-config | prismbus import - md.okx --format yaml\n";

}  // namespace

void add_import(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("import", "Import a file into a namespace: YAML, JSON, TOML, .env, properties");
  sub.option("FILE", o->file, "The document; - is standard input").required();
  sub.option("NS", o->ns, "Namespace").required();
  sub.option("--format", o->format, format_names() + ", when the ending of FILE does not say")
      .type_name("FORMAT");
  const Option flat = sub.flag("--flat", o->flat, "Only the top level is taken apart");
  sub.option("--as", o->as, "The whole document is the value of this key").type_name("KEY").excludes(flat);
  const Option dry = sub.flag("-n,--dry-run", o->dry_run, "Show what would change; write nothing");
  add_reveal(sub, o->reveal).needs(dry);
  sub.flag("--prune", o->prune, "Delete keys that the file lacks");
  sub.flag("-y,--yes", o->yes, "Do not ask before --prune with an empty document deletes every key");
  sub.flag("--chunked", o->chunked, "Allow several transactions, which is not atomic");
  sub.option("--note", o->note, "A note to keep with the revision, up to 1 KiB").type_name("TEXT");
  sub.footer(kExplanation);
  sub.action([o](Invocation& in) { return import_document(*o, in); });
}

}  // namespace prismbus::command
