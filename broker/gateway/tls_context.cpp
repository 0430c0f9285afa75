#include "broker/gateway/tls_context.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <string_view>
#include <vector>

#include "proto/base/checked_file.hpp"
#include "proto/wire/file_error.hpp"

namespace prismbus {
namespace {

template <class T, void (*kFree)(T*)>
struct FreedBy {
  void operator()(T* object) const { kFree(object); }
};
using Certificate = std::unique_ptr<X509, FreedBy<X509, X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY, EVP_PKEY_free>>;
using Reading = std::unique_ptr<BIO, FreedBy<BIO, BIO_free_all>>;

constexpr std::uint64_t kFileBytesMax = 1u << 20;
constexpr long kClientChainBytesMax = 32 << 10;
constexpr int kSecurityLevel = 2;  // 112 bits: RSA from 2048, no SHA-1 in signatures
constexpr const char* kCertificateFlag = "--gateway-tls-cert";
constexpr const char* kKeyFlag = "--gateway-tls-key";
constexpr const char* kClientCaFlag = "--gateway-tls-client-ca";
// Of TLS 1.2; those of 1.3 are all good.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr unsigned char kAlpn[] = "\x08http/1.1";

tl::unexpected<Error> wrong(const char* flag, const std::string& path, std::string_view what) {
  ERR_clear_error();
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {} {}", flag, path, what));
}

// What OpenSSL says of it; reasons of its table, nothing of the file.
std::string last_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason == nullptr ? "no reason is known" : reason;
}

Result<SecretBytes> read_file(const char* flag, const std::string& path, mode_t refused, mode_t* mode) {
  auto bytes = read_secret_file(path, {refused, true, kFileBytesMax}, mode);
  if (bytes) return std::move(*bytes);
  return tl::unexpected(in_context(flag, file_error(bytes.error(), path)));
}

Reading reading(const SecretBytes& bytes) {
  return Reading(BIO_new_mem_buf(bytes.view().data(), static_cast<int>(bytes.size())));
}

// Encrypted keys have nobody here who could be asked.
int no_password(char*, int, int, void*) {
  return -1;
}

Result<std::vector<Certificate>> read_certificates(const char* flag, const std::string& path) {
  mode_t mode = 0;
  const auto bytes = read_file(flag, path, kOthersWrite, &mode);
  if (!bytes) return tl::unexpected(bytes.error());
  if (bytes->view().find("PRIVATE KEY-----") != std::string_view::npos && (mode & kOthersAnything) != 0)
    return wrong(flag, path, "holds a private key and is open to others: chmod 0600 it");
  const Reading in = reading(*bytes);
  std::vector<Certificate> found;
  while (Certificate one{PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr)})
    found.push_back(std::move(one));
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
    return wrong(flag, path, fmt::format("has a certificate that cannot be read: {}", last_reason()));
  ERR_clear_error();
  if (found.empty()) return wrong(flag, path, "holds no certificate in PEM");
  return found;
}

Result<Key> read_key(const std::string& path) {
  const auto bytes = read_file(kKeyFlag, path, kOthersAnything, nullptr);
  if (!bytes) return tl::unexpected(bytes.error());
  const Reading in = reading(*bytes);
  Key key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr));
  if (!key) return wrong(kKeyFlag, path, "holds no private key in PEM, or one that is encrypted");
  return key;
}

Wall time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return Wall(std::chrono::seconds(::timegm(&parts)));
}

// Whoever asks for another protocol by ALPN does not get this one under its name (RFC 7301).
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kAlpn, sizeof kAlpn - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<void> take_client_ca(SSL_CTX* context, const std::string& path) {
  const auto signers = read_certificates(kClientCaFlag, path);
  if (!signers) return tl::unexpected(signers.error());
  for (const Certificate& signer : *signers) {
    if (X509_check_ca(signer.get()) == 0)
      return wrong(kClientCaFlag, path, "has a certificate that may sign no others");
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), signer.get()) != 1 ||
        SSL_CTX_add_client_CA(context, signer.get()) != 1)
      return wrong(kClientCaFlag, path, fmt::format("cannot be used: {}", last_reason()));
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_max_cert_list(context, kClientChainBytesMax);
  return {};
}

bool set_rules(SSL_CTX* context) {
  SSL_CTX_set_security_level(context, kSecurityLevel);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  return SSL_CTX_set_num_tickets(context, 0) == 1 &&
         SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, 0) == 1 && SSL_CTX_set_cipher_list(context, kCiphers) == 1 &&
         SSL_CTX_set1_groups_list(context, kGroups) == 1;
}

}  // namespace

Result<TlsContext> load_tls_context(const TlsFiles& files) {
  const auto chain = read_certificates(kCertificateFlag, files.certificate);
  if (!chain) return tl::unexpected(chain.error());
  const auto key = read_key(files.key);
  if (!key) return tl::unexpected(key.error());
  X509* const own = chain->front().get();
  if (X509_check_private_key(own, key->get()) != 1)
    return wrong(kKeyFlag, files.key, fmt::format("is not the key of {}", files.certificate));

  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return wrong(kCertificateFlag, files.certificate, last_reason());
  TlsContext made{std::make_shared<boost::asio::ssl::context>(context), time_of(X509_get0_notBefore(own)),
                  time_of(X509_get0_notAfter(own))};
  bool good = set_rules(context) && SSL_CTX_use_certificate(context, own) == 1;
  for (std::size_t i = 1; good && i < chain->size(); ++i)
    good = SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) == 1;
  if (!good || SSL_CTX_use_PrivateKey(context, key->get()) != 1)
    return wrong(kCertificateFlag, files.certificate, fmt::format("cannot be used: {}", last_reason()));
  if (!files.client_ca.empty()) {
    if (auto taken = take_client_ca(context, files.client_ca); !taken) return tl::unexpected(taken.error());
  }
  ERR_clear_error();
  return made;
}

}  // namespace prismbus
