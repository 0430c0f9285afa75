// prismbus completion: the script that teaches a shell to complete `prismbus`, and what those scripts call:
// `prismbus completion words -- WORD...`, one candidate a line, a tab, what it is.
#include <fmt/format.h>

#include <memory>

#include "publisher/command/command.hpp"
#include "publisher/command/completion_words.hpp"

namespace prismbus::command {
namespace {

constexpr std::chrono::milliseconds kBrokerPatience{200};  // nobody waits longer for a Tab

constexpr std::string_view kBash = R"(# bash completion for prismbus: source <(prismbus completion bash)
_prismbus() {
  local line=${COMP_LINE:0:COMP_POINT} candidate about current cut
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  current=${words[${#words[@]} - 1]}
  cut=${current%"${current##*[:=]}"} # bash replaces only what follows the last of these
  COMPREPLY=()
  while IFS=$'\t' read -r candidate about; do
    if [[ $candidate == :files ]]; then
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
    fi
    printf -v candidate %q "$candidate"
    COMPREPLY+=("${candidate#"$cut"}")
  done < <("${words[0]}" completion words -- "${words[@]:1}" 2>/dev/null)
}
complete -F _prismbus prismbus
)";

constexpr std::string_view kZsh = R"(#compdef prismbus
# zsh completion for prismbus: source <(prismbus completion zsh), or a file _prismbus in $fpath
_prismbus() {
  local line
  local -a candidates
  for line in "${(@f)$("${words[1]}" completion words -- "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}"; do
    if [[ $line == :files* ]]; then
      _files
      return
    fi
    [[ -n $line ]] && candidates+=("${line%%$'\t'*}")
  done
  compadd -a candidates
}
if [[ ${funcstack[1]:-} == _prismbus ]]; then
  _prismbus "$@"
else
  compdef _prismbus prismbus
fi
)";

constexpr std::string_view kFish = R"(# fish completion for prismbus: prismbus completion fish | source
function __prismbus_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] completion words -- $words[2..-1] "$current" 2>/dev/null)
    if test "$found[1]" = ":files"
        __fish_complete_path "$current"
    else
        printf '%s\n' $found
    end
end
complete -c prismbus -f -a '(__prismbus_complete)'
)";

Outcome<void> print_script(const std::string& shell, Terminal& terminal) {
  for (const auto& [name, script] :
       {std::pair("bash", kBash), std::pair("zsh", kZsh), std::pair("fish", kFish)}) {
    if (shell != name) continue;
    terminal.out << script;
    return {};
  }
  return misused("SHELL", "bash, zsh or fish");
}

// No broker in time, or one that answers with an error: nothing to offer, and nothing to say.
std::vector<std::string> namespaces_of(Globals globals) {
  auto session = Session::open(globals);
  std::vector<std::string> out;
  if (!session) return out;
  const auto rows = session->wait(session->publisher().namespaces("", session->read()));
  if (!rows) return out;
  for (const NamespaceRow& row : rows->value) out.push_back(row.ns);
  return out;
}

std::vector<std::string> keys_of(Globals globals, const std::string& ns, const std::string& prefix) {
  auto session = Session::open(globals);
  std::vector<std::string> out;
  if (!session) return out;
  ListCall call;
  call.ns = ns;
  call.values = false;
  if (!prefix.empty()) call.prefix = prefix;
  call.read = session->read();
  const auto entries = session->wait(session->publisher().list(std::move(call)));
  if (!entries) return out;
  for (const Entry& e : entries->value) out.push_back(e.key);
  return out;
}

}  // namespace

void print_completions(Command top, const std::vector<std::string>& words, Globals globals,
                       Terminal& terminal) {
  globals.timeout = kBrokerPatience;
  for (std::size_t i = 0; i + 2 < words.size(); ++i) {
    if (words[i] == "--broker") globals.brokers = {words[i + 1]};
  }
  const NameSources names{
      [&globals] { return namespaces_of(globals); },
      [&globals](const std::string& ns, const std::string& prefix) { return keys_of(globals, ns, prefix); }};
  for (const Candidate& c : complete(top, words, names)) {
    terminal.out << printable(c.word) << (c.about.empty() ? "" : "\t") << c.about << '\n';
  }
}

void add_completion(Command top) {
  auto shell = std::make_shared<std::string>();
  Command sub = top.command("completion", "Print the script that completes prismbus in a shell");
  sub.option("SHELL", *shell, "bash, zsh or fish").required();
  sub.footer(
      "Commands, options, files; namespaces and keys too when the broker of PRISMBUS_BROKER or --broker "
      "answers "
      "within 200 ms.\n\n"
      "Examples:\n"
      "  source <(prismbus completion bash)       # in ~/.bashrc\n"
      "  prismbus completion zsh > _prismbus      # in a folder of $fpath\n"
      "  prismbus completion fish > prismbus.fish # in ~/.config/fish/completions\n");
  sub.action([shell](Invocation& in) { return print_script(*shell, in.terminal); });
}

}  // namespace prismbus::command
