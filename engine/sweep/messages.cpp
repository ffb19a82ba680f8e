#include "engine/sweep/messages.hpp"

#include <cstring>

#include "envs/archive.hpp"

namespace impsweep {
namespace {

// Signs of life are almost all that travels, and short: kind, sender, number, idle.
constexpr std::size_t kShortSize = 10;

bool is_short(MessageKind kind) {
  return kind == MessageKind::kAlive || kind == MessageKind::kStop || kind == MessageKind::kLeave ||
         kind == MessageKind::kFinish || kind == MessageKind::kGoodbye;
}

}  // namespace

std::vector<std::byte> encode(const Message& message) {
  if (is_short(message.kind)) {
    std::vector<std::byte> bytes(kShortSize);
    bytes[0] = static_cast<std::byte>(message.kind);
    std::memcpy(&bytes[1], &message.rank, sizeof message.rank);
    std::memcpy(&bytes[5], &message.assignment, sizeof message.assignment);
    bytes[9] = static_cast<std::byte>(message.idle);
    return bytes;
  }
  StateWriter writer;
  writer("message", message);
  return writer.take();
}

Message decode(std::span<const std::byte> bytes) {
  Message message;
  if (bytes.size() == kShortSize) {
    message.kind = static_cast<MessageKind>(bytes[0]);
    if (!is_short(message.kind)) throw ArchiveError("a short message of another kind");
    std::memcpy(&message.rank, &bytes[1], sizeof message.rank);
    std::memcpy(&message.assignment, &bytes[5], sizeof message.assignment);
    message.idle = bytes[9] != std::byte{0};
    return message;
  }
  StateReader reader(bytes.data(), bytes.size());
  reader("message", message);
  return message;
}

}  // namespace impsweep
