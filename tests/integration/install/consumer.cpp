// What a service writes against an installed prismbus: its unit test, with a broker inside.
#include <broker/testing/broker.hpp>
#include <publisher/publisher.hpp>
#include <subscriber/native.hpp>
#include <subscriber/subscriber.hpp>

#include <cstdio>

int main() {
  using namespace std::chrono_literals;
  auto broker = prismbus::testing::Broker::start().value();
  prismbus::PublisherOptions writes;
  writes.brokers = {broker->requests()};
  auto publisher = prismbus::Publisher::open(writes).value();
  prismbus::SubscriberOptions reads;
  reads.brokers = {broker->requests()};
  reads.namespaces = {"fees.spot"};
  auto subscriber = prismbus::Subscriber::open(reads).value();
  const auto written = publisher->put("fees.spot", "maker", 0.25).get().value();
  if (!subscriber->wait_seq("fees.spot", written.seq, 20s)) return 1;
  std::printf("maker %.2f\n", subscriber->view().get_or("fees.spot", "maker", 0.0));
}
