// The client's end of requests: one DEALER to one broker of a list, many requests in flight, matched by id.
// Owned by one thread and stepped by it; no thread, lock or clock of its own.
// It says `hello` first and again after every move, repeats what was lost with the very same bytes (so a
// write keeps its `req` and its epoch), moves to the next broker when one falls silent, and bounds what is in
// flight (I7, I8). It does not queue: what does not fit (`has_room`) waits with its owner. It does not decode
// an op's own reply.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "proto/base/log.hpp"
#include "proto/transport/credentials.hpp"
#include "proto/transport/request_table.hpp"
#include "proto/transport/socket.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus {

// Who a client says it is; operators read it.
struct ClientIdentity {
  std::string name = "prismbus-client";
  std::string version{};
  std::string instance{};  // unique to the process; empty = 16 random hex digits
  std::vector<std::pair<std::string, std::string>> labels{};
};

struct ConnectionOptions {
  std::vector<std::string> brokers{"tcp://127.0.0.1:7400"};  // request endpoints, tried in turn
  ClientIdentity client{};
  Credentials credentials{};                             // of a broker with security on
  std::vector<std::string> follow_ns{}, follow_under{};  // told in `hello`
  // No answer: the next broker. Doubles to 4 x while whole rounds of the list fail.
  std::chrono::milliseconds hello_timeout{2000};
  std::chrono::milliseconds probe_after{300};  // requests in flight and silence: `hello` again, as a question
  std::chrono::milliseconds silence_max{3000};     // requests in flight and silence: the next broker
  std::chrono::milliseconds retry_interval{1000};  // first repeat of one request; doubles to 8 x, with jitter
  std::chrono::milliseconds backoff_min{50}, backoff_max{5000};  // between rounds of the list, full jitter
  std::size_t in_flight_max = 8192;  // requests; their replies wait at the broker and in our inbound pipe
};

// What `hello` told, and whom.
struct Greeting {
  Endpoint requests;  // the broker's request endpoint in use
  Epoch epoch;
  Revision rev;
  HelloReply hello;
};

class ClientConnection {
 public:
  // Called inside step(), submit() and say_hello() on the owner's thread; all of them may call submit().
  class Owner {
   public:
    virtual ~Owner() = default;
    // `hello` was answered: a new connection, another run or epoch, or the answer to say_hello().
    virtual void on_greeting(const Greeting& greeting) = 0;
    // The broker fell silent or was left; requests in flight are kept and go to the next one.
    virtual void on_lost(const Error& why) = 0;
    // Every broker of the list was tried, and one of them refused `hello` for what no repetition changes: a
    // token that is bad, expired or revoked, most often. Once a round; they are tried again, paced, for
    // whoever renews the token.
    virtual void on_refused(const Error&) {}
    // The final answer to the request submitted with `tag`, success or failure (reply.error). Lent for the
    // call.
    virtual void on_reply(std::uint64_t tag, const ReplyHeader& reply) = 0;
    // No final answer by its deadline. `unavailable`: surely not done. `timeout`: the outcome is unknown.
    virtual void on_expired(std::uint64_t tag, const Error& error) = 0;
  };

  struct CallOptions {
    Steady deadline{};
    bool with_epoch =
        true;  // bound to the history it was computed from: anything with a revision, seq, cursor, `req`
    // `unauthenticated` (the connection was made anew): says `hello`, then repeats the very same bytes.
    // False: the answer is the caller's, when `hello` was said, for it has something else to send now.
    bool repeat_after_hello = true;
  };

  struct Counters {
    std::uint64_t sent = 0, repeated = 0, replies = 0, unmatched = 0, undecodable = 0, greetings = 0,
                  moves = 0;
  };

  // `owner`, `context` outlive this. invalid_argument when `brokers` is empty or holds no endpoint, or the
  // credentials cannot be.
  [[nodiscard]] static Result<ClientConnection> make(Context& context, ConnectionOptions options,
                                                     Owner& owner, LogSink log);

