// prismbus put: writes one value.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>

#include "proto/wire/names.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/document_file.hpp"
#include "publisher/command/document_format.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/value_argument.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string ns, key, value, file, note;
  std::optional<std::string> format;
  std::optional<std::uint64_t> if_rev;
  bool has_value = false, string = false;
};

Outcome<Value> read_value(const Options& o, Terminal& terminal) {
  if (o.has_value && !o.file.empty()) return misused("--file", "give VALUE or --file, not both");
  if (!o.has_value && o.file.empty()) return misused("VALUE", "missing; give VALUE or --file FILE");
  if (o.has_value && !o.string) return parse_value_argument(o.value, "--string takes it as text");
  std::string text = o.value;
  if (!o.file.empty()) {
    auto read = read_text(o.file, terminal.in);
    if (!read) return tl::unexpected<Failure>(read.error());
    text = std::move(*read);
  }
  if (o.string) {
    if (!is_utf8(text)) return misused("--string", "the text is not UTF-8");
    return Value::text(text);
  }
  const auto format = format_of(o.file, o.format);
  if (!format) return tl::unexpected<Failure>(format.error());
  return parse_document(o.file, text, *format);
}

Outcome<void> put(const Options& o, Invocation& in) {
  const auto value = read_value(o, in.terminal);
  if (!value) return tl::unexpected<Failure>(value.error());
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  if (const auto reached = session->await_revision(Revision(o.if_rev.value_or(0)), o.ns, o.key); !reached)
    return reached;
  WriteCall call = session->write();
  if (o.if_rev) call.if_rev = Revision(*o.if_rev);
  if (!o.note.empty()) call.note = o.note;
  const auto done = session->wait(
      session->publisher().put(o.ns, o.key, EncodedValue{to_message_pack(*value)}, std::move(call)),
      fmt::format("put {} {}", o.ns, o.key));
  if (!done) return tl::unexpected<Failure>(done.error());
  if (in.globals.json) {
    Fields reply = ok_reply(done->epoch, done->rev);
    reply.field("seq", done->seq.value()).field("version", done->version);
    if (done->duplicate) reply.field("duplicate", true);
    print_json(in.terminal, reply.take());
  } else {
    in.terminal.out << fmt::format("rev {}  seq {}  version {}\n", done->rev.value(), done->seq.value(),
                                   done->version);
  }
  return {};
}

}  // namespace

void add_put(CommandLine line) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = line.app.add_subcommand("put", "Write one value");
  sub->fallthrough();
  sub->add_option("NS", o->ns, "Namespace, such as md.okx")->required();
  sub->add_option("KEY", o->key, "Key, such as api/timeout")->required();
  CLI::Option* value = sub->add_option("VALUE", o->value, "The value; see below");
  sub->add_option("-f,--file", o->file, "Take the value from a YAML or JSON file; - is standard input")
      ->type_name("FILE");
  sub->add_option("--format", o->format, format_names() + ", when the ending of FILE does not say")
      ->type_name("FORMAT");
  sub->add_flag("--string", o->string, "VALUE, or all of FILE, is text as it stands");
  sub->add_option("--if-rev", o->if_rev,
                  "Write only if the key is at this revision; 0 = only if it does not exist")
      ->type_name("REV");
  sub->add_option("--note", o->note, "Up to 1 KiB of text kept with the revision")->type_name("TEXT");
  sub->footer(std::string(kValueRule) +
              "\n\nExamples:\n"
              "  prismbus put md.okx api/timeout 30\n"
              "  prismbus put md.okx symbols '[\"BTC-USDT\", \"ETH-USDT\"]' --note 'add ETH'\n"
              "  prismbus put md.okx api/version --string 1.2.3\n"
              "  prismbus put md.okx api/timeout 45 --if-rev 12     # exit code 5 if somebody was faster\n"
              "  prismbus put md.okx owner alice --if-rev 0         # only if it does not exist\n"
              "  prismbus put md.okx limits --file limits.yaml\n"
              "  prismbus put md.okx offset -- -5                   # after --, nothing is an option\n");
  sub->callback([o, value, &chosen = line.chosen] {
    o->has_value = value->count() > 0;
    chosen = [o](Invocation& in) { return put(*o, in); };
  });
}

}  // namespace prismbus::command
