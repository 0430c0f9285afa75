// prismbus txn: several changes that become one revision together, or none of them.
#include <fmt/format.h>

#include <memory>

#include "publisher/command/command.hpp"
#include "publisher/command/document_file.hpp"
#include "publisher/command/document_format.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/transaction_words.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::vector<std::string> words, requirements;
  std::string file, note;
};

Outcome<Transaction> build(const Options& o, Terminal& terminal) {
  Transaction transaction;
  const auto refuse = [](const Failure& f) { return tl::unexpected<Failure>(f); };
  if (!o.file.empty()) {
    const auto text = read_text(o.file, terminal.in);
    if (!text) return refuse(text.error());
    const auto document = parse_document(o.file, *text, Format::json);
    if (!document) return refuse(document.error());
    if (const auto fine = add_document(*document, transaction); !fine) {
      Failure f = fine.error();
      f.error.message = (o.file == "-" ? "standard input" : o.file) + ": " + f.error.message;
      return refuse(f);
    }
  }
  if (const auto fine = add_words(o.words, transaction); !fine) return refuse(fine.error());
  if (const auto fine = add_requirements(o.requirements, transaction); !fine) return refuse(fine.error());
  if (!o.note.empty()) transaction.note(o.note);
  if (transaction.size() == 0)
    return misused("txn", "nothing to do; give put NS KEY VALUE, delete NS KEY or --file FILE");
  return transaction;
}

Outcome<void> txn(const Options& o, Invocation& in) {
  auto transaction = build(o, in.terminal);
  if (!transaction) return tl::unexpected<Failure>(transaction.error());
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  for (const auto& r : transaction->requirements()) {
    if (const auto reached = session->await_revision(r.rev, r.ns, r.key); !reached) return reached;
  }
  const auto done =
      session->wait(session->publisher().commit(std::move(*transaction), session->write()), "txn");
  if (!done) return tl::unexpected<Failure>(done.error());
  if (in.globals.json) {
    Fields reply = ok_reply(done->epoch, done->rev);
    Value::Array versions;
    for (const std::uint64_t v : done->versions) versions.push_back(Value::number(v));
    reply.field("seqs", seqs_value(done->seqs)).field("versions", Value::array(std::move(versions)));
    if (done->duplicate) reply.field("duplicate", true);
    print_json(in.terminal, reply.take());
    return {};
  }
  in.terminal.out << fmt::format("rev {}", done->rev.value());
  for (const auto& [ns, seq] : done->seqs) in.terminal.out << fmt::format("  {} seq {}", ns, seq.value());
  in.terminal.out << '\n';
  return {};
}

}  // namespace

void add_txn(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("txn", "Change several keys at once, all or nothing");
  sub.option("CHANGES", o->words, "put NS KEY VALUE and delete NS KEY, one after the other").type_name("");
  sub.option("--require", o->requirements,
             "Only if this key is at this revision; 0 = does not exist; repeatable")
      .type_name("NS KEY REV")
      .groups_of(3);
  sub.option("-f,--file", o->file, "Take changes from a JSON file; - is standard input").type_name("FILE");
  sub.option("--note", o->note, "A note to keep with the revision, up to 1 KiB").type_name("TEXT");
  sub.footer(
      "VALUE as in put; text that is not a bare word is written '\"text\"'. At most 1,000 changes and 4 MiB. "
      "FILE holds\n"
      "  {\"do\": [{\"op\": \"put\", \"ns\": \"md.okx\", \"key\": \"a\", \"value\": 1}, {\"op\": \"delete\", "
      "...}],\n"
      "   \"if\": [{\"ns\": \"md.okx\", \"key\": \"a\", \"rev\": 12}], \"note\": \"...\"}\n\n"
      "Examples:\n"
      "  prismbus txn put md.okx a 1 put md.okx b 2 delete md.okx c\n"
      "  prismbus txn put md.okx primary false put md.binance primary true --require md.okx primary 12\n"
      "  prismbus txn --file changes.json --note 'switch over'\n"
      "  make-changes | prismbus txn --file -\n");
  sub.action([o](Invocation& in) { return txn(*o, in); });
}

}  // namespace prismbus::command
