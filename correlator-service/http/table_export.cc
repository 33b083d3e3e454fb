#include "correlator-service/http/table_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>
#include <optional>
#include <set>

#include "common/log/log.h"
#include "common/net/grpc_status.h"
#include "common/net/message_bytes.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/http/connect_calls.h"
#include "correlator-service/http/connect_error.h"
#include "correlator-service/http/messages.h"
#include "correlator-service/http/request_parameters.h"

namespace alertjoin {
namespace {

using google::protobuf::Message;

// What is refused only for now is asked for again this often, after so long.
constexpr int kTriesMax = 20;
constexpr Millis kTryInterval{250};

struct TableQuery {
  std::unique_ptr<Message> request;
  std::vector<std::string> labels;
  size_t limit = std::numeric_limits<size_t>::max();
  bool times_as_ms = false;
};

absl::Status Invalid(const std::string& name, const std::string& why) {
  return InvalidField("INVALID_PARAMETER", name, why);
}

absl::Status TakeLimit(const std::string& value, TableQuery* query) {
  const auto [end, error] =
      std::from_chars(value.data(), value.data() + value.size(), query->limit);
  if (value.empty() || error != std::errc() || end != value.data() + value.size() ||
      query->limit == 0) {
    return Invalid("limit",
                   fmt::format("expected a number of rows from 1 on, found {}", Excerpt(value)));
  }
  return absl::OkStatus();
}

absl::Status TakeTimeFormat(const std::string& value, TableQuery* query) {
  if (value != "rfc3339" && value != "ms") {
    return Invalid("time_format", fmt::format("expected rfc3339 or ms, found {}", Excerpt(value)));
  }
  query->times_as_ms = value == "ms";
  return absl::OkStatus();
}

absl::Status TakeLabel(const std::string& value, TableQuery* query) {
  const auto known = std::find(query->labels.begin(), query->labels.end(), value);
  if (value.empty() || known != query->labels.end()) {
    return Invalid("label", value.empty() ? "is empty" : "given twice: " + Excerpt(value));
  }
  if (query->labels.size() == kTableLabelsMax) {
    return Invalid("label", fmt::format("more than {}", kTableLabelsMax));
  }
  query->labels.push_back(value);
  return absl::OkStatus();
}

absl::StatusOr<TableQuery> ReadQuery(const FlatTable& table, Timestamp now,
                                     const HttpRequest& request) {
  TableQuery query;
  query.request = NewMessage(table.method().input_type());
  std::set<std::string> seen;
  for (const auto& [name, value] : request.parameters) {
    if (name == "label") {
      RETURN_IF_ERROR(TakeLabel(value, &query));
      continue;
    }
    if (!seen.insert(name).second) return Invalid(Excerpt(name), "given more than once");
    if (name == "limit") {
      RETURN_IF_ERROR(TakeLimit(value, &query));
    } else if (name == "time_format") {
      RETURN_IF_ERROR(TakeTimeFormat(value, &query));
    } else {
      RETURN_IF_ERROR(
          SetParameter(name, value, now, query.request.get(), {"label", "limit", "time_format"}));
    }
  }
  return query;
}

std::vector<std::string> ColumnNames(const FlatTable& table, const TableQuery& query) {
  std::vector<std::string> names;
  for (const FlatColumn& column : table.columns()) names.emplace_back(column.name);
  for (const std::string& label : query.labels) names.push_back("label_" + label);
  return names;
}

bool MayBeAskedAgain(const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    const auto detail = DetailOf(FromGrpcStatus(status));
    return detail.has_value() && detail->reason == "TABLES_BUSY";
  }
  return status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
}

// One table on its way to one reader. Used by one thread at a time.
class TableExport {
 public:
  TableExport(const RpcCalls& calls, SharedAdmission caller, const FlatTable& table,
              FlatFormat format, TableQuery query)
      : calls_(calls),
        caller_(std::move(caller)),
        table_(table),
        query_(std::move(query)),
        writer_(format, ColumnNames(table, query_), query_.times_as_ms),
        answer_(NewMessage(table.method().output_type())) {
    writer_.Begin(&text_);
    Ask();
  }

