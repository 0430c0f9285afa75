// The same without CMake: the publisher alone, found by pkg-config.
#include <publisher/publisher.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  prismbus::PublisherOptions options;
  options.brokers = {argc > 1 ? argv[1] : ""};
  const auto publisher = prismbus::Publisher::open(options);
  if (!publisher) {
    std::puts(publisher.error().message.c_str());
    return 2;
  }
  const auto written = (*publisher)->put("fees.spot", "taker", 0.5).get();
  std::printf("seq %llu\n", static_cast<unsigned long long>(written ? written->seq.value() : 0));
  return written ? 0 : 1;
}
