// Records what the machine asks, so that a test reads like a conversation. Owns the pictures like a real
// owner.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "subscriber/sync/sync_state.hpp"
#include "subscriber/view/view_store.hpp"

namespace prismbus {

class SyncRecorder : public SyncActions {
 public:
  explicit SyncRecorder(std::vector<std::string> namespaces, std::vector<std::string> subtrees = {},
                        std::vector<StalenessRule> staleness = {}, std::vector<Validator> validators = {});
  ~SyncRecorder() override;

  void open_lane(Lane lane, const std::vector<std::string>&) override {
    said.push_back(lane == Lane::changes ? "open changes" : "open express");
  }
  void close_lane(Lane lane) override {
    said.push_back(lane == Lane::changes ? "close changes" : "close express");
  }
  void subscribe(Lane lane, const std::string& topic) override;
  void unsubscribe(Lane, const std::string&) override { said.push_back("unsubscribe"); }
  void ask(std::uint64_t tag, const RequestBody& body) override;
  void say_hello() override { said.push_back("hello"); }
  void move_on(const Error&) override { said.push_back("move on"); }
  void log(LogLevel, const LogLine&) override {}

  // Inputs, short.
  void greet(std::uint64_t run = 1, std::uint64_t epoch = 7);
  void barrier(Lane lane = Lane::changes);
  void answer(SyncReply reply, std::uint64_t rev);  // to the oldest open question
  void refuse(ErrorCode code);
  void answer_ack(std::vector<std::pair<std::string, Head>> behind = {});  // the last one
  void refuse_ack(ErrorCode code);
  void set(std::uint64_t seq, std::uint64_t rev,
           std::vector<std::string> must = {});  // puts "k" = seq in "a"
  void marker(std::uint64_t seq, std::uint64_t hash);
  void pass(std::chrono::milliseconds time);             // in steps, ticking
  void pass_with_beats(std::chrono::milliseconds time);  // ... while the stream lives
  void join_live(std::uint64_t seq, std::uint64_t rev);  // "a" live with "k" at `seq`
  [[nodiscard]] std::uint64_t hash_now() { return *store.view().hash("a"); }
  [[nodiscard]] NamespaceState state(const std::string& ns = "a") { return status(ns).state; }
  [[nodiscard]] NamespaceLeaf status(const std::string& ns = "a");
  void take();

  std::vector<std::string> said;  // everything asked, in order; cleared by the test
  std::vector<std::uint64_t> questions;
  std::vector<std::string> acks;  // what each ack told; apart from the above, for they come by the clock
  std::uint64_t ack_tag = 0;
  std::vector<SyncEvent> events;
  std::function<void(const SyncUpdate&)> shown;  // a picture was published; its leaves still live
  std::string barrier_topic[2];
  Now now;
  ViewStore store;
  SyncState sync;
};

}  // namespace prismbus
