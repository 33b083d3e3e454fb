#pragma once

namespace alertjoin {

// From now on what gRPC and Protocol Buffers log themselves is written as records of ours: by our
// format and level, on one line whatever a peer has sent, and from each place of a library once a
// minute, for a peer can cause most of it at will; `kept_back` counts what was not written since.
// An error of theirs is a warning here: what it does to a call is told by who made the call. With
// GRPC_VERBOSITY in the environment, gRPC writes as ever: somebody wants all of it. REQUIRES:
// called once, before there are other threads.
void LogLibraries();

}  // namespace alertjoin
