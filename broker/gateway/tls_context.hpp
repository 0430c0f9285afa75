// What TLS of the gateway is: versions, ciphers, its certificate and key, whose certificates a client may
// show. Made of files, which are judged whole: a context is made of all of them or not at all. Any thread.
//   TLS 1.2 with ECDHE and an AEAD cipher, or 1.3: every session has a key that no file reveals later.
//   No tickets and no session cache: a key that opens tickets would open what was recorded, a session taken
//   up again would spare a client its certificate, and connections that are kept alive gain little by either.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "proto/base/clock.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

// Paths of PEM files.
struct TlsFiles {
  std::string certificate;  // the gateway's own, then those between it and a root; empty: no TLS
  std::string key;          // of that certificate; not encrypted
  std::string client_ca;    // who signs the certificates of clients; empty: clients show none
};

struct TlsContext {
  std::shared_ptr<boost::asio::ssl::context> context;
  Wall begins{}, ends{};  // when the certificate is valid
};

// Reads the files. Errors name the flag and the file, and never tell what stands in it: as of file_error(),
// and invalid_argument (open to others, no certificate or key, a key of another certificate, or too weak).
[[nodiscard]] Result<TlsContext> load_tls_context(const TlsFiles& files);

}  // namespace prismbus
