#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// Strict reading of a YAML file: each key is read by name, and Finish() refuses every key that was
// not. The first fault of the whole document is kept, with file, line and column
// ("ingest.yml:12:5: unknown key \"intervall\" (known keys here: expr, interval, name)"), and
// given by YamlDocument::status(); reading goes on with defaults after it, so a reader needs no
// error handling of its own. That a required key is missing gives way to any other fault, since it
// is often another key's typing error. Doubled keys, files over 1 MiB, aliases and wrong types are
// faults. Not thread-safe. Nodes must not outlive their document.
//
// What was read is remembered, defaults included, and can be shown: YamlDocument::Effective().
class YamlDocument;

class YamlNode {
 public:
  // True when the node is there and not null.
  bool present() const;
  // The same, or the key is there with nothing behind it.
  bool given() const;
  // "ingest.yml:12:5": for messages about values that are well-formed but wrong. Of an absent node,
  // the place of what should contain it.
  std::string where() const;
  // Records a fault at this node.
  void Fault(std::string_view message) const;

  // A child of a map. Reading it makes its name known. An absent child is a node that is not
  // present. A node that is no map is a fault.
  YamlNode Child(std::string_view name);
  // The entries of a list; none when absent. A node that is no list is a fault. With
  // `default_list`, a list as YAML that is not empty, an absent node has its entries.
  std::vector<YamlNode> Items(std::string_view default_list = "");
  // Entries of a map of strings to strings, in the order of the file.
  std::vector<std::pair<std::string, std::string>> StringMap();
  // The same with any values; an absent value is a node that is not present.
  std::vector<std::pair<std::string, YamlNode>> Entries();

  // Scalars. An absent node gives the default. RequiredString faults then, and when it is empty.
  std::string String(std::string_view default_value);
  std::string RequiredString();
  // A text that must not be seen: it is shown as kShownSecret. "" when absent.
  std::string SecretString();
  bool Bool(bool default_value);
  int64_t Int(int64_t default_value, int64_t min, int64_t max);
  // A Prometheus duration: 5s, 1m30s.
  Millis Duration(Millis default_value, Millis min, Millis max);
  // A size: a plain number of bytes, or with KiB, MiB, GiB.
  uint64_t Bytes(uint64_t default_value, uint64_t min, uint64_t max);
  std::vector<std::string> StringList();
  // The name of a file; "" when absent. A relative one is relative to the folder of the document.
  std::string FilePath();

  // To be called when every known key of a map has been read. Unknown keys are a fault.
  void Finish();

 private:
  friend class YamlDocument;
  struct State;
  explicit YamlNode(std::shared_ptr<State> state) : state_(std::move(state)) {}
  // The scalar's text; nothing, with a fault when it is no scalar, otherwise.
  const std::string* Text(std::string_view expected) const;
  // Remembers what the node stands for.
  void Show(std::string text) const;

  std::shared_ptr<State> state_;
};

class YamlDocument {
 public:
  // `name` is what messages call the file. A text that is no YAML is a fault, too.
  YamlDocument(std::string_view text, std::string name);
  // The file at `path`; a file that cannot be read is a fault.
  static YamlDocument FromFile(const std::string& path);

  YamlNode root();
  // OK, or INVALID_ARGUMENT with the first fault.
  absl::Status status() const;

  // All that was read, as YAML that reads the same, but for secrets: with the defaults of what is
  // absent, unless they are empty texts. In the order in which it was read.
  std::string Effective() const;
  // Every key that was asked for, there or not: "http.listen_address", "bindings[].query". Sorted.
  std::vector<std::string> KeysAskedFor() const;

  struct Shared;

 private:
  std::shared_ptr<Shared> shared_;
};

}  // namespace alertjoin
