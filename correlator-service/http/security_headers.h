#pragma once

#include "common/net/http_server.h"

namespace alertjoin {

// The headers that tell browsers to trust an answer no more than they must. There is no CORS: pages
// of other origins cannot read any.

// An answer that no browser should show as a page, or keep.
HttpResponse ForPrograms(HttpResponse response);
// A page, or a part of one, which loads nothing from elsewhere and has no script or style in line.
HttpResponse ForBrowsers(HttpResponse response);

}  // namespace alertjoin
