#include "common/event/event_codec.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "common/event/event_rules.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/common/event/random_event.h"

namespace alertjoin {
namespace {

constexpr int kRandomEvents = 2000;
constexpr size_t kSeriesMax = 1000;

std::shared_ptr<const SeriesKey> Series(const std::string& query, const LabelSet& labels) {
  auto key = std::make_shared<SeriesKey>();
  key->query = std::make_shared<Query>(Query{"prom", query, query, TimeKind::kSample});
  key->labels = labels;
  return key;
}

SampleBatch OneSample(std::shared_ptr<const SeriesKey> series, double value = 1) {
  SampleBatch batch;
  batch.series = {std::move(series)};
  batch.series_index = {0};
  batch.times = {Timestamp::FromMillis(1)};
  batch.values = {value};
  return batch;
}

// What reaches the other end of a stream.
Event ThroughTheWire(EventEncoder& encoder, EventDecoder& decoder, const Event& event) {
  v1::Event sent;
  encoder.Encode(event, &sent);
  v1::Event received;
  EXPECT_TRUE(received.ParseFromString(sent.SerializeAsString()));
  const auto decoded = decoder.Decode(received);
  EXPECT_THAT(decoded, IsOk());
  return decoded.value_or(Event());
}

// With the entries of maps in order: equal texts, equal messages.
std::string Serialised(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    EXPECT_TRUE(message.SerializeToCodedStream(&coded));
  }
  return bytes;
}

// Adds the fields that are set, at any depth, by their full names.
void AddFieldsOf(const google::protobuf::Message& message, std::set<std::string>& names) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    names.insert(field->full_name());
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      AddFieldsOf(reflection.GetMessage(message, field), names);
    } else {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        AddFieldsOf(reflection.GetRepeatedMessage(message, field, i), names);
      }
    }
  }
}

// A record is written without a message, by other code than what goes through a stream.
TEST(EventCodec, RecordSaysWhatAStreamsFirstMessageSays) {
  RandomEvents events(TestSeed());
  std::set<std::string> met;
  for (int i = 0; i < kRandomEvents; ++i) {
    const Event event = events.Next();
    v1::Event by_stream;
    EventEncoder().Encode(event, &by_stream);
    v1::Event by_record;
    ASSERT_TRUE(by_record.ParseFromString(EncodeRecord(event).substr(1)));
    ASSERT_EQ(Serialised(by_record), Serialised(by_stream)) << Describe(event);
    AddFieldsOf(by_stream, met);
  }
  // Otherwise a field that the record forgets would go unnoticed.
  for (const auto* descriptor : {v1::TransitionEvent::descriptor(), v1::Notification::descriptor(),
                                 v1::Binding::descriptor(), v1::Query::descriptor()}) {
    for (int i = 0; i < descriptor->field_count(); ++i) {
      EXPECT_TRUE(met.contains(descriptor->field(i)->full_name()))
          << descriptor->field(i)->full_name() << " is in no random event";
    }
  }
}

TEST(EventCodec, RandomEventsComeThroughAStreamUnchanged) {
  RandomEvents events(TestSeed());
  EventEncoder encoder;
  EventDecoder decoder(1 << 20);
  for (int i = 0; i < kRandomEvents; ++i) {
    const Event event = events.Next();
    ASSERT_THAT(CheckEvent(event), IsOk()) << Describe(event);
    ASSERT_EQ(Describe(ThroughTheWire(encoder, decoder, event)), Describe(event));
  }
}

TEST(EventCodec, RandomEventsComeThroughARecordUnchanged) {
  RandomEvents events(TestSeed());
  for (int i = 0; i < kRandomEvents; ++i) {
    const Event event = events.Next();
    const auto decoded = DecodeRecord(EncodeRecord(event));
    ASSERT_THAT(decoded, IsOk());
    ASSERT_EQ(Describe(*decoded), Describe(event));
  }
}

TEST(EventCodec, RecordsOfAllButSamplesAreEventsOfAnyStream) {
  RandomEvents events(TestSeed());
  EventDecoder decoder(kSeriesMax);
  int passed = 0;
  for (int i = 0; i < kRandomEvents; ++i) {
    const Event event = events.Next();
    const std::string record = EncodeRecord(event);
    const auto as_stored = EventOfAnyStream(record);
    ASSERT_THAT(as_stored, IsOk());
    ASSERT_EQ(as_stored->has_value(), !std::holds_alternative<SampleBatch>(event));
    if (!as_stored->has_value()) continue;
    v1::Event message;
    ASSERT_TRUE(message.ParseFromString(std::string(**as_stored)));
    const auto decoded = decoder.Decode(message);
    ASSERT_THAT(decoded, IsOk());
    ASSERT_EQ(Describe(*decoded), Describe(event));
    ++passed;
  }
  EXPECT_GT(passed, 100);
}

