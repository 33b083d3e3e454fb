#pragma once

#include <span>
#include <string_view>

namespace alertjoin {

// A file of the live page, as it was built. All views live as long as the process.
struct PageAsset {
  std::string_view path;  // As asked for: "/", "/assets/page.js".
  std::string_view content_type;
  std::string_view body;
  std::string_view etag;  // With its quotes.
};

// What the page consists of; empty where it was not built.
std::span<const PageAsset> PageAssets();

}  // namespace alertjoin
