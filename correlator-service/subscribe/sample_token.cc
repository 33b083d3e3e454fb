#include "correlator-service/subscribe/sample_token.h"

#include <fmt/format.h>

#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "correlator-service/rows/opaque_token.h"
#include "correlator-service/subscribe/resume_token.h"

namespace alertjoin {
namespace {

constexpr size_t kStoreIdLengthMax = 255;

}  // namespace

std::string EncodeSampleToken(const SampleToken& token) {
  CHECK(token.store_id.size() <= kStoreIdLengthMax);
  TokenWriter writer;
  writer.AddUint8(static_cast<uint8_t>(token.store_id.size()));
  writer.AddBytes(token.store_id);
  writer.AddUint64(token.argument_hash);
  writer.AddUint8(static_cast<uint8_t>(token.phase));
  writer.AddUint64(token.place.round.value());
  writer.AddUint64(token.place.item);
  if (token.phase == SampleToken::Phase::kSnapshot) {
    writer.AddTime(token.snapshot_from);
    writer.AddUint64(token.snapshot_end.value());
  }
  return writer.Seal(TokenKind::kSampleResume);
}

absl::StatusOr<SampleToken> DecodeSampleToken(std::string_view text) {
  const auto invalid = [] {
    return ResumeTokenError(
        "INVALID_RESUME_TOKEN",
        "this is no token of a subscription to samples: give one back unchanged, or "
        "none");
  };
  auto reader = TokenReader::Open(TokenKind::kSampleResume, text);
  if (!reader.has_value()) return invalid();
  SampleToken token;
  token.store_id = reader->ReadBytes(reader->ReadUint8());
  token.argument_hash = reader->ReadUint64();
  const uint8_t phase = reader->ReadUint8();
  if (phase < 1 || phase > 2) return invalid();
  token.phase = static_cast<SampleToken::Phase>(phase);
  token.place.round = LogPosition(reader->ReadUint64());
  token.place.item = reader->ReadUint64();
  if (token.phase == SampleToken::Phase::kSnapshot) {
    token.snapshot_from = reader->ReadTime();
    token.snapshot_end = LogPosition(reader->ReadUint64());
  }
  if (!reader->AtEnd()) return invalid();
  return token;
}

absl::Status CheckSampleToken(const SampleToken& token, const std::string& store_id,
                              const RoundLog& log, uint64_t argument_hash) {
  if (token.store_id != store_id) {
    return ResumeTokenError("RESUME_TOKEN_FOREIGN",
                            "the token is of another store: subscribe without a token");
  }
  if (const LogPosition end = log.end(); token.place > SamplePlace{end, 0}) {
    return ResumeTokenError(
        "RESUME_TOKEN_FROM_FUTURE",
        fmt::format("the token is of record {}, the event log ends before {}: it was "
                    "put back to an older state: subscribe without a token",
                    token.place.round.value(), end.value()));
  }
  if (token.argument_hash != argument_hash) {
    return ResumeTokenError(
        "RESUME_TOKEN_OTHER_ARGUMENTS",
        "the token was given for another selection of series: use the same again, or "
        "subscribe without a token");
  }
  if (const LogPosition first = log.bounds().first; token.place.round < first) {
    return ResumeTokenError(
        "RESUME_TOKEN_TOO_OLD",
        fmt::format("the token is of record {}, the event log reaches back to {} "
                    "only: subscribe without a token, and fetch what is missing with "
                    "ListSamples",
                    token.place.round.value(), first.value()));
  }
  return absl::OkStatus();
}

}  // namespace alertjoin