  // Whether `hello` was answered by the present broker.
  [[nodiscard]] bool ready() const { return state_ == State::ready; }
  [[nodiscard]] bool has_room() const { return table_.size() < options_.in_flight_max; }
  [[nodiscard]] std::size_t in_flight() const { return table_.size(); }
  [[nodiscard]] const Greeting& greeting() const { return greeting_; }  // only after the first on_greeting
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] const ConnectionOptions& options() const { return options_; }
  // What the socket to requests speaks; the streams of a broker that says `stream_curve` speak it too.
  [[nodiscard]] const Curve& curve() const { return curve_; }
  // What a request is told that was never sent: why `hello` was refused (a bad token is worth knowing), else
  // `unavailable` with `otherwise`.
  [[nodiscard]] Error unsent(std::string otherwise) const;

  // Encodes and sends; `body` is lent for the call. Only while ready() and has_room().
  void submit(std::uint64_t tag, const RequestBody& body, const CallOptions& options, Now now);
  // Forgets the request of `tag`: its reply, should one come, is counted and dropped. False: there is none.
  bool abandon(std::uint64_t tag);
  // Ends the wait for whatever is in flight: each is told as at its deadline. May be called from on_refused.
  void expire_all();
  // Says `hello` again on this connection; on_greeting tells the answer. Nothing when one is under way
  // already.
  void say_hello(Now now);
  // Leaves this broker for the next of the list (or the same again, when it is the only one).
  void move_on(const Error& why, Now now);

  // Receives what is there (a bounded number), sends what is due. True when it stopped at the bound: step
  // again.
  bool step(Now now);
  // When step() has to be called again even if nothing arrives.
  [[nodiscard]] Steady next_deadline() const;
  // For zmq_poll: the socket, or null while waiting to try the next broker.
  [[nodiscard]] void* pollable() const { return socket_ ? socket_->handle() : nullptr; }

 private:
  enum class State : std::uint8_t { waiting, greeting, ready };
  static constexpr std::uint64_t kHelloBit = std::uint64_t{1}
                                             << 63;  // ids of `hello`; the table's stay far below
  static constexpr Steady kNever = Steady::max();

  ClientConnection(Context& context, ConnectionOptions options, std::vector<Endpoint> brokers, Owner& owner,
                   LogSink log);
  void open(Now now);
  void send_hello(Now now);
  void transmit(const std::string& payload);
  void receive_one(std::string_view payload, Now now);
  void on_hello_reply(const ReplyHeader& reply, Now now);
  void on_final_or_retry(PendingRequest& request, const ReplyHeader& reply, Now now);
  void repeat(PendingRequest& request, Now now);
  void repeat_all(Now now);
  void check_timers(Now now);
  void expire(const PendingRequest& request);
  void tell_refusal();
  [[nodiscard]] Steady silence_deadline() const;
  void plan_renewal(Now now);
  void add_brokers(const HelloReply& hello);
  [[nodiscard]] std::chrono::nanoseconds jittered(std::chrono::nanoseconds d);
  void log(LogLevel level, const LogLine& line) const;

  Context* context_;
  ConnectionOptions options_;
  std::vector<Endpoint> brokers_;
  std::size_t configured_ = 0;  // brokers_ beyond these were told by a broker
  std::size_t current_ = 0, failures_ = 0;
  Owner* owner_;
  LogSink log_;
  std::minstd_rand random_;
  Curve curve_;
  std::optional<Error> refusal_;  // of the last `hello`; nullopt once one was answered

  State state_ = State::waiting;
  std::optional<Socket> socket_;
  RequestTable table_;
  Greeting greeting_;
  bool hello_pending_ = false;
  bool hello_for_owner_ = false;  // say_hello() asked: the answer is told even if nothing changed
  std::uint64_t hello_n_ = 0;
  Steady hello_sent_{}, retry_at_{}, next_scan_{};
  Steady renew_at_ = Steady::max();  // `hello` is said again then, with the token of then
  Steady quiet_since_{};  // of a broker that owes answers: last frame from it, or when it began to owe
  Counters counters_;
};

}  // namespace prismbus
