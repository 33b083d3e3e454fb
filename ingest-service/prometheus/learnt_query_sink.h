#pragma once

#include <string>
#include <vector>

namespace alertjoin {

// Is told which queries that were learnt from rules are to be polled. Thread-safe; must not block.
class LearntQuerySink {
 public:
  virtual ~LearntQuerySink() = default;
  // These expressions and no other learnt ones of that source, from now on.
  virtual void SetLearntQueries(const std::string& source,
                                std::vector<std::string> expressions) = 0;
};

}  // namespace alertjoin
