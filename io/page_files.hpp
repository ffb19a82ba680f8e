// io/page_files.hpp - the files io/page.css and io/page.js as texts, which every web page carries inside, and
// io/refresh.js, which one carries that is served while it changes.
// impsweep_embed() in CMakeLists.txt makes their definitions.
#pragma once

namespace impsweep {

const char* page_style();
const char* page_script();
const char* refresh_script();

}  // namespace impsweep
