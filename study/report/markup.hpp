#pragma once

#include <map>
#include <string>
#include <string_view>

namespace rein::report {

/// `text` as it is to appear in an HTML element or a quoted attribute.
std::string escape_html(std::string_view text);

/// `json` for the inside of a <script>: no character in it can end the element.
std::string escape_script(std::string_view json);

/// `page` with each {{name}} replaced by its value. Values are not searched again.
/// @pre each name in `page` has a value.
std::string fill_template(std::string_view page, const std::map<std::string, std::string>& values);

}  // namespace rein::report
