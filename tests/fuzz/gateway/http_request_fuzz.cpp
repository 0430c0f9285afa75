// Any bytes as a request: the first line a verb's number and the target, then headers `name:value`, an empty
// line, the body. Whatever is asked of the core is a well-formed request of it or one that it can refuse;
// what is refused here has a status and an error. Replies of any bytes end an exchange or ask again, no more
// than so often.
#include "broker/gateway/http/exchange.hpp"
#include "broker/gateway/http/gzip.hpp"
#include "broker/gateway/http/http_target.hpp"
#include "broker/gateway/http/origin_rules.hpp"
#include "proto/json/json_value.hpp"
#include "proto/wire/codec/request.hpp"
#include "tests/fuzz/oracle.hpp"

using namespace prismbus;

namespace {

std::string_view take_line(std::string_view& bytes) {
  const std::size_t at = bytes.find('\n');
  const std::string_view line = bytes.substr(0, at);
  bytes.remove_prefix(at == std::string_view::npos ? bytes.size() : at + 1);
  return line;
}

HttpRequest request_of(std::string_view bytes) {
  HttpRequest request;
  std::string_view first = take_line(bytes);
  if (!first.empty()) {
    request.verb = static_cast<Verb>(static_cast<unsigned char>(first.front()) % 7);
    first.remove_prefix(1);
  }
  request.target = std::string(first);
  for (std::string_view line = take_line(bytes); !line.empty(); line = take_line(bytes)) {
    const std::size_t colon = line.find(':');
    request.headers.emplace_back(std::string(line.substr(0, colon)),
                                 std::string(colon == std::string_view::npos ? "" : line.substr(colon + 1)));
  }
  request.body = std::string(bytes);
  return request;
}

void check_response(const HttpResponse& response) {
  FUZZ_CHECK(response.status >= 200 && response.status < 600);
  for (const auto& [name, value] : response.headers)
    FUZZ_CHECK(value.find_first_of("\r\n") == std::string::npos);
  if (response.status >= 400 && response.content_type == "application/json")
    FUZZ_CHECK(from_json(response.body).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const OriginRules rules("127.0.0.1", {"a.b"}, {"https://c.d"});
  const std::string_view bytes = fuzz::as_bytes(data, size);
  HttpRequest request = request_of(bytes);
  to_origin_form(request);
  (void)rules.admit(request);
  if (const std::string* header = request.header("accept-encoding")) (void)accepts_gzip(*header);
  const auto exchange = open_exchange(request, {});
  ExchangeStep step = exchange->begin();
  for (int turn = 0; turn < 64; ++turn) {
    std::string payload;
    if (const auto* response = std::get_if<HttpResponse>(&step)) return check_response(*response), 0;
    if (const auto* piece = std::get_if<Streamed>(&step)) payload = piece->ask;
    if (const auto* ask = std::get_if<Ask>(&step)) payload = ask->payload;
    if (payload.empty()) return 0;
    const auto decoded = codec::decode_request(payload);
    FUZZ_CHECK(!decoded || codec::op_of(decoded->body) != "hello");
    step = exchange->on_reply(request.body);
  }
  return 0;
}
