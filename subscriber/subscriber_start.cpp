// How a Subscriber is put together, and what it shows before any broker answered: disk cache and seed.
#include <fmt/format.h>

#include <chrono>
#include <utility>
#include <vector>

#include "proto/base/assert.hpp"
#include "subscriber/cache/seed_file.hpp"
#include "subscriber/picture_status.hpp"
#include "subscriber/subscriber_callbacks.hpp"
#include "subscriber/subscriber_impl.hpp"

namespace prismbus {

using namespace std::chrono_literals;

Result<std::unique_ptr<Subscriber::Impl>> Subscriber::Impl::make(SubscriberOptions options) {
  auto follow = FollowSet::make(options.namespaces, options.subtrees);
  if (!follow) return tl::unexpected<Error>(follow.error());
  if (options.check_interval < 10ms || options.check_interval > kDurationMax) {
    return fail_field("check_interval", "10 ms to ten years");
  }
  if (options.full_sync_interval < 0ms || options.full_sync_interval > kDurationMax)
    return fail_field("full_sync_interval", "0 to ten years");
  if (options.sync_interval < 0ms || options.sync_interval > kDurationMax)
    return fail_field("sync_interval", "0 to ten years");
  if (auto valid = validate_staleness(options.staleness); !valid) return tl::unexpected<Error>(valid.error());
  if (auto valid = ValidatorSet::validate(options.validators, *follow); !valid) {
    return tl::unexpected<Error>(valid.error());
  }
  if (options.client.instance.empty()) options.client.instance = fmt::format("{:016x}", random_u64());
  auto reads = BrokerReads::open({.brokers = options.brokers,
                                  .client = options.client,
                                  .credentials = options.credentials,
                                  .timeout = options.read_timeout,
                                  .log = options.log});
  if (!reads) {
    Error error = reads.error();
    if (error.field == "timeout") error.field = "read_timeout";
    return tl::unexpected<Error>(std::move(error));
  }
  ConnectionOptions connection;
  connection.brokers = options.brokers;
  connection.client = options.client;
  connection.credentials = options.credentials;
  connection.follow_ns = follow->namespaces();
  connection.follow_under = follow->subtrees();
  auto callbacks = subscription_of(std::exchange(options.callbacks, {}));
  const CacheOptions cache = options.cache;
  const std::string seed_file = options.seed_file;
  std::unique_ptr<Impl> impl(new Impl(*follow, std::move(options)));
  if (auto read = impl->read_disk(cache, seed_file); !read) {
    impl->show_unheard(false);
    return tl::unexpected<Error>(read.error());
  }
  auto made = ClientConnection::make(impl->context_, std::move(connection), *impl, impl->log_);
  if (!made) {
    impl->show_unheard(false);
    return tl::unexpected<Error>(made.error());
  }
  impl->connection_.emplace(std::move(*made));
  impl->reads_ = std::move(*reads);
  if (callbacks) {
    const auto id = impl->subscriptions_.subscribe(std::move(*callbacks), impl->follow_);
    PRISMBUS_ASSERT(id.has_value(), "callbacks are a valid subscription");
  }
  impl->now_ = read_clock();
  impl->show_unheard(true);  // exact namespaces are listed from the start, as joining
  return impl;
}

// ---- disk and seed, before any broker answered ----

namespace {

tl::unexpected<Error> of_option(std::string_view option, Error error) {
  if (!error.field) error.field = std::string(option);
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace

Result<void> Subscriber::Impl::read_disk(const CacheOptions& options, const std::string& seed_file) {
  now_ = read_clock();
  auto secret = NamespacePatterns::make(options.secret, "cache.secret");
  if (!secret) return tl::unexpected<Error>(secret.error());
  if (options.keep_unfollowed < 0h)
    return fail_field("cache.keep_unfollowed", "cache.keep_unfollowed: not negative");
  for (const std::string& ns : options.preload) {
    if (follow_.covers(ns)) continue;
    return fail_field("cache.preload", "cache.preload: '" + ns + "' is not followed by this subscriber");
  }
  if (!options.directory.empty()) {
    auto cache = DiskCache::open(options, *secret, log_);
    if (!cache) return of_option("cache.directory", cache.error());
    cache_ = std::move(*cache);
    restore(cache_->load_first(follow_), Rung::disk);
  } else if (!options.key_file.empty()) {
    return fail_field("cache.key_file", "cache.key_file: there is no cache.directory to encrypt");
  }
  if (seed_file.empty()) return {};
  if (cache_) restore(cache_->load_rest(follow_), Rung::disk);  // the cache goes before the seed
  auto seed = load_seed(seed_file, follow_);
  if (!seed) return of_option("seed_file", seed.error());
  std::erase_if(*seed, [&](cache::Loaded& one) {
    if (!secret->covers(one.ns)) return false;
    const LogLine line =
        LogLine("seed_namespace_dropped").with("ns", one.ns).with("why", "cache.secret names it");
    if (log_) log_(LogLevel::warn, line.text());
    free_entries(one);
    return true;
  });
  restore(std::move(*seed), Rung::seed);
  return {};
}

void Subscriber::Impl::restore(std::vector<cache::Loaded> loaded, Rung rung) {
  for (cache::Loaded& one : loaded) {
    sync_.restore({one.epoch, std::move(one.ns), std::move(one.copy), rung, one.seen}, now_);
  }
}

// Shows what open() found; callbacks hear of it on the background thread, which begins with that.
void Subscriber::Impl::show_unheard(bool to_be_told) {
  unheard_ = sync_.take_update();
  if (to_be_told) before_unheard_.emplace(store_.view());
  if (unheard_.root != nullptr) store_.publish(unheard_.root);
  if (!to_be_told) store_.retire(std::move(unheard_.garbage));
}

void Subscriber::Impl::tell_unheard() {
  {
    const View shown = store_.view();
    const ViewRoot& before = ViewStore::root_of(*before_unheard_);
    subscriptions_.adopt(before);
    (void)subscriptions_.tell(unheard_.events, before, ViewStore::root_of(shown));  // step() goes on with it
  }
  before_unheard_.reset();
  store_.retire(std::move(unheard_.garbage));
}

void Subscriber::Impl::keep_cache() {
  while (!cache_stopping_.load(std::memory_order_acquire)) cache_->step(store_, cache_stopping_);
  cache_->step(store_, cache_stopping_);  // what the background thread told at its end
}

}  // namespace prismbus
