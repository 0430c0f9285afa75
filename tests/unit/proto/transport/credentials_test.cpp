// What a client shows: from environment and profile, checked before anything is connected; values never in an
// error.
#include "proto/transport/credentials.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <map>

namespace prismbus {
namespace {

using Texts = std::map<std::string, std::string, std::less<>>;

NamedTexts said(Texts texts) {
  return [texts = std::move(texts)](std::string_view name) -> std::optional<std::string> {
    const auto at = texts.find(name);
    return at == texts.end() ? std::nullopt : std::optional(at->second);
  };
}

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "prismbus-profile-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path + "/" + name) << text;
    return path + "/" + name;
  }
  std::string path;
};

const CurveKeyPair kBroker = *CurveKeyPair::fresh();

std::string mistake(const Result<Profile>& profile) {
  if (profile) return "none";
  return profile.error().field.value_or("") + ": " + profile.error().message;
}

}  // namespace

TEST_CASE("nothing said is a broker without security") {
  const auto profile = load_profile(said({}));
  REQUIRE(profile);
  CHECK(profile->brokers.empty());
  CHECK(profile->credentials.server_key.empty());
  CHECK(profile->credentials.token_now().value().empty());
}

TEST_CASE("the environment says it, or a profile, and the environment wins") {
  const Folder folder;
  folder.write("t", "from.the.file\n");
  const auto own = *CurveKeyPair::fresh();
  folder.write("key", own.secret_key + "\n");
  const auto path = folder.write(
      "profile", "# where\n\nexport PRISMBUS_BROKER='tcp://a:1, tcp://b:2'\nPRISMBUS_SERVER_KEY=" +
                     kBroker.public_key + "\r\nPRISMBUS_TOKEN_FILE = t\nPRISMBUS_CLIENT_KEY_FILE=key\n");
  const auto profile = load_profile(said({{"PRISMBUS_PROFILE", path}}));
  REQUIRE(profile);
  CHECK(profile->brokers == std::vector<std::string>{"tcp://a:1", "tcp://b:2"});
  CHECK(profile->credentials.server_key == kBroker.public_key);
  CHECK(profile->credentials.own == own);
  CHECK(profile->credentials.token_now().value() == "from.the.file");
  const auto both = load_profile(said({{"PRISMBUS_TOKEN", "mine"}, {"PRISMBUS_BROKER", "tcp://c:3"}}), path);
  REQUIRE(both);
  CHECK(both->brokers == std::vector<std::string>{"tcp://c:3"});
  CHECK(both->credentials.token_now().value() == "mine");
  folder.write("t", "renewed\n");
  CHECK(profile->credentials.token_now().value() == "renewed");
}

TEST_CASE("what is wrong is named, and no value of it stands in the error") {
  const Folder folder;
  const auto with = [&](std::string_view text) {
    return mistake(load_profile(said({}), folder.write("p", text)));
  };
  CHECK(with("PRISMBUS_SERVER=x\n").find("p:1: no such name") != std::string::npos);
  CHECK(with("\nsecret words\n").find("p:2: expected NAME=value") != std::string::npos);
  CHECK(with("PRISMBUS_TOKEN=a\nPRISMBUS_TOKEN=b\n").find("p:2: PRISMBUS_TOKEN stands there twice") !=
        std::string::npos);
  CHECK(with("PRISMBUS_SERVER_KEY=short\n").starts_with("server_key: "));
  CHECK(with("PRISMBUS_TOKEN=secret\n").starts_with("server_key: without"));
  CHECK(with("PRISMBUS_TOKEN=secret\n").find("secret") == std::string::npos);
  CHECK(mistake(load_profile(said({{"PRISMBUS_PROFILE", "/nonexistent/p"}}))).find("/nonexistent/p") !=
        std::string::npos);
  const auto key = folder.write("key", "no key");
  CHECK(mistake(load_profile(said({{"PRISMBUS_CLIENT_KEY_FILE", key}}))).find(key) != std::string::npos);
  Credentials credentials;
  credentials.server_key = kBroker.public_key;
  credentials.token_file = "/nonexistent/t";
  CHECK(credentials.token_now().error().code == ErrorCode::not_found);
  credentials.token_file.clear();
  credentials.token = std::string(70'000, 't');
  CHECK(credentials.check().error().code == ErrorCode::too_large);
  credentials.token = "a\nb";
  CHECK(credentials.check().error().field == "token");
  credentials.token.clear();
  credentials.own = {kBroker.public_key, CurveKeyPair::fresh()->secret_key};
  CHECK(credentials.check().error().field == "client_key");
}

TEST_CASE("keys of CURVE are 40 characters of Z85, and a secret one makes its pair") {
  const auto pair = *CurveKeyPair::fresh();
  CHECK(is_curve_key(pair.public_key));
  CHECK(*CurveKeyPair::of_secret(pair.secret_key) == pair);
  for (const std::string& text :
       {std::string(), std::string(39, 'a'), std::string(41, 'a'), std::string(40, '"')}) {
    CHECK_FALSE(is_curve_key(text));
    CHECK_FALSE(CurveKeyPair::of_secret(text));
  }
}

}  // namespace prismbus
