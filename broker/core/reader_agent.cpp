#include "broker/core/reader_agent.hpp"

#include "broker/core/chunk_cache.hpp"
#include "broker/core/op_needs.hpp"
#include "broker/core/pages.hpp"
#include "proto/base/assert.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/request.hpp"

namespace prismbus {

struct ReaderAgent::Impl {
  Impl(const ReaderSettings& given, const Store& store, BoundedQueue<ReadJob>& in_queue,
       BoundedQueue<ReadDone>& out_queue)
      : settings(given),
        epoch(store.journal.meta().epoch),
        state(store.state),
        journal(store.journal),
        tree(given.stream_master ? std::optional<KeyTree>(std::in_place, *given.stream_master, epoch)
                                 : std::nullopt),
        in(in_queue),
        out(out_queue) {}

  ReadDone work(ReadJob& job) {
    const auto request = codec::decode_request(job.payload);
    PRISMBUS_ASSERT(request.has_value(), "the bus decoded this payload before it gave it here");
    ReadView view(job.recent, state, journal);
    view.use(transactions);
    if (!settings.express) view.without_express();
    std::string payload;
    std::optional<ErrorCode> refusal;
    RefusedNames refused{codec::op_of(request->body), {}};
    if (job.rollback == nullptr) {
      payload = answer(view, *request, job, refused);
      refusal = codec::find_refusal(payload);
    } else {
      job.rollback->plan.advance(std::get<RollbackRequest>(request->body), view, job.rollback->pending);
      payload = std::move(job.payload);
    }
    return {job.to,
            job.message,
            std::move(job.principal),
            std::move(payload),
            std::move(job.rollback),
            job.place,
            std::move(refused),
            {},
            refusal};
  }

  std::string answer(const ReadView& view, const Request& request, const ReadJob& job,
                     RefusedNames& refused) {
    const codec::ReplyHead head{request.id, epoch, view.rev()};
    const RequestBody& body = request.body;
    const Access& access = *job.principal.access;
    if (auto allowed = authorise(access, body); !allowed)
      return codec::encode_error_reply(head, allowed.error());
    if (const auto* get = std::get_if<GetRequest>(&body)) return answer_get_at(view, head, *get);
    if (const auto* list = std::get_if<ListRequest>(&body)) return answer_list(view, head, *list, access);
    if (const auto* mget = std::get_if<MGetRequest>(&body)) return answer_mget(view, head, *mget);
    if (const auto* names = std::get_if<NamespacesRequest>(&body))
      return answer_namespaces(view, head, *names, access);
    if (const auto* snapshot = std::get_if<SnapshotRequest>(&body)) {
      ++counters.snapshots;
      if (!snapshot->after) ++counters.first_chunks;
      return answer_snapshot(view, head, *snapshot, access, &chunks);
    }
    if (const auto* changes = std::get_if<ChangesRequest>(&body)) {
      ++counters.changes;
      if (!changes->page.after) ++counters.first_pages;
      return answer_changes(view, head, *changes, access, refused.ns, counters.names_compacted);
    }
    if (const auto* history = std::get_if<HistoryRequest>(&body))
      return answer_history(view, head, *history, job.principal.name);
    if (const auto* diff = std::get_if<DiffRequest>(&body)) return answer_diff(view, head, *diff);
    if (const auto* audit = std::get_if<AuditRequest>(&body))
      return answer_audit(view, head, *audit, settings.audit);
    if (const auto* keys = std::get_if<KeysRequest>(&body)) {
      if (tree) return answer_keys(view, head, *keys, access, *tree, job.keys, refused.ns);
      return codec::encode_error_reply(head, unsupported("op", "this broker's stream is not sealed"));
    }
    PRISMBUS_ASSERT(false, "the bus sends only reads here that may take long");
  }

  [[nodiscard]] ReaderCounters counted() const {
    ReaderCounters now = counters;
    now.chunk_hits = chunks.hits();
    now.chunk_misses = chunks.misses();
    now.change_hits = transactions.hits();
    now.change_misses = transactions.misses();
    return now;
  }

  const ReaderSettings settings;
  ChunkCache chunks{settings.cached_chunks_bytes_max};
  TransactionCache transactions{settings.cached_changes_bytes_max};
  ReaderCounters counters;
  const Epoch epoch;
  StateReader state;
  JournalReader journal;
  const std::optional<KeyTree> tree;
  BoundedQueue<ReadJob>& in;
  BoundedQueue<ReadDone>& out;
  std::vector<ReadJob> jobs;
};

ReaderAgent::ReaderAgent(const ReaderSettings& settings, const Store& store, BoundedQueue<ReadJob>& in,
                         BoundedQueue<ReadDone>& out)
    : impl_(std::make_unique<Impl>(settings, store, in, out)) {}

ReaderAgent::~ReaderAgent() = default;

std::size_t ReaderAgent::step() {
  impl_->in.drain(impl_->jobs);
  for (ReadJob& job : impl_->jobs) {
    ReadDone done = impl_->work(job);
    done.counters = impl_->counted();
    const bool taken = impl_->out.try_push(std::move(done));
    PRISMBUS_ASSERT(taken, "as many answers fit as jobs were let in");
  }
  const std::size_t answered = impl_->jobs.size();
  impl_->jobs.clear();  // a job keeps its part of recent alive
  return answered;
}

}  // namespace prismbus
