#pragma once

#include <httplib.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/net/http_byte_budget.h"
#include "common/net/http_head.h"
#include "common/net/http_server.h"
#include "common/net/stop_event.h"
#include "common/net/tls_session.h"
#include "common/net/unique_fd.h"

namespace alertjoin {

// What a peer still has once the server was told to stop.
constexpr Millis kGraceAfterStop{1000};

// One accepted connection as the stream that cpp-httplib reads a request from and writes the answer
// to. It adds what that library lacks: limits on the head as a whole, total deadlines, and one
// write per answer. Used by one thread.
class HttpConnection final : public httplib::Stream {
 public:
  // `stop` and `budget` must outlive the connection. Once `stop` is signalled, a request that has
  // begun to arrive gets one more second.
  HttpConnection(UniqueFd socket, const HttpTimeouts& timeouts, const StopEvent& stop,
                 HttpByteBudget& budget, const TlsContext& tls = {});

  // What has come of the next request.
  enum class Part { kNothing, kHead, kBody };
  enum class Gathered {
    kMore,    // To be called again when the socket is ready for wanted().
    kReady,   // A whole request, or what will never be one: ReadHead will not wait for it. One that
              // asks for "100 Continue" is whole with its head.
    kClosed,  // Closed by the peer with no request begun, or broken.
    kFailedHandshake,
  };
  // Whether the body of a request with this head is waited for: not of what is refused for its head
  // alone. Must not block.
  using WaitsForBody = std::function<bool(const HttpHead& head, const HttpConnection& connection)>;
  // Takes what has come, without waiting; makes the handshake of TLS first.
  Gathered Gather(const WaitsForBody& waits_for_body);
  // The same, but waits up to `patience` for something to come.
  Gathered GatherWithin(Millis patience, const WaitsForBody& waits_for_body);
  short wanted() const { return wanted_; }
  Part part() const { return part_; }
  bool shaking_hands() const { return tls_ != nullptr && !hands_shaken_; }
  // Of the next request, as far as it is here, once Gather has given kReady.
  std::string_view first_line() const;
  size_t buffered() const { return received_.size() - consumed_; }
  // What the request that is here, or comes, holds of the budget: for those who know to say.
  HttpByteBudget::Share& share() { return share_; }
  // Nothing more is waited for: what is there is answered as late.
  void SetOutOfTime() { out_of_time_ = true; }
  // Whoever's certificate was checked by TLS, or "".
  const std::string& certificate_name() const { return certificate_name_; }
  const std::string& certificate_chain() const { return certificate_chain_; }

  enum class HeadResult {
    kComplete,  // head() is there.
    kClosed,    // Closed by the peer, idle for too long or stopped, with no request begun.
    kTimedOut,  // Begun, but not complete in time.
    kTooLarge,  // More than kHttpHeadBytesMax without an end.
  };
  // Reads up to the end of a request's head. What follows is kept for the body.
  HeadResult ReadHead();
  // The head as sent, with its empty line. Valid until the next read.
  std::string_view head() const;

  // A body of so many bytes behind the head, if all of it is here: it leaves the connection, and no
  // copy stays.
  std::optional<std::string> TakeBody(size_t size);
  // Starts the time for the body.
  void StartBody();
  // True when a read has failed because the time was over.
  bool timed_out() const { return timed_out_; }

  // Sends what was written. False when the peer is gone or too slow, for which it has one more
  // second once the server stops; all later writes fail.
  bool Flush();
  // The same, and that second is for all that is sent so.
  bool FlushStream();
  // Waits until the deadline. False, at once, when the peer has closed its side or is gone, or the
  // server stops.
  bool WaitWhileOpen(StopEvent::Deadline deadline) const;
  // Ends the connection so that the answer arrives even though the peer may still be sending, which
  // a plain close would cut off by a reset. `may_wait`: whether there is time for that.
  void Close(bool may_wait);
  // Sends nothing more, and has the peer find the connection broken once this is gone: without that
  // an answer which ends with its connection would look whole.
  void Break();
  // The same for Gather to go on with: it passes over what still comes and gives kClosed at the
  // end. Without waiting: a peer that has no room for what was not flushed does not get it.
  void StartLinger();
  bool lingering() const { return lingering_; }

  bool is_readable() const override;
  bool is_writable() const override;
  // Not beyond the deadline of the part that is being read.
  ssize_t read(char* data, size_t size) override;
  // Keeps the bytes for Flush; a large answer is sent in parts.
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_.get(); }

 private:
  bool Send(bool is_stream);
  // What there is room for; all later writes fail where that is not all.
  void SendAtOnce();
  // The server stops: once it is seen, time runs.
  void SeeStop();
  // Waits for and receives up to `size` bytes: their number, 0 at the end, -1 on error or timeout.
  ssize_t Receive(char* data, size_t size);
  // Whether nothing more is to be waited for before the request is served.
  bool IsWhole(const WaitsForBody& waits_for_body);
  Gathered Discard();
  // As recv(2) and send(2), through TLS where there is one; wanted_ is for EAGAIN.
  ssize_t TryReceive(char* data, size_t size);
  ssize_t TrySend(const char* data, size_t size);

  const UniqueFd socket_;
  const HttpTimeouts timeouts_;
  const StopEvent& stop_;

  std::unique_ptr<TlsSession> tls_;  // Null: none.
  std::string certificate_name_;
  std::string certificate_chain_;
  bool hands_shaken_ = false;
  short wanted_ = 0;
  Part part_ = Part::kNothing;
  size_t searched_ = 0;     // No end of the head is before.
  size_t whole_bytes_ = 0;  // Of the request; 0: not known yet.
  bool out_of_time_ = false;
  bool lingering_ = false;
  HttpByteBudget::Share share_;
  std::string received_;  // Read from the socket and not consumed before `consumed_`.
  size_t consumed_ = 0;
  size_t head_end_ = 0;
  std::string unsent_;
  StopEvent::Deadline deadline_;
  bool stop_seen_ = false;
  StopEvent::Deadline grace_end_;  // When stop_seen_.
  bool timed_out_ = false;
  bool broken_ = false;
};

}  // namespace alertjoin
