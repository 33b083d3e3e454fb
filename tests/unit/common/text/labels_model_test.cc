// Random label sets against a plain model: a vector of pairs of strings, ordered by name.

#include <gtest/gtest.h>

#include <algorithm>
#include <compare>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "common/text/labels.h"
#include "tests/support/seed.h"

namespace alertjoin {
namespace {

using Label = LabelSet::Label;
using Model = std::vector<Label>;

// Names and values that are often equal, often one the start of the other, and of any bytes.
class RandomLabels {
 public:
  explicit RandomLabels(uint64_t seed) : random_(seed) {}

  std::vector<Label> InAnyOrder() {
    std::vector<Label> labels(Upto(kLabelsMax));
    for (Label& label : labels) label = {Text(), Text()};
    return labels;
  }

  // `labels` after one small change, or as they were.
  std::vector<Label> Near(std::vector<Label> labels) {
    if (labels.empty()) return InAnyOrder();
    const size_t place = Upto(labels.size() - 1);
    switch (Upto(4)) {
      case 0:
        labels[place].second = Text();
        break;
      case 1:
        labels[place].first = Text();
        break;
      case 2:
        labels.erase(labels.begin() + static_cast<std::ptrdiff_t>(place));
        break;
      case 3:
        labels.emplace_back(Text(), Text());
        break;
      default:
        break;
    }
    return labels;
  }

  std::string Text() {
    static constexpr char kBytes[] = {'\0', 'a', '"', '\x7f', '\x80', '\xff'};
    static constexpr size_t kLong[] = {126, 127, 128, 129, 16'383, 16'384};
    const bool is_long = Upto(60) == 0;
    const char byte = kBytes[Upto(std::size(kBytes) - 1)];
    std::string text(is_long ? kLong[Upto(std::size(kLong) - 1)] : Upto(2), byte);
    if (!text.empty() && Upto(1) == 0) text.back() = kBytes[Upto(std::size(kBytes) - 1)];
    return text;
  }

 private:
  static constexpr size_t kLabelsMax = 20;  // Beyond what is usual.

  size_t Upto(size_t max) { return std::uniform_int_distribution<size_t>(0, max)(random_); }

  std::mt19937_64 random_;
};

Model ModelOf(const std::vector<Label>& labels) {
  std::map<std::string, std::string> last;
  for (const auto& [name, value] : labels) last[name] = value;
  return {last.begin(), last.end()};
}

Model ContentOf(const LabelSet& labels) { return Model(labels.begin(), labels.end()); }

void ExpectSame(const LabelSet& labels, const Model& model) {
  EXPECT_EQ(ContentOf(labels), model);
  EXPECT_EQ(labels.size(), model.size());
  EXPECT_EQ(labels.empty(), model.empty());
  size_t bytes = 0;
  for (const auto& [name, value] : model) {
    EXPECT_TRUE(labels.Has(name));
    EXPECT_EQ(labels.Get(name), value);
    bytes += name.size() + value.size();
  }
  EXPECT_EQ(labels.ByteSize(), bytes);
  EXPECT_GE(labels.MemoryBytes(), bytes);
}

class LabelSetModel : public testing::Test {
 protected:
  static constexpr int kRounds = 3'000;

  RandomLabels random_{TestSeed()};
};

TEST_F(LabelSetModel, HoldsWhatItWasMadeFrom) {
  for (int round = 0; round < kRounds && !HasFailure(); ++round) {
    const std::vector<Label> given = random_.InAnyOrder();
    const Model model = ModelOf(given);
    const LabelSet labels(given);
    ExpectSame(labels, model);
    const std::vector<LabelSet::LabelView> views(given.begin(), given.end());
    EXPECT_EQ(LabelSet(views), labels);

    const std::string name = random_.Text();
    const auto has_name = [&](const Label& label) { return label.first == name; };
    const auto found = std::find_if(model.begin(), model.end(), has_name);
    EXPECT_EQ(labels.Has(name), found != model.end());
    EXPECT_EQ(labels.Get(name), found != model.end() ? found->second : "");
    Model rest = model;
    std::erase_if(rest, has_name);
    ExpectSame(labels.Without(name), rest);
  }
}

TEST_F(LabelSetModel, ComparesAsTheListOfPairs) {
  for (int round = 0; round < kRounds && !HasFailure(); ++round) {
    const std::vector<Label> given = random_.InAnyOrder();
    const std::vector<Label> near = random_.Near(given);
    const LabelSet a(given);
    const LabelSet b(near);
    const Model model_a = ModelOf(given);
    const Model model_b = ModelOf(near);
    EXPECT_EQ(a == b, model_a == model_b);
    EXPECT_TRUE((a <=> b) == (model_a <=> model_b)) << ToString(a) << ' ' << ToString(b);
    EXPECT_TRUE((b <=> a) == (model_b <=> model_a)) << ToString(a) << ' ' << ToString(b);
    EXPECT_EQ(a.Hash() == b.Hash(), model_a == model_b);
    if (a == b) {
      EXPECT_EQ(a.Fingerprint(), b.Fingerprint());
    }
  }
}

}  // namespace
}  // namespace alertjoin
