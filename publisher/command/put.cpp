// prismbus put: writes one value: typed, from a file or standard input, or edited.
#include <fmt/format.h>

#include <memory>

#include "proto/wire/names.hpp"
#include "publisher/command/applied_wait.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/document_file.hpp"
#include "publisher/command/document_format.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/secret_values.hpp"
#include "publisher/command/value_argument.hpp"
#include "publisher/command/value_editor.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string ns, key, value, file, note;
  std::optional<std::string> format;
  std::optional<std::uint64_t> if_rev;
  std::optional<std::string> wait_applied;  // as it was typed
  std::optional<AppliedWait> wait;
  bool has_value = false, string = false, edit = false, reveal = false;
};

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Outcome<Value> read_value(const Options& o, Terminal& terminal) {
  const bool from_input = o.value == "-" && o.file.empty() && !o.string;  // as --file -
  if (o.has_value && !o.file.empty()) return misused("--file", "give VALUE or --file, not both");
  if (!o.has_value && o.file.empty())
    return misused("VALUE", "missing; give VALUE, - , --file FILE or --edit");
  if (o.has_value && !o.string && !from_input)
    return parse_value_argument(o.value, "--string takes it as text");
  const std::string path = from_input ? "-" : o.file;
  // JSON is YAML as well, so standard input needs no --format for either.
  const bool no_format = o.string || (path == "-" && !o.format);
  const auto format = no_format ? Outcome<Format>(Format::yaml) : format_of(path, o.format);
  if (!format) return tl::unexpected<Failure>(format.error());
  std::string text = o.value;
  if (!path.empty()) {
    auto read = read_text(path, terminal.in);
    if (!read) return tl::unexpected<Failure>(read.error());
    text = std::move(*read);
  }
  if (!o.string && is_blank(text)) {  // what came before in a pipe failed, perhaps
    return misused(from_input ? "VALUE" : "--file",
                   fmt::format("{} is empty; null is written null", path == "-" ? "standard input" : path));
  }
  if (o.string) {
    if (!is_utf8(text)) return misused("--string", "the text is not UTF-8");
    return Value::text(text);
  }
  return parse_document(path, text, *format);
}

Outcome<WriteOutcome> write(const Options& o, const Value& value, Revision if_rev, bool conditional,
                            Session& session) {
  WriteCall call = session.write();
  if (conditional) call.if_rev = if_rev;
  if (!o.note.empty()) call.note = o.note;
  return session.wait(
      session.publisher().put(o.ns, o.key, EncodedValue{to_message_pack(value)}, std::move(call)),
      fmt::format("put {} {}", o.ns, o.key));
}

void report(const WriteOutcome& done, const std::optional<WaitAppliedReply>& applied, Invocation& in) {
  if (in.globals.json) {
    Fields reply = ok_reply(done.epoch, done.rev);
    reply.field("seq", done.seq.value()).field("version", done.version);
    if (done.duplicate) reply.field("duplicate", true);
    if (applied) reply.field("applied", static_cast<std::uint64_t>(applied->applied.size()));
    print_json(in.terminal, reply.take());
  } else {
    in.terminal.out << fmt::format("rev {}  seq {}  version {}{}\n", done.rev.value(), done.seq.value(),
                                   done.version,
                                   applied ? fmt::format("  applied {}", applied->applied.size()) : "");
  }
}

// What was written is told also when not everybody has applied it: by the line that says so.
Outcome<void> finish(const Options& o, const WriteOutcome& done, Session& session, Invocation& in) {
  std::optional<WaitAppliedReply> applied;
  if (o.wait) {
    auto waited = await_applied(*o.wait, o.ns, done, session, fmt::format("put {} {}", o.ns, o.key));
    if (!waited) return tl::unexpected<Failure>(waited.error());
    applied = std::move(*waited);
  }
  report(done, applied, in);
  return {};
}

// The key as it is; nullopt when it does not exist.
Outcome<std::optional<Entry>> read_entry(const Options& o, Session& session) {
  const auto answer = session.wait(session.publisher().get(o.ns, o.key, session.read()),
                                   fmt::format("put {} {}", o.ns, o.key));
  if (answer) return std::optional<Entry>(answer->value);
  if (answer.error().exit == Exit::not_found) return std::optional<Entry>();
  return tl::unexpected<Failure>(answer.error());
}

