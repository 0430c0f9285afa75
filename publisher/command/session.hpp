// One command's connection to a broker: opened, greeted, used by the command's one thread, closed when it
// ends. All waiting is bounded by --timeout, counted from open(). Does not repeat by hand: the publisher
// does.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "publisher/command/failure.hpp"
#include "publisher/publisher.hpp"

namespace prismbus::command {

// What every command takes.
struct Globals {
  std::vector<std::string> brokers{"tcp://127.0.0.1:7400"};
  Credentials credentials{};  // of a broker with security on
  std::chrono::milliseconds timeout{5000};
  bool json = false;
};

class Session {
 public:
  // Exit::unreachable when no broker answered `hello` in time; why it was refused, Exit::denied for a token,
  // as soon as it was, here and in whatever is asked later.
  [[nodiscard]] static Outcome<Session> open(const Globals& globals);

  [[nodiscard]] Publisher& publisher() { return *publisher_; }
  [[nodiscard]] const HelloReply& hello() const { return hello_; }
  [[nodiscard]] Epoch epoch() const { return epoch_; }
  [[nodiscard]] Revision rev() const { return rev_; }  // that `hello` was answered at
  [[nodiscard]] ReadCall read() const;                 // with the time that is left
  [[nodiscard]] WriteCall write() const;               // the same
  void start_over();                                   // gives the next steps the whole timeout again

  // Before a write on condition of `rev`, or a read that needs it: a broker that is not there yet would keep
  // a write waiting until its outcome is unknown, and most often the number is mistyped. Exit::try_later;
  // nothing was changed.
  [[nodiscard]] Outcome<void> await_revision(Revision rev, const std::string& ns, const std::string& key);

  // Waits for the answer. `context` opens the line for a person.
  template <class T>
  [[nodiscard]] Outcome<T> wait(Publisher::Future<T> future, std::string_view context = {}) {
    Result<T> answer = future.get();
    if (answer) return std::move(*answer);
    auto failure = failed(answer.error(), context);
    // Only a write leaves an outcome behind that somebody has to look for.
    const bool read = !std::is_same_v<T, WriteOutcome>;
    if (read && failure.value().exit == Exit::unknown_outcome) failure.value().exit = Exit::try_later;
    return failure;
  }

 private:
  Session(std::unique_ptr<Publisher> publisher, std::chrono::milliseconds timeout);
  [[nodiscard]] std::chrono::milliseconds left() const;

  std::unique_ptr<Publisher> publisher_;
  HelloReply hello_;
  Epoch epoch_;
  Revision rev_;
  std::chrono::milliseconds timeout_;
  std::chrono::steady_clock::time_point deadline_;
};

// How the command introduces itself to brokers.
[[nodiscard]] ClientIdentity command_identity();
// Exit::unreachable, naming the brokers that were tried.
[[nodiscard]] tl::unexpected<Failure> unreachable(const Globals& globals);

}  // namespace prismbus::command
