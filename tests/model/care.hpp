// Care for the data in a run: backups asked for at the door and streamed a piece at a time between everything
// else, restores of any of them, and rebuilds, between two lives of the broker. A backup has to equal one
// moment of the reference, between its request and its answer: that of the last revision it holds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/model/world.hpp"

namespace prismbus::model {

class Care {
 public:
  explicit Care(World& world) : world_(world) {}

  void send_backup();
  void step();                        // the next piece, if one is under way
  void restore_under_broker() const;  // is refused
  [[nodiscard]] bool has_backups() const { return !kept_.empty(); }

  // With the broker gone. A backup takes the place of the data, under a new epoch, and the reference goes
  // back to its moment.
  void restore();
  // The state from the journal; refused when that was trimmed. To be called before and after the start.
  void rebuild();
  void check_rebuilt() const;

  std::uint64_t backups = 0, restores = 0, rebuilds = 0, refused_rebuilds = 0;

 private:
  struct Kept {
    std::string name;
    std::uint64_t last = 0;              // revision
    std::shared_ptr<const Model> model;  // of its history, when that was over; null = it goes on
  };
  void check(const std::string& name, const Ask& ask, const ReplyHeader& header);
  void check_refusal(const std::string& name, const Error& error) const;
  [[nodiscard]] bool has(const std::string& name) const;
  [[nodiscard]] std::string path_of(const std::string& name) const {
    return world_.settings.backup.dir + "/" + name;
  }

  World& world_;
  std::vector<Kept> kept_;
  std::uint64_t names_ = 0;
  bool late_trim_ = false;
  bool rebuilt_ = false;
};

}  // namespace prismbus::model