// Written only on top of what was shown in the editor. What was typed is not lost when that fails.
Outcome<void> edit(const Options& o, Invocation& in) {
  if (o.has_value || !o.file.empty() || o.string)
    return misused("--edit", "not with VALUE, --file or --string");
  const auto format = o.format ? format_of("", o.format) : Outcome<Format>(Format::yaml);
  if (!format) return tl::unexpected<Failure>(format.error());
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  const auto entry = read_entry(o, *session);
  if (!entry) return tl::unexpected<Failure>(entry.error());
  if (*entry) {
    SecretValues secrets(*session, {"put", o.ns, o.reveal}, in.terminal);
    if (auto fine = secrets.require_shown(o.ns); !fine) return fine;
  }
  const Revision rev = *entry ? (*entry)->rev : Revision(0);
  if (o.if_rev && *o.if_rev != rev.value()) {
    return misused("--if-rev", fmt::format("the key is at rev {}; nothing was written", rev.value()));
  }
  const auto text =
      *entry ? print_document(stored_value((*entry)->value), *format) : Outcome<std::string>("");
  if (!text) return tl::unexpected<Failure>(text.error());
  auto file = EditedText::create(*text, *format);
  if (!file) return tl::unexpected<Failure>(file.error());
  const auto edited = edit_value(*file, *text, *format, in.terminal);
  if (!edited) return tl::unexpected<Failure>(edited.error());
  if (!*edited || (*entry && **edited == stored_value((*entry)->value))) {
    in.terminal.err << "prismbus: put: unchanged or empty, nothing written\n";
    return {};
  }
  session->start_over();
  const auto done = write(o, **edited, rev, true, *session);
  if (!done) {
    file->keep();
    Failure f = done.error();
    f.error.message += fmt::format("; what you wrote is in {}", file->path());
    return tl::unexpected<Failure>(std::move(f));
  }
  return finish(o, *done, *session, in);
}

Outcome<void> put(Options& o, Invocation& in) {
  if (o.wait_applied) {
    auto wait = parse_applied_wait(*o.wait_applied);
    if (!wait) return tl::unexpected<Failure>(wait.error());
    o.wait = *wait;
  }
  if (o.edit) return edit(o, in);
  const auto value = read_value(o, in.terminal);
  if (!value) return tl::unexpected<Failure>(value.error());
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  if (auto reached = session->await_revision(Revision(o.if_rev.value_or(0)), o.ns, o.key); !reached)
    return reached;
  const auto done = write(o, *value, Revision(o.if_rev.value_or(0)), o.if_rev.has_value(), *session);
  if (!done) return tl::unexpected<Failure>(done.error());
  return finish(o, *done, *session, in);
}

}  // namespace

void add_put(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("put", "Write one value");
  sub.option("NS", o->ns, "Namespace, such as md.okx").required();
  sub.option("KEY", o->key, "Key, such as api/timeout").required();
  const Option value =
      sub.option("VALUE", o->value, "The value, see below; - reads YAML or JSON from standard input");
  sub.option("-f,--file", o->file,
             "Read the value from a file: YAML, JSON, TOML, .env, properties; - is standard input")
      .type_name("FILE");
  sub.option("--format", o->format, format_names() + ", when the ending of FILE does not say")
      .type_name("FORMAT");
  const Option edited = sub.flag("-e,--edit", o->edit,
                                 "Edit the present value in $VISUAL or $EDITOR, as YAML or as --format says");
  sub.flag("--reveal", o->reveal, "With --edit: a value that the policy calls secret too").needs(edited);
  sub.flag("--string", o->string, "Take VALUE, or all of FILE, as text");
  sub.option("--if-rev", o->if_rev, "Write only if the key is at this revision; 0: only if it does not exist")
      .type_name("REV")
      .whole_number();
  sub.option("--wait-applied", o->wait_applied,
             "Wait, up to --timeout, until `all` who follow NS, or N of them, have applied it")
      .type_name("all|N");
  sub.option("--note", o->note, "A note to keep with the revision, up to 1 KiB").type_name("TEXT");
  sub.footer(
      std::string(kValueRule) +
      "\n\n--wait-applied needs a --timeout of a few seconds: followers report about once a second, in a "
      "crowd "
      "less often.\n"
      "Exit code 15: the value is written, but not everybody has applied it. With --json, `error` then has "
      "rev, seq,\n"
      "version, applied, rejected, silent and reasons.\n\n"
      "--edit writes only if the key is still what you were shown, and nothing if you changed nothing. After "
      "a "
      "mistake\n"
      "you are asked whether to edit again. A value that the policy calls secret is not opened without "
      "--reveal (exit code 2).\n"
      "\nExamples:\n"
      "  prismbus put md.okx api/timeout 30\n"
      "  prismbus put md.okx symbols '[\"BTC-USDT\", \"ETH-USDT\"]' --note 'add ETH'\n"
      "  prismbus put md.okx api/version --string 1.2.3\n"
      "  prismbus put md.okx api/timeout 45 --if-rev 12     # exit code 5 if somebody was faster\n"
      "  prismbus put md.okx owner alice --if-rev 0         # only if it does not exist\n"
      "  prismbus put md.okx limits --file limits.yaml\n"
      "  echo '{rate: 5}' | prismbus put md.okx limits -\n"
      "  prismbus put md.okx limits --edit --note 'by hand'\n"
      "  prismbus put md.okx limits --edit --reveal\n"
      "  prismbus put md.okx api/timeout 50 --wait-applied all --timeout 2s   # exit code 15: written, not "
      "applied by all\n"
      "  prismbus put md.okx offset -- -5                   # after --, nothing is an option\n");
  sub.action([o, value](Invocation& in) {
    o->has_value = value.given();
    return put(*o, in);
  });
}

}  // namespace prismbus::command
