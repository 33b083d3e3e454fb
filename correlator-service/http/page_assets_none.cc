#include "correlator-service/http/page_assets.h"

namespace alertjoin {

std::span<const PageAsset> PageAssets() { return {}; }

}  // namespace alertjoin
