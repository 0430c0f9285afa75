// The raw limits as servers of their own, in a process like the broker's: what libzmq and LMDB alone can do
// under the very load the broker gets. Each runs until SIGTERM and writes a ready file shaped like the
// broker's.
#pragma once

#include <string>

namespace prismbus::perf {

struct RawServer {
  // echo: a ROUTER sends every message back.
  // answer: a ROUTER answers every message with `bytes` bytes.
  // flood: "n" asked on the ROUTER publishes n one-frame messages of `bytes` to the subscribers of an XPUB.
  // durable: what is sent to the ROUTER is appended to LMDB, synced, published in one frame, and answered.
  // tcp: a byte on any plain connection writes `bytes` bytes to each of them.
  enum class Kind { echo, answer, flood, durable, tcp } kind = Kind::echo;
  std::string ready_file;
  std::size_t bytes = 300;  // answer, flood, tcp
  std::string data_dir;     // durable
  std::string topic = "perf.market/";
};

// 0, or 1 with the reason on stderr.
int run_raw_server(const RawServer& server);
int run_raw_tcp(const RawServer& server);  // Kind::tcp

}  // namespace prismbus::perf
