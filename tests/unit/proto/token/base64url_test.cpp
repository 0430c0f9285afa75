// base64url: the RFC's samples, every size, and that each bytes have one text only.
#include "proto/token/base64url.hpp"

#include <catch2/catch.hpp>

#include "proto/base/random.hpp"

using namespace prismbus;

TEST_CASE("base64url goes there and back at every size, without padding") {
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string bytes = random_bytes(size);
    const std::string text = to_base64url(bytes);
    CHECK(text.find_first_of("+/=") == std::string::npos);
    CHECK(base64url_size(text.size()) == size);
    CHECK(from_base64url(text) == bytes);
  }
  CHECK(to_base64url("\x03\xec\xff\xe0\xc1") == "A-z_4ME");  // RFC 7515, appendix C
}

TEST_CASE("padding, white space, the other alphabet, half a byte and stray bits are no base64url") {
  for (const std::string_view text :
       {"A", "AAAAA", "QQ==", "QUI=", "Q Q", "QQ\n", "+w", "_/", "QR", "QUJ", "Q\xc3\xa4", "QQ.QQ"}) {
    INFO(text);
    CHECK_FALSE(from_base64url(text));
  }
  CHECK_FALSE(from_base64url(std::string_view("QQ\0A", 4)));
  // Of the 64 last characters only those without stray bits stand for something.
  int taken = 0;
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    taken += from_base64url(std::string("Q") + c).has_value() ? 1 : 0;
  CHECK(taken == 4);
}
