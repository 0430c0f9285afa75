// prismbus export: a namespace, or one value, as a document.
#include <fmt/format.h>

#include <memory>
#include <vector>

#include "proto/json/json_value.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/document_file.hpp"
#include "publisher/command/document_format.hpp"
#include "publisher/command/export_seed.hpp"
#include "publisher/command/namespace_picture.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/secret_values.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string ns, output;
  std::optional<std::string> format, as;
  SeedOptions seed;
  bool flat = false, reveal = false;
};

struct Exported {
  Epoch epoch;
  Revision rev;
  Seq seq;  // 0 for a single value
  std::size_t keys = 0;
  Value document;
};

Outcome<Exported> read_value(const Options& o, Session& session) {
  const auto answer = session.wait(session.publisher().get(o.ns, *o.as, session.read()), "export");
  if (!answer) return tl::unexpected<Failure>(answer.error());
  return Exported{answer->epoch, answer->value.rev, Seq(), 1, stored_value(answer->value.value)};
}

Outcome<Exported> read_keys(const Options& o, bool flat, Session& session) {
  auto picture = read_namespace(session, o.ns);
  if (!picture) return tl::unexpected<Failure>(picture.error());
  if (!picture->exists) return never_written(o.ns, "export");
  Exported out{picture->epoch, picture->rev, picture->seq, picture->keys.size(), Value::map({})};
  KeyValues keys;
  for (auto& [key, current] : picture->keys) keys.emplace(key, std::move(current.value));
  if (flat) {
    Value::Map members;
    for (auto& [key, value] : keys) members.push_back({Value::text(key), std::move(value)});
    out.document = Value::map(std::move(members));
    return out;
  }
  auto document = unflatten(keys);
  if (!document) return misused("export", document.error().message);
  out.document = std::move(*document);
  return out;
}

Outcome<void> export_document(const Options& o, Invocation& in) {
  Format format = format_by_ending(o.output).value_or(Format::yaml);
  if (o.format) {
    const auto named = format_of(o.output, o.format);
    if (!named) return tl::unexpected<Failure>(named.error());
    format = *named;
  }
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  const auto exported =
      o.as ? read_value(o, *session) : read_keys(o, o.flat || format_row(format).flat, *session);
  if (!exported) return tl::unexpected<Failure>(exported.error());
  SecretValues secrets(*session, {"export", o.ns, o.reveal}, in.terminal);
  if (auto fine = secrets.require_shown(o.ns); !fine) return fine;
  const bool as_reply = in.globals.json && (o.output.empty() || o.output == "-");  // then no text is made
  const auto text = as_reply ? Outcome<std::string>("") : print_document(exported->document, format);
  if (!text) return tl::unexpected<Failure>(text.error());
  const bool to_file = !o.output.empty() && o.output != "-";
  if (to_file) {
    const auto written = write_atomically(o.output, *text);
    if (!written) return tl::unexpected<Failure>(written.error());
  }
  if (in.globals.json) {
    Fields reply = ok_reply(exported->epoch, exported->rev);
    if (!o.as) reply.field("seq", exported->seq.value());
    reply.field("keys", std::uint64_t{exported->keys});
    to_file ? reply.field("path", o.output) : reply.field("document", exported->document);
    print_json(in.terminal, reply.take());
  } else if (!to_file) {
    in.terminal.out << *text;
  }
  return {};
}

}  // namespace

void add_export(Command top) {
  auto o = std::make_shared<Options>();
  Command sub =
      top.command("export", "Print a namespace as one document: YAML, JSON, TOML, .env, properties");
  sub.option("NS", o->ns, "Namespace").required();
  const Option format = sub.option("--format", o->format,
                                   format_names() + " (default: what the ending of FILE says, else yaml)")
                            .type_name("FORMAT");
  const Option output =
      sub.option("-o,--output", o->output, "Write this file, whole or not at all").type_name("FILE");
  const Option flat = sub.flag("--flat", o->flat, "Keys as they are, not nested by their slashes");
  const Option as = sub.option("--as", o->as, "Only the value of this key: what import --as KEY wrote")
                        .type_name("KEY")
                        .excludes(flat);
  const Option seed =
      sub.option("--seed", o->seed.path,
                 "Write a seed file: what a subscriber starts from with no broker and no cache")
          .type_name("FILE")
          .excludes(as)
          .excludes(flat)
          .excludes(format)
          .excludes(output);
  sub.flag("--subtree", o->seed.subtree, "With --seed: the namespaces below NS too").needs(seed);
  sub.option(
         "--exclude", o->seed.exclude,
         "With --seed: not these namespaces (NS, NS.** or **), for one those whose values are secret; may be "
         "repeated")
      .type_name("PATTERN")
      .groups_of(1)
      .needs(seed);
  sub.flag("--reveal", o->reveal, "Needed for namespaces that the policy calls secret");
  sub.footer(
      "Gives back what import took, with the same of --flat, --as KEY or neither: equal values and types; "
      "order of maps,\n"
      "comments and quoting style are not kept. All keys are of one revision. yaml and json carry every "
      "value "
      "(JSON as\n"
      "\"HTTP and WebSocket\" in proto/PROTOCOL.md says: {\"$bin\": ...}); toml has no null and no bytes; "
      "env and "
      "properties are\n"
      "flat and carry strings only. What a format cannot carry is an error that names the key; then nothing "
      "is "
      "written.\n"
      "What holds values of a namespace that the policy calls secret is written, or printed, only with "
      "--reveal: a mask "
      "in it\nwould be read back as a value. Else exit code 2.\n\n"
      "Examples:\n"
      "  prismbus export md.collector\n"
      "  prismbus export md.collector --format json | jq .nats\n"
      "  prismbus export md.collector -o backup.yaml\n"
      "  prismbus export md.collector -o with-secrets.yaml --reveal\n"
      "  prismbus export md.gateway --format toml\n"
      "  prismbus export md.gateway.env -o gateway.env\n"
      "  prismbus export services --as collector -o collector.yaml\n"
      "  prismbus export md --subtree --seed md.seed\n"
      "  prismbus export md --subtree --exclude 'md.accounts.**' --seed md.seed\n");
  sub.action([o](Invocation& in) {
    return o->seed.path.empty() ? export_document(*o, in) : export_seed(o->ns, o->seed, o->reveal, in);
  });
}

}  // namespace prismbus::command
