// Names: namespaces, keys, topics and globs. Names are taken as they are or refused; nothing is normalised.
// Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "proto/wire/error.hpp"

namespace prismbus {

// Segments of [A-Za-z0-9_-] joined by '.', 1..120 bytes. `field` is named in the error (invalid_argument).
[[nodiscard]] Result<void> validate_namespace(std::string_view ns, std::string_view field);
// UTF-8 without control characters (U+0000..1F, 7F), 1..255 bytes.
[[nodiscard]] Result<void> validate_key(std::string_view key, std::string_view field);
// The same two rules as a yes or no.
[[nodiscard]] bool is_namespace(std::string_view ns);
[[nodiscard]] bool is_key(std::string_view key);
[[nodiscard]] bool is_plain_text(std::string_view text);  // UTF-8 without control characters, may be empty
[[nodiscard]] bool is_utf8(
    std::string_view bytes);  // well-formed: no surrogates, no overlong forms, <= U+10FFFF

// The name of a backup, which becomes that of a file: [A-Za-z0-9._-], not beginning with '.', 1..120 bytes.
[[nodiscard]] Result<void> validate_backup_name(std::string_view name, std::string_view field);

[[nodiscard]] bool is_system_namespace(std::string_view ns);  // first segment starts with '_'
// `under` and everything below; `under` "" = everything but the broker's own.
[[nodiscard]] bool is_under(std::string_view ns, std::string_view under);

// Topic of a namespace on the stream: ns + "/".
[[nodiscard]] std::string topic_of(std::string_view ns);
inline constexpr std::string_view kHeartbeatTopic{"\0hb/", 4};
inline constexpr std::string_view kBarrierPrefix{
    "\xff"
    "bar/",
    5};

// `?` one code point but '/'; `*` any run without '/'; `**` any run; `\` escapes. Matched against the whole
// key. Linear in key x pattern; a trailing lone '\' is invalid_argument.
[[nodiscard]] Result<void> validate_glob(std::string_view glob, std::string_view field);
[[nodiscard]] bool glob_matches(std::string_view glob, std::string_view key);

}  // namespace prismbus