TEST(EventCodec, MutatedEventsAreRefusedOrMeanWhatTheySayAgain) {
  const google::protobuf::LogSilencer silencer;
  const uint64_t seed = TestSeed();
  RandomEvents events(seed);
  std::mt19937_64 random(seed);
  int accepted = 0;
  int refused = 0;
  for (int i = 0; i < 20 * kRandomEvents; ++i) {
    v1::Event message;
    EventEncoder().Encode(events.Next(), &message);
    std::string bytes = message.SerializeAsString();
    for (uint64_t flips = 1 + random() % 4; flips > 0 && !bytes.empty(); --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (random() % 8 == 0) bytes.resize(random() % (bytes.size() + 1));
    v1::Event mutated;
    if (!mutated.ParseFromString(bytes)) continue;
    const auto decoded = EventDecoder(kSeriesMax).Decode(mutated);
    if (!decoded.ok()) {
      ASSERT_THAT(decoded, StatusIs(absl::StatusCode::kInvalidArgument));
      ASSERT_EQ(DetailOf(decoded.status())->reason, "MALFORMED_EVENT");
      ++refused;
      continue;
    }
    ++accepted;
    ASSERT_THAT(CheckEvent(*decoded), IsOk());
    const auto again = DecodeRecord(EncodeRecord(*decoded));
    ASSERT_THAT(again, IsOk());
    ASSERT_EQ(Describe(*again), Describe(*decoded));
  }
  EXPECT_GT(accepted, 100);
  EXPECT_GT(refused, 100);
}

TEST(EventCodec, RecordOfAnotherFormatIsRefusedByItsNumber) {
  std::string record = EncodeRecord(Gap{"prom", {}, {}, {}, "test", false});
  record[0] = 9;
  const auto decoded = DecodeRecord(record);
  EXPECT_THAT(decoded, StatusIs(absl::StatusCode::kFailedPrecondition, "format 9 is unknown"));
  EXPECT_EQ(DetailOf(decoded.status())->reason, "UNKNOWN_RECORD_FORMAT");
  EXPECT_EQ(EventOfAnyStream(record).status(), decoded.status());
}

TEST(EventCodec, DamagedRecordIsMalformed) {
  EXPECT_THAT(DecodeRecord(""), StatusIs(absl::StatusCode::kInvalidArgument, "empty"));
  EXPECT_THAT(DecodeRecord("\x01\xff\xff"), StatusIs(absl::StatusCode::kInvalidArgument));
  const std::string record = EncodeRecord(Gap{"prom", {}, {}, {}, "test", false});
  for (size_t size = 0; size < record.size(); ++size) {
    EXPECT_FALSE(DecodeRecord(record.substr(0, size)).ok()) << size;
    EXPECT_FALSE(EventOfAnyStream(record.substr(0, size)).ok()) << size;
  }
  // More than one event, and a kind of which this version knows nothing.
  for (const std::string& odd : {record + record.substr(1), std::string("\x01\x7a\x00", 3)}) {
    EXPECT_THAT(EventOfAnyStream(odd), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST(EventEncoder, DefinesASeriesOnceForEachStream) {
  EventEncoder encoder;
  const auto series = Series("up", {{"job", "a"}});
  v1::Event first;
  v1::Event second;
  encoder.Encode(OneSample(series), &first);
  encoder.Encode(OneSample(series), &second);
  EXPECT_EQ(first.samples().queries_size(), 1);
  EXPECT_EQ(first.samples().series_size(), 1);
  EXPECT_EQ(second.samples().queries_size(), 0);
  EXPECT_EQ(second.samples().series_size(), 0);
  EXPECT_EQ(second.samples().series_refs(0), first.samples().series_refs(0));
}

TEST(EventEncoder, SeriesInAnotherObjectIsTheSameSeries) {
  EventEncoder encoder;
  for (int i = 0; i < 100; ++i) {
    v1::Event event;
    encoder.Encode(OneSample(Series("up", {{"job", "a"}})), &event);
    EXPECT_EQ(event.samples().series_size(), i == 0 ? 1 : 0);
    EXPECT_EQ(event.samples().series_refs(0), 1U);
  }
  EXPECT_EQ(encoder.series_count(), 1U);
}

TEST(EventEncoder, SameLabelsOfTwoQueriesAreTwoSeries) {
  EventEncoder encoder;
  EventDecoder decoder(kSeriesMax);
  SampleBatch batch;
  batch.series = {Series("up", {{"job", "a"}}), Series("down", {{"job", "a"}})};
  batch.series_index = {0, 1, 0};
  batch.times.resize(3);
  batch.values = {1, 2, 3};
  const auto decoded = std::get<SampleBatch>(ThroughTheWire(encoder, decoder, batch));
  EXPECT_EQ(decoded.series.size(), 2U);
  EXPECT_EQ(Describe(decoded), Describe(batch));
}

TEST(EventDecoder, SharesOneObjectForASeriesOverTheStream) {
  EventEncoder encoder;
  EventDecoder decoder(kSeriesMax);
  const auto series = Series("up", {{"job", "a"}});
  const auto first = std::get<SampleBatch>(ThroughTheWire(encoder, decoder, OneSample(series)));
  const auto second = std::get<SampleBatch>(ThroughTheWire(encoder, decoder, OneSample(series)));
  EXPECT_EQ(first.series[0].get(), second.series[0].get());
}

TEST(EventDecoder, SeriesBeyondTheLimitEndTheStream) {
  EventEncoder encoder;
  EventDecoder decoder(2);
  ThroughTheWire(encoder, decoder, OneSample(Series("up", {{"job", "a"}})));
  ThroughTheWire(encoder, decoder, OneSample(Series("up", {{"job", "b"}})));
  v1::Event event;
  encoder.Encode(OneSample(Series("up", {{"job", "c"}})), &event);
  const auto refused = decoder.Decode(event);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted, "more than 2 series"));
  EXPECT_EQ(DetailOf(refused.status())->reason, "TOO_MANY_SERIES");
}

TEST(EventCodec, NotANumberKeepsItsBits) {
  const uint64_t other_nan = 0x7ff8000000000001;
  for (const uint64_t bits : {kStaleMarkerBits, other_nan}) {
    const Event event = OneSample(Series("up", {}), std::bit_cast<double>(bits));
    const auto decoded = DecodeRecord(EncodeRecord(event));
    ASSERT_THAT(decoded, IsOk());
    const double value = std::get<SampleBatch>(*decoded).values[0];
    EXPECT_EQ(std::bit_cast<uint64_t>(value), bits);
    EXPECT_EQ(IsStaleMarker(value), bits == kStaleMarkerBits);
  }
}

}  // namespace
}  // namespace alertjoin
