#include "engine/sweep/worker_session.hpp"

#include <algorithm>
#include <utility>

namespace impsweep {
namespace {

// People look at one line for all ranks: rank 0 hears of a hundred ranks a second at most.
constexpr std::chrono::milliseconds kProgressInterval{1000}, kProgressIntervalPerRank{10};

}  // namespace

std::chrono::milliseconds sign_of_life_interval(std::chrono::milliseconds lost_after, int ranks) {
  constexpr int kSignsAtMost = 6, kSignsAtLeast = 3, kManyRanks = 1000;
  return std::clamp<std::chrono::milliseconds>(lost_after / kSignsAtMost * ranks / kManyRanks,
                                               lost_after / kSignsAtMost, lost_after / kSignsAtLeast);
}

WorkerSession::WorkerSession(Transport& transport, Clock::duration lost_after, Now now)
    : transport_(transport),
      lost_after_(lost_after),
      progress_interval_(
          std::max<Clock::duration>(kProgressInterval, kProgressIntervalPerRank * transport.ranks())),
      now_(std::move(now)),
      last_heard_(now_()),
      last_progress_(last_heard_) {}

void WorkerSession::send(Message message) {
  message.idle = idle_;
  transport_.send(0, message);
}

void WorkerSession::send_ready(const std::string& place) {
  ready_ = true;
  idle_ = true;
  last_heard_ = now_();
  Message ready;
  ready.kind = MessageKind::kReady;
  ready.reason = place;
  ready.assignment = accepted_;
  send(std::move(ready));
}

void WorkerSession::send_alive() {
  Message alive;
  alive.kind = said_goodbye_ ? MessageKind::kGoodbye : MessageKind::kAlive;  // as the first may be lost
  alive.assignment = accepted_;
  send(std::move(alive));
}

void WorkerSession::read_messages() {
  while (std::optional<Message> message = transport_.poll()) {
    last_heard_ = now_();
    switch (message->kind) {
      case MessageKind::kAssign:
        if (message->assignment <= accepted_) break;  // it came twice
        idle_ = false;
        accepted_ = message->assignment;
        next_ = std::move(message);
        break;
      case MessageKind::kLeave:
        leaving_ = stopping_ = true;
        break;
      case MessageKind::kFinish:
        finished_ = stopping_ = true;
        break;
      case MessageKind::kStop:
        stopping_ = true;
        break;
      default:
        break;
    }
  }
}

std::optional<Message> WorkerSession::take_assignment() {
  if (!next_ || is_over()) return std::nullopt;
  computing_ = next_->assignment;
  last_progress_ = now_();
  return std::exchange(next_, std::nullopt);
}

bool WorkerSession::should_stop(std::int64_t env_steps, double last_return) {
  read_messages();
  const Clock::time_point now = now_();
  if (now - last_progress_ >= progress_interval_) {
    last_progress_ = now;
    Message progress;
    progress.kind = MessageKind::kProgress;
    progress.assignment = computing_;
    progress.env_steps = env_steps;
    progress.last_return = last_return;
    send(std::move(progress));
  }
  return is_over();
}

void WorkerSession::answer(Message message) {
  read_messages();
  idle_ = !next_.has_value();
  message.assignment = std::exchange(computing_, 0);
  send(std::move(message));
}

void WorkerSession::send_goodbye() {
  idle_ = false;
  said_goodbye_ = true;
  Message goodbye;
  goodbye.kind = MessageKind::kGoodbye;
  goodbye.assignment = accepted_;
  send(std::move(goodbye));
}

std::optional<Shutdown> WorkerSession::shutdown() {
  read_messages();
  if (leaving_) return Shutdown::kIndependent;
  if (finished_) return Shutdown::kCollective;
  if (rank_zero_is_lost()) return Shutdown::kRankZeroLost;
  return std::nullopt;
}

}  // namespace impsweep