  // Reads the page that was asked for, asks for the next one, and writes the first. At the end it
  // writes what stands behind all rows.
  grpc::Status ReadPage() {
    grpc::ByteBuffer bytes;
    grpc::Status status = call_->Wait(&bytes);
    call_.reset();
    if (status.ok() && !FromBytes(bytes, answer_.get())) {
      status = ToGrpcStatus(absl::InternalError("a page cannot be read"));
    }
    if (!status.ok()) return status;
    const std::string token = StringField(*answer_, "next_page_token");
    const size_t rows_max = query_.limit;
    query_.limit -= std::min(query_.limit, table_.CountRows(*answer_));
    SetToken(token);
    ended_ = token.empty() || query_.limit == 0;
    if (!ended_) Ask();
    table_.ReadRows(*answer_, query_.labels, rows_max,
                    [this](std::span<const FlatCell> cells) { writer_.Row(cells, &text_); });
    if (ended_) writer_.End(&text_);
    return status;
  }
  // The same page once more, after an error.
  void Ask() {
    const auto* const field = query_.request->GetDescriptor()->FindFieldByName("page_size");
    const auto rows = std::min<size_t>(query_.limit, static_cast<size_t>(table_.page_size_max()));
    query_.request->GetReflection()->SetInt32(query_.request.get(), field,
                                              static_cast<int32_t>(rows));
    call_.emplace(calls_, caller_, MethodPath(table_.method()), ToBytes(*query_.request),
                  kRpcTimeout);
  }

  // What was written since it was taken last.
  std::string& text() { return text_; }
  bool ended() const { return ended_; }
  const char* name() const { return table_.name(); }

 private:
  static std::string StringField(const Message& message, const char* name) {
    return message.GetReflection()->GetString(message,
                                              message.GetDescriptor()->FindFieldByName(name));
  }
  void SetToken(const std::string& token) {
    query_.request->GetReflection()->SetString(
        query_.request.get(), query_.request->GetDescriptor()->FindFieldByName("page_token"),
        token);
  }

  const RpcCalls& calls_;
  const SharedAdmission caller_;
  const FlatTable& table_;
  TableQuery query_;  // `limit` is what is left of it.
  FlatWriter writer_;
  const std::unique_ptr<Message> answer_;
  std::optional<RpcUnary> call_;
  std::string text_;
  bool ended_ = false;
};

// Sends all pages behind the first. False when it cannot.
bool SendRest(TableExport& table, HttpStream& reader) {
  int tries = 0;
  for (;;) {
    if (!reader.Write(table.text())) return false;
    table.text().clear();
    if (table.ended()) return true;
    const grpc::Status status = table.ReadPage();
    if (status.ok()) {
      tries = 0;
      continue;
    }
    if (!MayBeAskedAgain(status) || ++tries == kTriesMax) {
      LogWarn("a table over HTTP was cut off",
              {{"table", table.name()}, {"error", status.error_message()}});
      return false;
    }
    if (!reader.WaitFor(kTryInterval)) return false;
    table.Ask();
  }
}

absl::Status NoPlace(const Places& places) {
  return MakeError(
      "TOO_MANY_EXPORTS",
      fmt::format("{} tables of several pages are being sent already, which is the limit: ask for "
                  "less by `limit` or `from`, or try again later",
                  places.max()));
}

}  // namespace

HttpResponse AnswerTable(const RpcCalls& calls, Places& places, const FlatTable& table,
                         FlatFormat format, const Clock& clock, const HttpRequest& request) {
  auto query = ReadQuery(table, clock.Now(), request);
  if (!query.ok()) return ConnectErrorResponse(ToGrpcStatus(query.status()));
  const auto made =
      std::make_shared<TableExport>(calls, request.admission, table, format, *std::move(query));
  if (const grpc::Status first = made->ReadPage(); !first.ok()) return ConnectErrorResponse(first);
  HttpResponse response;
  response.content_type = FlatWriter::ContentType(format);
  if (made->ended()) {
    response.body = std::move(made->text());
    return response;
  }
  auto place = places.Take();
  if (place == nullptr) return ConnectErrorResponse(ToGrpcStatus(NoPlace(places)));
  response.stream = [made, place = std::move(place)](HttpStream& reader) {
    return SendRest(*made, reader);
  };
  return response;
}

}  // namespace alertjoin
