#include "correlator-service/subscribe/resume_token.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "correlator-service/rows/opaque_token.h"

namespace alertjoin {
namespace {

constexpr size_t kStoreIdBytesMax = 255;

}  // namespace

absl::Status ResumeTokenError(KnownReason reason, const std::string& why) {
  return MakeError(reason, fmt::format("resume_token: {}", why), {{}, {{"resume_token", why}}, {}});
}

std::string EncodeResumeToken(const ResumeToken& token) {
  CHECK(token.store_id.size() <= kStoreIdBytesMax);
  TokenWriter writer;
  writer.AddUint8(static_cast<uint8_t>(token.store_id.size()));
  writer.AddBytes(token.store_id);
  writer.AddUint64(token.argument_hash);
  writer.AddUint8(static_cast<uint8_t>(token.phase));
  writer.AddUint64(token.sequence.value());
  if (token.phase == ResumeToken::Phase::kSnapshot) {
    writer.AddTime(token.snapshot_from);
    writer.AddUint8(token.position.has_value() ? 1 : 0);
    if (token.position.has_value()) {
      writer.AddTime(token.position->event_time);
      const auto& id = token.position->id.bytes;
      writer.AddBytes(std::string(id.begin(), id.end()));
    }
  }
  return writer.Seal(TokenKind::kResume);
}

absl::StatusOr<ResumeToken> DecodeResumeToken(std::string_view text) {
  const auto invalid = [] {
    return ResumeTokenError("INVALID_RESUME_TOKEN",
                            "this is no token of a subscription: give one back unchanged, or none");
  };
  auto reader = TokenReader::Open(TokenKind::kResume, text);
  if (!reader.has_value()) return invalid();
  ResumeToken token;
  token.store_id = reader->ReadBytes(reader->ReadUint8());
  token.argument_hash = reader->ReadUint64();
  const uint8_t phase = reader->ReadUint8();
  if (phase < 1 || phase > 3) return invalid();
  token.phase = static_cast<ResumeToken::Phase>(phase);
  token.sequence = Sequence(reader->ReadUint64());
  if (token.phase == ResumeToken::Phase::kSnapshot) {
    token.snapshot_from = reader->ReadTime();
    if (reader->ReadUint8() != 0) {
      RowPosition position;
      position.event_time = reader->ReadTime();
      const std::string id = reader->ReadBytes(position.id.bytes.size());
      std::copy(id.begin(), id.end(), position.id.bytes.begin());
      token.position = position;
    }
  }
  if (!reader->AtEnd()) return invalid();
  return token;
}

absl::Status CheckResumeToken(const ResumeToken& token, const RowStore& store,
                              uint64_t argument_hash) {
  const Sequence newest = store.newest();
  if (token.store_id != store.store_id()) {
    return ResumeTokenError("RESUME_TOKEN_FOREIGN",
                            "the token is of another store: forget what was received and subscribe "
                            "without a token");
  }
  if (token.sequence > newest) {
    return ResumeTokenError(
        "RESUME_TOKEN_FROM_FUTURE",
        fmt::format("the token is of sequence {}, the newest is {}: the store was put back to an "
                    "older state: forget what was received and subscribe without a token",
                    token.sequence.value(), newest.value()));
  }
  if (token.argument_hash != argument_hash) {
    return ResumeTokenError(
        "RESUME_TOKEN_OTHER_ARGUMENTS",
        "the token was given for another filter, or other arguments that say what is "
        "streamed: use the same again, or subscribe without a token");
  }
  if (const Sequence floor = store.floor(); token.sequence < floor) {
    return ResumeTokenError(
        "RESUME_TOKEN_TOO_OLD",
        fmt::format("the token is of sequence {}, the change log reaches back to {} "
                    "only: forget what was received and subscribe without a token",
                    token.sequence.value(), floor.value()));
  }
  return absl::OkStatus();
}

}  // namespace alertjoin
