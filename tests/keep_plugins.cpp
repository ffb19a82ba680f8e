// Linked into programs that look for leaks: plug-ins of Open MPI stay loaded to the end, so that a leak of
// theirs is known by the name of its module (tests/leak-sanitizer.supp).
extern "C" int dlclose(void*) {
  return 0;
}
