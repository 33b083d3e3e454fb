#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/sync/mutex.h"
#include "ingest-service/rules/rule_list.h"

namespace alertjoin {

// The newest alerting rules of every metrics source. Thread-safe; what it gives never changes.
class RuleCatalog {
 public:
  using Rules = std::shared_ptr<const RuleList>;

  // REQUIRES: not null.
  void Publish(const std::string& source, Rules rules) EXCLUDES_LOCK(mutex_);
  // As if nothing had been published of the source.
  void Forget(std::string_view source) EXCLUDES_LOCK(mutex_);

  // Null when the rules of the source have never been had.
  Rules RulesOf(std::string_view source) const EXCLUDES_LOCK(mutex_);

  // The expressions, each once, of the rules of the source that may have made an alert with these
  // labels: those of its name that contradict no label of it (values that are templates apart).
  // When `expression` is not empty, that one or none: several rules may have one name.
  std::vector<std::string> ExpressionsFor(std::string_view source, const LabelSet& alert_labels,
                                          std::string_view expression) const EXCLUDES_LOCK(mutex_);

 private:
  struct PublishedRules {
    Rules rules;
    // Places in `rules`, by name.
    std::multimap<std::string, size_t, std::less<>> by_name;
  };

  std::shared_ptr<const PublishedRules> Of(std::string_view source) const EXCLUDES_LOCK(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<const PublishedRules>, std::less<>> published_
      GUARDED_BY(mutex_);
};

}  // namespace alertjoin
